import type { HttpClient } from "../../base/http-client.js";
import type { WriteTexts } from "../leader/leader-writes.js";
import { REFUSALS } from "../operations/registry-error.js";
import { ForwardedAnswer, type RawRequest } from "./raw-request.js";

/** Marks a request that a registry sends to its leader. */
const FORWARDED = "x-forward";

const KEPT = ["accept", "content-type", "authorization"];

export interface ForwardOptions {
  readonly http: HttpClient;
  readonly timeoutMs: number;
  /** `inter.instance.headers.whitelist`, in lower case */
  readonly headers: readonly string[];
  /** Reads what the leader has written, so that the client finds it here. */
  readonly readToEnd: () => Promise<void>;
}

/**
 * Sends a request to the leader, once: a registry that gets one and does not lead refuses it.
 *
 * @throws RegistryError 50003
 */
export async function forwardRequest(
  { http, timeoutMs, headers, readToEnd }: ForwardOptions,
  request: RawRequest,
  leaderUrl: string,
  texts: WriteTexts,
): Promise<ForwardedAnswer> {
  if (request.headers[FORWARDED] !== undefined) throw REFUSALS.forwarding(texts.forward);
  const sent: Record<string, string> = { "X-Forward": "true" };
  for (const name of [...KEPT, ...headers]) {
    const value = request.headers[name];
    if (typeof value === "string") sent[name] = value;
  }
  try {
    const { method, target, body } = request;
    const url = new URL(leaderUrl + target);
    const answer = await http.send({ url, method, headers: sent, body: body.length > 0 ? body : undefined, timeoutMs });
    if (answer.status < 300) await readToEnd();
    return new ForwardedAnswer(answer.status, answer.body);
  } catch (cause) {
    throw REFUSALS.forwarding(texts.forward, cause);
  }
}
