/** A decoded request, as interceptors see it. */
interface InterceptedRequest {
  readonly apiKey: number;
  /** Kafka's name: `Produce`. */
  readonly apiName: string;
  readonly apiVersion: number;
  readonly clientId: string;
  /** The result of the API's `decodeRequest`. */
  readonly request: unknown;
}

/**
 * An alternative to serving a request normally:
 * - `drop`: close the connection without serving it; with `after`, serve it first, so that only the answer is lost.
 * - `delay`: serve it when `until` resolves; with `after`, serve it at once and hold back the answer.
 * - `answer`: send `response` (of the shape that the API's `encodeResponse` takes) without serving it.
 * - `error`: refuse the whole request with this error code, without serving it.
 */
export type Interception =
  | { readonly kind: "drop"; readonly after?: boolean }
  | { readonly kind: "delay"; readonly until: Promise<void>; readonly after?: boolean }
  | { readonly kind: "answer"; readonly response: object }
  | { readonly kind: "error"; readonly errorCode: number };

/**
 * Called for every request before it is served; undefined serves it normally. The broker's only test hook: it makes
 * requests fail, wait, or lose their answers.
 */
export type Interceptor = (request: InterceptedRequest) => Interception | undefined;
