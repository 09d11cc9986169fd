import { ConfigError } from "../api/errors.js";
import { CODECS, type Compression, requireCodec } from "../protocol/compression/compression.js";
import { KafkaError } from "../protocol/kafka-error.js";
import type { ClientProperties } from "./client/client-options.js";

/** Where a broker listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Reads typed values from client properties. Every method may throw a ConfigError naming the key. */
export class PropertyReader {
  constructor(private readonly properties: ClientProperties) {}

  /** The text of `key`, trimmed; undefined when absent. */
  text(key: string): string | undefined {
    return this.properties[key]?.trim();
  }

  integer(key: string, absent: number, minimum = 0, maximum = Number.MAX_SAFE_INTEGER): number {
    const text = this.text(key);
    if (text === undefined || text === "") return absent;
    const value = Number(text);
    if (!Number.isSafeInteger(value)) throw invalid(key, text, "must be a whole number");
    if (value < minimum) throw invalid(key, text, `must be at least ${minimum}`);
    if (value > maximum) throw invalid(key, text, `must be no more than ${maximum}`);
    return value;
  }

  /** One of `values`; `fold` first brings the text into their spelling. */
  oneOf<const V extends string>(
    key: string,
    absent: V,
    values: readonly V[],
    fold: (text: string) => string = (t) => t,
  ): V {
    const text = this.text(key);
    if (text === undefined || text === "") return absent;
    const found = values.find((value) => value === fold(text));
    if (found === undefined) throw invalid(key, text, `must be one of ${values.join(", ")}`);
    return found;
  }

  flag(key: string, absent: boolean): boolean {
    return this.oneOf(key, absent ? "true" : "false", ["true", "false"], (text) => text.toLowerCase()) === "true";
  }

  list(key: string): string[] {
    return (this.text(key) ?? "")
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== "");
  }
}

function invalid(key: string, value: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError(key, `Invalid value ${value} for configuration ${key}: ${why}`, { cause });
}

/** For a value that Java's client would take. */
export function unsupported(key: string, value: string, why: string): ConfigError {
  return new ConfigError(key, `Invalid value ${value} for configuration ${key}: ${why}`, {
    code: "CONFIG_UNSUPPORTED",
  });
}

// Other keys of a worker, such as `group.id` and `config.storage.topic`, would only make a client warn about each.
const CONNECTION_KEYS =
  /^(bootstrap\.|client\.|security\.|sasl\.|ssl\.|request\.|default\.api\.|retry\.|retries$|reconnect\.|connections\.|metadata\.|socket\.|send\.|receive\.)/;

/**
 * Whether a worker's property without prefix configures connections. Those go to its own clients and to admin clients.
 */
export function isConnectionKey(key: string): boolean {
  return CONNECTION_KEYS.test(key);
}

/** The entries of a worker's properties that configure connections. */
export function connectionProperties(props: ClientProperties): Record<string, string> {
  return Object.fromEntries(Object.entries(props).filter(([key]) => isConnectionKey(key)));
}

/** The settings shared by all parts of a client. Times in milliseconds. */
export interface ConnectionConfig {
  readonly bootstrap: readonly Address[];
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectionTimeoutMs: number;
  /** For administrative calls, including retries. */
  readonly apiTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
}

export function connectionConfig(properties: ClientProperties): ConnectionConfig {
  const read = new PropertyReader(properties);
  const retryBackoffMs = read.integer("retry.backoff.ms", 100);
  return {
    bootstrap: bootstrapServers(read),
    clientId: read.text("client.id") ?? "",
    requestTimeoutMs: read.integer("request.timeout.ms", 30_000, 1),
    connectionTimeoutMs: read.integer("socket.connection.setup.timeout.ms", 10_000, 1),
    apiTimeoutMs: read.integer("default.api.timeout.ms", 60_000, 1),
    retryBackoffMs,
    retryBackoffMaxMs: Math.max(retryBackoffMs, read.integer("retry.backoff.max.ms", 1_000)),
    metadataMaxAgeMs: read.integer("metadata.max.age.ms", 300_000, 1),
  };
}

function bootstrapServers(read: PropertyReader): Address[] {
  const key = "bootstrap.servers";
  const list = read.list(key);
  if (list.length === 0) {
    throw new ConfigError(
      key,
      `Missing required configuration "${key}": name at least one broker, such as localhost:9092`,
      {
        code: "CONFIG_MISSING",
      },
    );
  }
  return list.map((server) => {
    const parts = /^(?:[a-zA-Z_]+:\/\/)?(?:\[([0-9a-fA-F:.%]+)\]|([^\s:/[\]]+)):(\d+)$/.exec(server);
    if (!parts) throw invalid(key, server, "each server must be HOST:PORT");
    const port = Number(parts[3]);
    if (port < 1 || port > 65_535) throw invalid(key, server, "the port must be between 1 and 65535");
    return { host: parts[1] ?? parts[2]!, port };
  });
}

/** A producer's settings. Bytes and milliseconds. */
export interface ProducerConfig {
  /**
   * Who must have written a batch before it counts as written: all in-sync replicas (-1), the leader (1), or no one
   * (0).
   */
  readonly acks: -1 | 0 | 1;
  readonly compression: Compression;
  /** Chooses the partition of every record as if it had no key. */
  readonly ignoresKeys: boolean;
  /** Bytes at which a batch is full; undefined when `batch.size` is not set: `maxRequestBytes` then. */
  readonly batchBytes: number | undefined;
  readonly lingerMs: number;
  readonly maxRequestBytes: number;
  readonly bufferBytes: number;
  /** Age at which an undelivered batch fails; Infinity: never. */
  readonly deliveryTimeoutMs: number;
  /** How often a batch is sent again after a retriable failure; Infinity: until the delivery timeout. */
  readonly retries: number;
}

/** Values of `partitioner.class` that the built-in partitioner stands in for; "" is Java's default. */
const OWN_PARTITIONERS: ReadonlySet<string> = new Set([
  "",
  "org.apache.kafka.clients.producer.internals.DefaultPartitioner",
  "org.apache.kafka.clients.producer.UniformStickyPartitioner",
]);

/** Refuses ids of transactions and foreign partitioners: without them, records would be less safe or go elsewhere. */
function refuseForeign(read: PropertyReader): void {
  const transactionalId = read.text("transactional.id") ?? "";
  if (transactionalId !== "") {
    const why = "the worker chooses it for sources under exactly.once.source.support; other producers have none";
    throw invalid("transactional.id", transactionalId, why);
  }
  const partitioner = read.text("partitioner.class") ?? "";
  if (!OWN_PARTITIONERS.has(partitioner)) {
    throw unsupported("partitioner.class", partitioner, "only Java's default partitioner is built in");
  }
}

/** Kafka's default, and the only level of our lz4. */
const LZ4_LEVEL = 9;

/**
 * `buffer.memory` where it is not set: half of Kafka's. A broker has one request of ours in flight, of at most
 * `max.request.size`, so more would only wait.
 */
const BUFFER_BYTES = 16 * 1024 * 1024;

/** Java's "no limit" for 32-bit settings. */
const JAVA_INT_MAX = 2_147_483_647;

export function producerConfig(properties: ClientProperties): ProducerConfig {
  const read = new PropertyReader(properties);
  refuseForeign(read);
  const batchBytes = read.text("batch.size") === undefined ? undefined : read.integer("batch.size", 0);
  const delivery = read.integer("delivery.timeout.ms", JAVA_INT_MAX);
  const retries = read.integer("retries", JAVA_INT_MAX);
  const acks = read.oneOf("acks", "all", ["all", "-1", "0", "1"]);
  if ((acks === "0" || acks === "1") && read.text("enable.idempotence")?.toLowerCase() === "true") {
    throw invalid("acks", acks, "must be all where enable.idempotence is true");
  }
  return {
    acks: acks === "all" ? -1 : (Number(acks) as -1 | 0 | 1),
    compression: compression(read),
    ignoresKeys: read.flag("partitioner.ignore.keys", false),
    batchBytes,
    lingerMs: read.integer("linger.ms", 0),
    maxRequestBytes: read.integer("max.request.size", 1_048_576, 1),
    bufferBytes: read.integer("buffer.memory", BUFFER_BYTES, 1),
    deliveryTimeoutMs: delivery >= JAVA_INT_MAX ? Number.POSITIVE_INFINITY : delivery,
    retries: retries >= JAVA_INT_MAX ? Number.POSITIVE_INFINITY : retries,
  };
}

/** The age in milliseconds at which the coordinator aborts a producer's transaction (`transaction.timeout.ms`). */
export function transactionTimeoutMs(properties: ClientProperties): number {
  return new PropertyReader(properties).integer("transaction.timeout.ms", 60_000, 1, JAVA_INT_MAX);
}

/**
 * The settings of an idempotent producer, of transactions or not.
 * @throws ConfigError as `producerConfig`, and for acks other than all.
 */
export function idempotentConfig(properties: ClientProperties): ProducerConfig {
  return producerConfig({ ...properties, "enable.idempotence": "true" });
}

/** As in Kafka, every level is checked, also those of other codecs than the chosen one. */
function compression(read: PropertyReader): Compression {
  const codec = read.oneOf("compression.type", "none", CODECS);
  try {
    requireCodec(codec);
  } catch (cause) {
    if (!(cause instanceof KafkaError)) throw cause;
    throw invalid("compression.type", codec, cause.reason, cause);
  }
  const gzip = read.integer("compression.gzip.level", -1, -1, 9);
  if (gzip === 0) throw invalid("compression.gzip.level", "0", "must be between 1 and 9 or equal to -1");
  const lz4 = read.integer("compression.lz4.level", LZ4_LEVEL, 1, 17);
  if (codec === "lz4" && lz4 !== LZ4_LEVEL) {
    throw unsupported("compression.lz4.level", String(lz4), "lz4 is written in one level; leave the key out");
  }
  const zstd = read.integer("compression.zstd.level", 3, -131_072, 22);
  return { codec, level: codec === "gzip" ? gzip : codec === "zstd" ? zstd : undefined };
}

type OffsetReset = "earliest" | "latest" | "none";

/** A consumer's settings. Bytes and milliseconds. */
export interface ConsumerConfig {
  readonly reset: OffsetReset;
  readonly readCommitted: boolean;
  readonly maxPollRecords: number;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  /**
   * Limit of one fetch, and of the bytes fetched ahead. Java's default is 50 MiB; ours is lower to keep memory flat.
   */
  readonly maxBytes: number;
  readonly maxPartitionBytes: number;
  readonly checkCrcs: boolean;
}

export function consumerConfig(properties: ClientProperties): ConsumerConfig {
  const read = new PropertyReader(properties);
  const lower = (text: string) => text.toLowerCase();
  const reset = read.text("auto.offset.reset")?.toLowerCase() ?? "";
  if (reset.startsWith("by_duration:")) {
    throw unsupported("auto.offset.reset", reset, "durations are not supported; use earliest, latest or none");
  }
  const isolation = read.oneOf("isolation.level", "read_uncommitted", ["read_uncommitted", "read_committed"], lower);
  return {
    reset: read.oneOf("auto.offset.reset", "latest", ["earliest", "latest", "none"], lower),
    readCommitted: isolation === "read_committed",
    maxPollRecords: read.integer("max.poll.records", 500, 1),
    minBytes: read.integer("fetch.min.bytes", 1),
    maxWaitMs: read.integer("fetch.max.wait.ms", 500),
    maxBytes: read.integer("fetch.max.bytes", 8 * 1024 * 1024, 1),
    maxPartitionBytes: read.integer("max.partition.fetch.bytes", 1_048_576, 1),
    checkCrcs: read.flag("check.crcs", true),
  };
}

/** The assignors of group consumers. */
export type AssignorName = "range" | "roundrobin";

const ASSIGNORS: Readonly<Record<string, AssignorName>> = {
  "org.apache.kafka.clients.consumer.RangeAssignor": "range",
  "org.apache.kafka.clients.consumer.RoundRobinAssignor": "roundrobin",
  range: "range",
  roundrobin: "roundrobin",
};
/** Assignors of Java's that we do not have: skipped if one of ours is listed, too. */
const OTHER_ASSIGNORS: ReadonlySet<string> = new Set([
  "org.apache.kafka.clients.consumer.StickyAssignor",
  "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
  "sticky",
  "cooperative-sticky",
]);

/** The settings of a group consumer, in addition to a consumer's. */
export interface GroupConfig {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxPollIntervalMs: number;
  /** The most preferred first. */
  readonly assignors: readonly AssignorName[];
}

export function groupConfig(properties: ClientProperties): GroupConfig {
  const read = new PropertyReader(properties);
  const sessionTimeoutMs = read.integer("session.timeout.ms", 45_000, 1);
  const heartbeatIntervalMs = read.integer("heartbeat.interval.ms", 3_000, 1);
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw invalid("heartbeat.interval.ms", String(heartbeatIntervalMs), "must be smaller than session.timeout.ms");
  }
  return {
    sessionTimeoutMs,
    heartbeatIntervalMs,
    maxPollIntervalMs: read.integer("max.poll.interval.ms", 300_000, 1),
    assignors: assignors(read),
  };
}

function assignors(read: PropertyReader): AssignorName[] {
  const key = "partition.assignment.strategy";
  const named = read.list(key);
  if (named.length === 0) return ["range"];
  const known: AssignorName[] = [];
  for (const name of named) {
    const assignor = ASSIGNORS[name];
    if (assignor) known.push(assignor);
    else if (!OTHER_ASSIGNORS.has(name))
      throw invalid(key, name, "no such assignor; use RangeAssignor or RoundRobinAssignor");
  }
  if (known.length === 0)
    throw unsupported(key, named.join(","), "add RangeAssignor: sticky assignors alone are not supported");
  return known;
}
