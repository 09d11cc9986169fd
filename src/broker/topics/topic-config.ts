import { MAX_STRING_BYTES } from "../../protocol/byte-reader.js";
import { CODECS, type Compression } from "../../protocol/compression/compression.js";
import { type BrokerProperties, CONFIG_SOURCES, type SourcedValue } from "../broker-properties.js";
import type { LogConfig } from "../log/log-config.js";
import { faultOf, SYNONYM_UNITS, splitList, TOPIC_CONFIG_KEYS } from "./config-keys.js";

/** A topic's own settings, as text; other keys have the broker's defaults. */
export type TopicOverrides = Readonly<Record<string, string>>;

/** All values of a topic's key, the effective one first: the topic's own, the broker property's, the default. */
export function topicConfigSources(
  name: string,
  overrides: TopicOverrides,
  broker: BrokerProperties,
): (SourcedValue & { readonly name: string })[] {
  const key = TOPIC_CONFIG_KEYS[name]!;
  const found: (SourcedValue & { readonly name: string })[] = [];
  const own = overrides[name];
  if (own !== undefined) found.push({ name, value: own, source: CONFIG_SOURCES.topic });
  if (key.synonym) {
    const set = broker.set(key.synonym);
    if (set) found.push({ name: key.synonym, ...set });
  }
  for (const [property, ms] of SYNONYM_UNITS[name] ?? []) {
    const set = broker.set(property);
    if (set) found.push({ name: property, value: String(Number(set.value) * ms), source: set.source });
  }
  found.push({ name: key.synonym ?? name, value: key.default, source: CONFIG_SOURCES.default });
  return found;
}

/** A topic's effective configuration, for its logs. */
export function logConfigOf(overrides: TopicOverrides, broker: BrokerProperties): LogConfig {
  const text = (name: string) => topicConfigSources(name, overrides, broker)[0]!.value!;
  const number = (name: string) => Number(text(name));
  return {
    cleanupPolicy: new Set(splitList(text("cleanup.policy")) as ("delete" | "compact")[]),
    forcedCompression: forcedCompression(text),
    deleteRetentionMs: number("delete.retention.ms"),
    flushMessages: number("flush.messages"),
    flushMs: number("flush.ms"),
    indexIntervalBytes: number("index.interval.bytes"),
    maxMessageBytes: number("max.message.bytes"),
    messageTimestampType: text("message.timestamp.type") === "LogAppendTime" ? "LogAppendTime" : "CreateTime",
    messageTimestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    messageTimestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    retentionBytes: number("retention.bytes"),
    retentionMs: number("retention.ms"),
    segmentBytes: number("segment.bytes"),
    segmentMs: number("segment.ms"),
  };
}

/** @param text returns the effective value of a topic's key. */
function forcedCompression(text: (name: string) => string): Compression | undefined {
  const type = text("compression.type");
  const codec = type === "uncompressed" ? "none" : CODECS.find((each) => each === type);
  if (codec === undefined) return undefined;
  const hasLevels = codec === "gzip" || codec === "zstd";
  return { codec, level: hasLevels ? Number(text(`compression.${codec}.level`)) : undefined };
}

/** The fault of a known key's value, as the end of "Invalid value x for configuration k: "; undefined: none. */
export function configValueFault(name: string, value: string, broker: BrokerProperties): string | undefined {
  const min = name === "segment.bytes" ? broker.number("millrace.segment.bytes.min") : undefined;
  return faultOf(TOPIC_CONFIG_KEYS[name]!, value, min);
}

/**
 * Judges the settings of a topic: known keys, valid values, and no conflict between them. Called for CreateTopics, and
 * for the settings that AlterConfigs or IncrementalAlterConfigs would result in.
 *
 * @returns the fault, for INVALID_CONFIG; undefined: none.
 */
export function judgeTopicConfig(overrides: TopicOverrides, broker: BrokerProperties): string | undefined {
  for (const [name, value] of Object.entries(overrides)) {
    const key = Object.hasOwn(TOPIC_CONFIG_KEYS, name) ? TOPIC_CONFIG_KEYS[name] : undefined;
    if (!key) return `Unknown topic config name: ${name}`;
    // A list that grew by appends may exceed the size of a string in DescribeConfigs' answer.
    if (Buffer.byteLength(value) > MAX_STRING_BYTES) {
      return `The configuration value cannot be added because it exceeds the maximum value size of ${MAX_STRING_BYTES} bytes.`;
    }
    const fault = configValueFault(name, value, broker);
    if (fault) return `Invalid value ${value} for configuration ${name}: ${fault}`;
  }
  const { minCompactionLagMs, maxCompactionLagMs } = logConfigOf(overrides, broker);
  if (minCompactionLagMs > maxCompactionLagMs) {
    return `conflict topic config setting min.compaction.lag.ms (${minCompactionLagMs}) > max.compaction.lag.ms (${maxCompactionLagMs})`;
  }
  return undefined;
}

/** One change of a setting, from IncrementalAlterConfigs. */
export interface ConfigChange {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export type ConfigChangeVerdict =
  | { readonly kind: "changed"; readonly overrides: Record<string, string> }
  | { readonly kind: "invalid-request"; readonly message: string }
  | { readonly kind: "invalid-config"; readonly message: string };

/**
 * Plans the settings that result from a series of changes. Appending and subtracting start from a list's effective
 * value.
 *
 * @param inForce returns the effective value of a key without a setting of its own.
 */
export function planConfigChanges(
  overrides: TopicOverrides,
  changes: readonly ConfigChange[],
  isList: (name: string) => boolean,
  inForce: (name: string) => string,
): ConfigChangeVerdict {
  if (new Set(changes.map(({ name }) => name)).size < changes.length) {
    return { kind: "invalid-request", message: "Error due to duplicate config keys" };
  }
  const nulls = changes.filter(({ operation, value }) => operation !== OPERATIONS.delete && value === null);
  if (nulls.length > 0) {
    const names = nulls.map(({ name }) => name).join(", ");
    return { kind: "invalid-request", message: `Null value not supported for : ${names}` };
  }
  // A Map, because a key may have any name, even `__proto__`.
  const next = new Map(Object.entries(overrides));
  for (const { name, operation, value } of changes) {
    if (operation === OPERATIONS.delete) {
      next.delete(name);
      continue;
    }
    if (operation === OPERATIONS.set) {
      next.set(name, value!);
      continue;
    }
    if (operation !== OPERATIONS.append && operation !== OPERATIONS.subtract) {
      return { kind: "invalid-request", message: `Unknown config operation ${operation} for ${name}` };
    }
    const appends = operation === OPERATIONS.append;
    if (!isList(name)) {
      const verb = appends ? "APPEND" : "SUBTRACT";
      return { kind: "invalid-config", message: `Can't ${verb} to key ${name} because its type is not LIST.` };
    }
    const current = splitList(next.get(name) ?? inForce(name));
    const given = splitList(value!);
    const merged = appends ? [...current, ...without(given, current)] : without(current, given);
    next.set(name, merged.join(","));
  }
  return { kind: "changed", overrides: Object.fromEntries(next) };
}

/** Plans the settings that result from an AlterConfigs: exactly those that it names. */
export function planConfigReplacement(
  configs: readonly { readonly name: string; readonly value: string | null }[],
): ConfigChangeVerdict {
  const changes = configs.map(({ name, value }) => ({ name, operation: OPERATIONS.set, value }));
  // The set operation needs neither a key's type nor its effective value.
  return planConfigChanges(
    {},
    changes,
    () => false,
    () => "",
  );
}

function without(list: readonly string[], excluded: readonly string[]): string[] {
  const known = new Set(excluded);
  return list.filter((each) => !known.has(each));
}
