import type { ErrorName } from "../../protocol/error-codes.js";
import type { Access } from "../access/access.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";

/** Kafka's numbers of the resources that have settings (ConfigResource). */
export const TOPIC_RESOURCE = 2;
export const BROKER_RESOURCE = 4;
export const BROKER_LOGGER_RESOURCE = 8;
export const CLIENT_METRICS_RESOURCE = 16;
export const GROUP_RESOURCE = 32;

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

/** The error for a client that may not describe or alter the settings of a resource; undefined: it may. */
export function deniedResource(
  operation: "DESCRIBE_CONFIGS" | "ALTER_CONFIGS",
  { resourceType, resourceName }: { readonly resourceType: number; readonly resourceName: string },
  access: Access,
): ErrorName | undefined {
  if (resourceType === TOPIC_RESOURCE) {
    return access.allows(operation, "TOPIC", resourceName) ? undefined : "TOPIC_AUTHORIZATION_FAILED";
  }
  if (resourceType === GROUP_RESOURCE) {
    return access.allows(operation, "GROUP", resourceName) ? undefined : "GROUP_AUTHORIZATION_FAILED";
  }
  return access.allows(operation, "CLUSTER", CLUSTER_NAME) ? undefined : "CLUSTER_AUTHORIZATION_FAILED";
}
