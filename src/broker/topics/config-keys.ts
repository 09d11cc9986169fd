/** The types of configuration values, with DescribeConfigs' numbers (KIP-569). */
export const CONFIG_TYPES = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  password: 9,
} as const;
type ConfigType = keyof typeof CONFIG_TYPES;

const LONG_MAX = "9223372036854775807";
const DAY_MS = 86_400_000;

/** The type and bounds of a value. */
export interface ValueRule {
  readonly type: ConfigType;
  readonly min?: number;
  readonly max?: number;
  readonly oneOf?: readonly string[];
  /** The values of `oneOf` may be spelled in capitals. */
  readonly ignoresCase?: boolean;
  /** The list must be `*` or pairs `partition:broker`. */
  readonly namesReplicas?: boolean;
}

/** One key of a topic's configuration. */
export interface TopicConfigKey extends ValueRule {
  /** As text, in Kafka's spelling. */
  readonly default: string;
  /** The broker property that sets the default of all topics. */
  readonly synonym?: string;
  readonly doc: string;
}

/**
 * Broker properties in larger units that also set a topic default, with their unit in ms. Kafka prefers the smaller
 * unit.
 */
export const SYNONYM_UNITS: Readonly<Record<string, readonly (readonly [property: string, ms: number])[]>> = {
  "retention.ms": [
    ["log.retention.minutes", 60_000],
    ["log.retention.hours", 3_600_000],
  ],
  "segment.ms": [["log.roll.hours", 3_600_000]],
  "segment.jitter.ms": [["log.roll.jitter.hours", 3_600_000]],
};

const IGNORED = "Accepted and stored; has no effect on a single node.";

/** The configuration of a topic: Apache Kafka 4.3's keys, types, bounds and defaults. */
export const TOPIC_CONFIG_KEYS: Readonly<Record<string, TopicConfigKey>> = {
  "cleanup.policy": {
    type: "list",
    default: "delete",
    synonym: "log.cleanup.policy",
    oneOf: ["compact", "delete"],
    doc: "delete drops old segments, compact keeps the last record of each key; both may be combined.",
  },
  "compression.type": {
    type: "string",
    default: "producer",
    synonym: "compression.type",
    oneOf: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    doc: "Codec of stored batches; producer keeps the client's codec.",
  },
  "compression.gzip.level": {
    type: "int",
    default: "-1",
    synonym: "compression.gzip.level",
    min: -1,
    max: 9,
    doc: "Level of gzip when the broker compresses (compression.type).",
  },
  "compression.lz4.level": {
    type: "int",
    default: "9",
    synonym: "compression.lz4.level",
    min: 1,
    max: 17,
    doc: "Accepted and stored; lz4 has one level here.",
  },
  "compression.zstd.level": {
    type: "int",
    default: "3",
    synonym: "compression.zstd.level",
    min: -131072,
    max: 22,
    doc: "Level of zstd when the broker compresses (compression.type).",
  },
  "delete.retention.ms": {
    type: "long",
    default: String(DAY_MS),
    synonym: "log.cleaner.delete.retention.ms",
    min: 0,
    doc: "How long a compacted log keeps a tombstone.",
  },
  "file.delete.delay.ms": {
    type: "long",
    default: "60000",
    synonym: "log.segment.delete.delay.ms",
    min: 0,
    doc: IGNORED,
  },
  "flush.messages": {
    type: "long",
    default: LONG_MAX,
    synonym: "log.flush.interval.messages",
    min: 1,
    doc: "Number of records after which the log is forced to disk; they are acknowledged, and readable, only then. `millrace up` and `millrace broker` set 1: every record is on disk before it is acknowledged. Kafka's default leaves it to the operating system.",
  },
  "flush.ms": {
    type: "long",
    default: LONG_MAX,
    synonym: "log.flush.interval.ms",
    min: 0,
    doc: "Time after which unflushed records are forced to disk.",
  },
  "follower.replication.throttled.replicas": { type: "list", default: "", namesReplicas: true, doc: IGNORED },
  "index.interval.bytes": {
    type: "int",
    default: "4096",
    synonym: "log.index.interval.bytes",
    min: 0,
    doc: "Bytes of log per index entry.",
  },
  "leader.replication.throttled.replicas": { type: "list", default: "", namesReplicas: true, doc: IGNORED },
  "local.retention.bytes": { type: "long", default: "-2", synonym: "log.local.retention.bytes", min: -2, doc: IGNORED },
  "local.retention.ms": { type: "long", default: "-2", synonym: "log.local.retention.ms", min: -2, doc: IGNORED },
  "max.compaction.lag.ms": {
    type: "long",
    default: LONG_MAX,
    synonym: "log.cleaner.max.compaction.lag.ms",
    min: 1,
    doc: "Latest time after which a record is compacted.",
  },
  "max.message.bytes": {
    type: "int",
    default: "1048588",
    synonym: "message.max.bytes",
    min: 0,
    doc: "Size limit of a record batch, after compression.",
  },
  "message.timestamp.after.max.ms": {
    type: "long",
    default: "3600000",
    synonym: "log.message.timestamp.after.max.ms",
    min: 0,
    doc: "How far a record's timestamp may lie in the future.",
  },
  "message.timestamp.before.max.ms": {
    type: "long",
    default: LONG_MAX,
    synonym: "log.message.timestamp.before.max.ms",
    min: 0,
    doc: "How far a record's timestamp may lie in the past.",
  },
  "message.timestamp.type": {
    type: "string",
    default: "CreateTime",
    synonym: "log.message.timestamp.type",
    oneOf: ["CreateTime", "LogAppendTime"],
    doc: "Whether records keep their own timestamp or get that of the append.",
  },
  "min.cleanable.dirty.ratio": {
    type: "double",
    default: "0.5",
    synonym: "log.cleaner.min.cleanable.ratio",
    min: 0,
    max: 1,
    doc: "Share of a compacted log that must be dirty before it is cleaned.",
  },
  "min.compaction.lag.ms": {
    type: "long",
    default: "0",
    synonym: "log.cleaner.min.compaction.lag.ms",
    min: 0,
    doc: "Earliest time after which a record is compacted.",
  },
  "min.insync.replicas": {
    type: "int",
    default: "1",
    synonym: "min.insync.replicas",
    min: 1,
    doc: "Accepted and stored; not enforced on a single node.",
  },
  preallocate: { type: "boolean", default: "false", synonym: "log.preallocate", doc: IGNORED },
  "remote.copy.lag.bytes": { type: "long", default: "-1", synonym: "log.remote.copy.lag.bytes", min: -2, doc: IGNORED },
  "remote.copy.lag.ms": { type: "long", default: "-1", synonym: "log.remote.copy.lag.ms", min: -2, doc: IGNORED },
  "remote.log.copy.disable": { type: "boolean", default: "false", doc: IGNORED },
  "remote.log.delete.on.disable": { type: "boolean", default: "false", doc: IGNORED },
  "remote.storage.enable": { type: "boolean", default: "false", doc: IGNORED },
  "retention.bytes": {
    type: "long",
    default: "-1",
    synonym: "log.retention.bytes",
    doc: "Size limit of a partition's log; -1: unlimited.",
  },
  "retention.ms": {
    type: "long",
    default: String(7 * DAY_MS),
    synonym: "log.retention.ms",
    min: -1,
    doc: "How long segments are kept; -1: forever.",
  },
  "segment.bytes": {
    type: "int",
    default: "1073741824",
    synonym: "log.segment.bytes",
    min: 1_048_576,
    doc: "Size at which a new segment is started.",
  },
  "segment.index.bytes": {
    type: "int",
    default: "10485760",
    synonym: "log.index.size.max.bytes",
    min: 4,
    doc: IGNORED,
  },
  "segment.jitter.ms": { type: "long", default: "0", synonym: "log.roll.jitter.ms", min: 0, doc: IGNORED },
  "segment.ms": {
    type: "long",
    default: String(7 * DAY_MS),
    synonym: "log.roll.ms",
    min: 1,
    doc: "Age at which a new segment is started.",
  },
  "unclean.leader.election.enable": {
    type: "boolean",
    default: "false",
    synonym: "unclean.leader.election.enable",
    doc: IGNORED,
  },
};

const NUMERIC: ReadonlySet<ConfigType> = new Set(["int", "short", "long", "double"]);

/** The fault of a key's value, as the end of "Invalid value x for configuration k: "; undefined: none. */
export function faultOf(key: ValueRule, value: string, segmentBytesMin?: number): string | undefined {
  if (key.type === "boolean" && !/^(true|false)$/i.test(value.trim())) {
    return "Expected value to be either true or false";
  }
  if (NUMERIC.has(key.type)) return numberFault(key, value, segmentBytesMin);
  const values = key.type === "list" ? splitList(value) : [value];
  const { oneOf } = key;
  const spelled = (each: string) => (key.ignoresCase ? each.toLowerCase() : each);
  if (oneOf && !values.every((each) => oneOf.includes(spelled(each)))) {
    return `String must be one of${key.ignoresCase ? " (case insensitive)" : ""}: ${oneOf.join(", ")}`;
  }
  if (key.namesReplicas && value.trim() !== "*" && !values.every((each) => /^\d+:\d+$/.test(each))) {
    return "must be the literal '*' or a list of replicas in the format [partitionId]:[brokerId],[partitionId]:[brokerId],...";
  }
  return undefined;
}

function numberFault(key: ValueRule, value: string, min = key.min): string | undefined {
  const number = Number(value);
  const whole = key.type === "double" || /^[+-]?\d+$/.test(value.trim());
  const tooWide = key.type === "int" && Math.abs(number) > 2 ** 31 - 1;
  if (value.trim() === "" || !Number.isFinite(number) || !whole || tooWide) {
    return `Not a number of type ${key.type.toUpperCase()}`;
  }
  if (min !== undefined && number < min) return `Value must be at least ${min}`;
  if (key.max !== undefined && number > key.max) return `Value must be no more than ${key.max}`;
  return undefined;
}

/** The elements of a comma-separated list, trimmed; empty ones are dropped. */
export function splitList(value: string): string[] {
  return value
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
