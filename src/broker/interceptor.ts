/** A request as an interceptor sees it, decoded. */
interface InterceptedRequest {
  readonly apiKey: number;
  /** Kafka's name: `Produce`. */
  readonly apiName: string;
  readonly apiVersion: number;
  readonly clientId: string;
  /** What the API's `decodeRequest` gave. */
  readonly request: unknown;
}

/**
 * What to do with a request instead of just serving it:
 * - `drop`: close the connection without serving it; with `after`, serve it first, so that only the answer is lost.
 * - `delay`: serve it when `until` resolves; with `after`, serve it at once and hold back the answer.
 * - `answer`: answer this (a response of the API, as its `encodeResponse` takes it) without serving it.
 * - `error`: answer an error of this code for everything asked, without serving it.
 */
export type Interception =
  | { readonly kind: "drop"; readonly after?: boolean }
  | { readonly kind: "delay"; readonly until: Promise<void>; readonly after?: boolean }
  | { readonly kind: "answer"; readonly response: object }
  | { readonly kind: "error"; readonly errorCode: number };

/**
 * Called for every request before it is served; undefined serves it. The broker's only hook for tests that need it to
 * fail, to be slow or to lose an answer.
 */
export type Interceptor = (request: InterceptedRequest) => Interception | undefined;
