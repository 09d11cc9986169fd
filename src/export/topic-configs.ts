import type { Clock } from "../api/clock.js";
import type { KafkaAdmin } from "../kafka/client/kafka-admin.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { type ConfigChanges, notInForce, type TopicConfigs } from "./config-plan.js";
import { isOutage } from "./finding.js";

/** A change of configs is in force some time after the answer. */
const WAIT_MS = 100;
const TRIES = 100;

/**
 * Changes a topic's configs at the target, all together or else one by one, and waits until they are in force.
 *
 * @returns the refusal of each that is not changed, and all configs of the topic then.
 * @throws KafkaError when the target is gone.
 */
export async function setConfigs(
  topic: string,
  changes: ConfigChanges,
  { to, clock, signal }: { readonly to: KafkaClient; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly configs: TopicConfigs; readonly refusals: ReadonlyMap<string, KafkaError> }> {
  const refusals = await change(to.admin, topic, changes, signal);
  const accepted = Object.fromEntries(Object.entries(changes).filter(([key]) => !refusals.has(key)));
  for (let tries = 1; ; tries++) {
    const configs = await to.admin.describeTopicConfigs(topic, signal);
    if (notInForce(accepted, configs).length === 0 || tries === TRIES) return { configs, refusals };
    await clock.delay(WAIT_MS, signal);
    signal.throwIfAborted();
  }
}

async function change(
  admin: KafkaAdmin,
  topic: string,
  changes: ConfigChanges,
  signal: AbortSignal,
): Promise<Map<string, KafkaError>> {
  const refusals = new Map<string, KafkaError>();
  const attempt = async (some: ConfigChanges) => {
    try {
      await admin.alterTopicConfigs(topic, some, signal);
      return undefined;
    } catch (error) {
      if (signal.aborted || isOutage(error) || !(error instanceof KafkaError)) throw error;
      return error;
    }
  };
  if (!(await attempt(changes))) return refusals;
  for (const [key, value] of Object.entries(changes)) {
    const refusal = await attempt({ [key]: value });
    if (refusal) refusals.set(key, refusal);
  }
  return refusals;
}
