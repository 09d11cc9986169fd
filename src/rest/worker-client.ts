import { ConfigError, RetriableError } from "../api/index.js";
import type { HttpClient } from "../base/http-client.js";
import type { SubmittedConfig } from "../contract/connector-info.js";
import { CONFIG_OFFSET_HEADER, SIGNATURE_ALGORITHM_HEADER, SIGNATURE_HEADER } from "../contract/rest-api.js";
import type { RequestSignature } from "../herder/membership/session-keys.js";
import { type ForwardedAnswer, sendTo } from "./forwarding.js";

/**
 * Asks the leader to publish the task configs that a connector here generated from its record at `configOffset` of the
 * config topic. The signature covers exactly the bytes that are sent.
 *
 * @throws Error with the leader's message when it refuses.
 */
export async function postTaskConfigs(
  http: HttpClient,
  leaderUrl: string,
  connector: string,
  taskConfigs: readonly SubmittedConfig[],
  configOffset: number,
  sign: (body: Buffer) => RequestSignature | undefined,
): Promise<void> {
  const body = Buffer.from(JSON.stringify(taskConfigs));
  const url = new URL(`connectors/${encodeURIComponent(connector)}/tasks`, leaderUrl);
  const answer = await sendTo(http, url, "POST", body, {
    [CONFIG_OFFSET_HEADER]: String(configOffset),
    ...signatureHeaders(sign(body)),
  });
  if (answer.status >= 300) {
    throw new Error(refusalOf(leaderUrl, answer, `the task configs of ${connector}`));
  }
}

/**
 * Asks the leader to fence the producers of a source connector's earlier tasks (KIP-618).
 *
 * @throws RetriableError FENCING_FAILED while it does not answer, rebalances, or cannot reach Kafka; ConfigError
 *   FENCING_FAILED when it refuses.
 */
export async function putFence(
  http: HttpClient,
  leaderUrl: string,
  connector: string,
  sign: (body: Buffer) => RequestSignature | undefined,
): Promise<void> {
  const url = new URL(`connectors/${encodeURIComponent(connector)}/fence`, leaderUrl);
  let answer: ForwardedAnswer;
  try {
    answer = await sendTo(http, url, "PUT", undefined, signatureHeaders(sign(Buffer.alloc(0))));
  } catch (cause) {
    throw new RetriableError("FENCING_FAILED", (cause as Error).message, { cause });
  }
  if (answer.status < 300) return;
  const message = refusalOf(leaderUrl, answer, `the fencing of ${connector}`);
  if (answer.status !== 400 && answer.status !== 404) throw new RetriableError("FENCING_FAILED", message);
  throw new ConfigError("exactly.once.support", message, { code: "FENCING_FAILED" });
}

function signatureHeaders(signature: RequestSignature | undefined): Record<string, string> {
  if (!signature) return {};
  return {
    [SIGNATURE_HEADER]: signature.signature.toString("base64"),
    [SIGNATURE_ALGORITHM_HEADER]: signature.algorithm,
  };
}

function refusalOf(leaderUrl: string, { status, body }: ForwardedAnswer, what: string): string {
  const { message = "" } = (body ?? {}) as { readonly message?: string };
  return `The leader at ${leaderUrl} answered ${status} to ${what}: ${message}`;
}
