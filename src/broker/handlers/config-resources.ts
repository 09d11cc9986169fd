import { TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";

/** Kafka's numbers of the resources that have settings (ConfigResource). */
export const TOPIC_RESOURCE = 2;
export const BROKER_RESOURCE = 4;

/**
 * Broker properties that take effect while it runs: the defaults of topics, and those read at each use.
 * `group.initial.rebalance.delay.ms` is read once per group, so a change reaches only new groups.
 */
const DYNAMIC_KEYS: ReadonlySet<string> = new Set([
  ...Object.values(TOPIC_CONFIG_KEYS).flatMap(({ synonym }) => (synonym ? [synonym] : [])),
  "num.partitions",
  "auto.create.topics.enable",
  "group.initial.rebalance.delay.ms",
  "offsets.retention.minutes",
  "fetch.max.bytes",
]);

export function isDynamic(name: string): boolean {
  return DYNAMIC_KEYS.has(name);
}
