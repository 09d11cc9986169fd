import { type ConfigDef, type ConfigValues, invalidValue, type Props, parseConfig } from "../../api/index.js";
import { overridePolicy } from "../../worker/task/override-policy.js";
import { distributedConfigDef } from "./distributed-config.js";

const {
  "group.id": _group,
  "config.storage.topic": _configTopic,
  "config.storage.replication.factor": _configFactor,
  "offset.storage.topic": _offsetTopic,
  "offset.storage.replication.factor": _offsetFactor,
  "offset.storage.partitions": _offsetPartitions,
  "status.storage.topic": _statusTopic,
  "status.storage.replication.factor": _statusFactor,
  "status.storage.partitions": _statusPartitions,
  "session.timeout.ms": _session,
  "heartbeat.interval.ms": _heartbeat,
  "rebalance.timeout.ms": _rebalance,
  "connect.protocol": _protocol,
  "scheduled.rebalance.max.delay.ms": _delay,
  "worker.sync.timeout.ms": _sync,
  "exactly.once.source.support": _exactlyOnce,
  "inter.worker.key.generation.algorithm": _generation,
  "inter.worker.key.size": _size,
  "inter.worker.key.ttl.ms": _ttl,
  "inter.worker.signature.algorithm": _signature,
  "inter.worker.verification.algorithms": _verification,
  ...sharedConfigDef
} = distributedConfigDef;

/** The keys of a standalone worker (StandaloneConfig): a distributed worker's without those of its group and topics. */
export const standaloneConfigDef = {
  "offset.storage.file.filename": {
    type: "string",
    doc: "Standalone mode: file of the source offsets, in Kafka Connect's format.",
    check: (key, value) => (value === "" ? invalidValue(key, value, "String must be non-empty") : undefined),
  },
  ...sharedConfigDef,
} as const satisfies ConfigDef;

export type StandaloneConfig = ConfigValues<typeof standaloneConfigDef>;

/**
 * Parses a standalone worker's properties.
 *
 * @throws ConfigError naming the first key that is missing, wrong, or not supported.
 */
export function parseStandaloneConfig(props: Props): StandaloneConfig {
  overridePolicy(props);
  return parseConfig(standaloneConfigDef, props);
}
