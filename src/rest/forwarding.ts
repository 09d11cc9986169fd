import type { Logger } from "../api/index.js";
import type { HttpAnswer, HttpClient } from "../base/http-client.js";
import { MEDIA_TYPE, REQUEST_TIMEOUT_MS } from "../contract/rest-api.js";
import type { MisdirectedError } from "../herder/misdirected-error.js";
import { HttpError } from "./http-error.js";

/** A request to forward to another worker. */
export interface ForwardableRequest {
  readonly method: string;
  /** Path without query, unchanged: names in it stay encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  readonly authorization: string | undefined;
  /** The request's own `forward` parameter. */
  readonly forward: boolean | undefined;
}

/** Another worker's answer. */
export interface ForwardedAnswer {
  readonly status: number;
  /** undefined for 204. */
  readonly body: unknown;
}

/**
 * Forwards a request to the worker that can carry it out. At most two hops: to the leader, and from there to an owner.
 *
 * @throws HttpError 409 after the last hop, or when the target is unknown.
 */
export async function forward(
  request: ForwardableRequest,
  error: MisdirectedError,
  { http, logger }: { readonly http: HttpClient; readonly logger: Logger },
): Promise<ForwardedAnswer> {
  if (request.forward === false || error.url === undefined) {
    throw error.url === undefined
      ? error
      : new HttpError(
          409,
          "Cannot complete request because of a conflicting operation (e.g. worker rebalance): try again in a moment",
          { cause: error },
        );
  }
  const url = new URL(request.path.replace(/^\//, ""), error.url);
  for (const [key, value] of Object.entries(request.query)) url.searchParams.set(key, value);
  url.searchParams.set("forward", request.forward === undefined ? "true" : "false");
  logger.debug("Forwarding a request", { method: request.method, url: url.href });
  return sendTo(
    http,
    url,
    request.method,
    request.body,
    request.authorization ? { Authorization: request.authorization } : {},
  );
}

/**
 * One request to another worker.
 *
 * @throws HttpError 500 when it does not answer in time, or not with JSON.
 */
export async function sendTo(
  http: HttpClient,
  url: URL,
  method: string,
  body: Buffer | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<ForwardedAnswer> {
  let answer: HttpAnswer;
  try {
    answer = await http.send({
      url,
      method,
      timeoutMs: REQUEST_TIMEOUT_MS,
      headers: {
        Accept: MEDIA_TYPE,
        "User-Agent": "kafka-connect",
        ...(body && { "Content-Type": MEDIA_TYPE }),
        ...headers,
      },
      body,
    });
  } catch (cause) {
    throw new HttpError(500, `IO Error trying to forward REST request: ${url.origin} did not answer`, { cause });
  }
  const { status } = answer;
  if (answer.body.length === 0) return { status, body: undefined };
  try {
    return { status, body: JSON.parse(answer.body.toString()) as unknown };
  } catch (cause) {
    throw new HttpError(
      500,
      `IO Error trying to forward REST request: ${url.origin} answered ${status} without JSON, so it is hardly a worker's REST interface; check where its rest.advertised.host.name and rest.advertised.port lead`,
      { cause },
    );
  }
}
