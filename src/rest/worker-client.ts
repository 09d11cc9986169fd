import type { HttpClient } from "../base/http-client.js";
import type { SubmittedConfig } from "../contract/connector-info.js";
import { CONFIG_OFFSET_HEADER, SIGNATURE_ALGORITHM_HEADER, SIGNATURE_HEADER } from "../contract/rest-api.js";
import type { RequestSignature } from "../herder/membership/session-keys.js";
import { sendTo } from "./forwarding.js";

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
  const signature = sign(body);
  const url = new URL(`connectors/${encodeURIComponent(connector)}/tasks`, leaderUrl);
  const answer = await sendTo(http, url, "POST", body, {
    [CONFIG_OFFSET_HEADER]: String(configOffset),
    ...(signature && {
      [SIGNATURE_HEADER]: signature.signature.toString("base64"),
      [SIGNATURE_ALGORITHM_HEADER]: signature.algorithm,
    }),
  });
  if (answer.status < 300) return;
  const { message = "" } = (answer.body ?? {}) as { readonly message?: string };
  throw new Error(
    `The leader at ${leaderUrl} answered ${answer.status} to the task configs of ${connector}: ${message}`,
  );
}
