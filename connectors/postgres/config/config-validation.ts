import {
  ConfigError,
  type ConfigValue,
  renderAtom,
  type SubmittedProps,
  validateConfig,
} from "../../../src/api/index.js";
import { isColumnRule, parseColumnRules } from "./column-rules.js";
import { CONNECTOR_KEYS } from "./connector-keys.js";
import { parseIdentityRules } from "./identity-rules.js";
import { notificationChannelFault, notificationSettings } from "./notification-settings.js";
import { compilePatterns, parseKeyColumns } from "./patterns.js";
import { parseSignalChannels, signalChannelFault } from "./signal-settings.js";
import { streamParamsFault } from "./stream-params.js";
import { regexFaults, strategyFault } from "./topic-naming.js";
import { unsupportedKeys } from "./unsupported-keys.js";

type Key = keyof typeof CONNECTOR_KEYS;

/** Checks a value that is set; returns the complaint. */
interface Rule {
  (value: string, props: SubmittedProps, key: Key): string | undefined;
  /** The values to offer. */
  readonly allowed?: readonly string[];
}

const REQUIRED: readonly Key[] = ["topic.prefix", "database.hostname", "database.user", "database.dbname"];

const oneOf = (...allowed: readonly string[]): Rule =>
  Object.assign(
    (value: string) =>
      allowed.includes(value.trim().toLowerCase()) ? undefined : `Value must be one of ${allowed.join(", ")}`,
    { allowed },
  );

const matching =
  (pattern: RegExp, complaint: (value: string) => string): Rule =>
  (value) =>
    pattern.test(value) ? undefined : complaint(value);

const atLeast =
  (low: number, complaint: string): Rule =>
  (value) =>
    Number(value) >= low ? undefined : complaint;

/** The reason `parse` refuses a value, without the key and the value: the caller adds them. */
function refusal(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.cause instanceof Error ? error.cause.message : error.message;
  }
}

const patterns: Rule = (value, _, key) => {
  const reason = refusal(() => compilePatterns(key, value));
  return reason && `A comma-separated list of valid regular expressions is expected, but ${reason}`;
};

const excludes =
  (include: Key, shownAs: string = include): Rule =>
  (value, props, key) =>
    (props[include] ?? "").trim() === "" ? patterns(value, props, key) : `"${shownAs}" is already specified`;

const keyColumns: Rule = (value) => refusal(() => parseKeyColumns(value));

const operations: Rule = (value) => {
  const items = value.split(",").map((item) => item.trim().toLowerCase());
  if (items.includes("none") && items.length > 1) return "'none' excludes every other operation";
  const unknown = items.find((item) => !["c", "u", "d", "t", "r", "none"].includes(item));
  return unknown === undefined ? undefined : `Operation '${unknown}' is not one of c, u, d, t, r or none`;
};

const channels: Rule = (value, props) => {
  const names = value.split(",");
  const lacks =
    parseSignalChannels(names).has("kafka") &&
    !props["signal.kafka.bootstrap.servers"] &&
    !props["signal.consumer.bootstrap.servers"];
  return signalChannelFault(names) ?? (lacks ? "Channel 'kafka' needs signal.kafka.bootstrap.servers" : undefined);
};

const SNAPSHOT_MODES = ["always", "initial", "initial_only", "no_data", "when_needed", "configuration_based"] as const;

function streams(props: SubmittedProps): boolean {
  const mode = props["snapshot.mode"]?.trim().toLowerCase();
  const flag = props["snapshot.mode.configuration.based.start.stream"]?.trim().toLowerCase();
  return mode !== "initial_only" && (mode !== "configuration_based" || flag === "true");
}

const topicName = matching(
  /^[A-Za-z0-9_.-]+$/,
  (value) => `${value} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)`,
);

const POSITIVE = "A positive, non-zero integer value is expected";
const NOT_NEGATIVE = "An non-negative integer is expected";

const RULES: Partial<Record<Key, Rule>> = {
  "topic.prefix": topicName,
  "topic.delimiter": topicName,
  "topic.transaction": topicName,
  "topic.heartbeat.prefix": topicName,
  "topic.heartbeat.name": topicName,
  "database.hostname": matching(
    /^[A-Za-z0-9._-]+$/,
    (value) => `${value} has invalid format (only the underscore, hyphen, dot and alphanumeric characters are allowed)`,
  ),
  "database.port": atLeast(0, NOT_NEGATIVE),
  "database.sslmode": oneOf("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
  "plugin.name": (value) =>
    value.trim().toLowerCase() === "pgoutput"
      ? undefined
      : "Only the output plug-in 'pgoutput' is supported: set plugin.name=pgoutput",
  "slot.name": matching(
    /^[a-z0-9_]{1,63}$/,
    () =>
      "Valid replication slot name must contain only digits, lowercase characters and underscores with length <= 63",
  ),
  "publication.autocreate.mode": oneOf("disabled", "all_tables", "filtered", "no_tables"),
  "lsn.flush.mode": oneOf("connector", "manual", "connector_and_driver"),
  "signal.enabled.channels": channels,
  "notification.enabled.channels": (value) => notificationChannelFault(value.split(",")),
  "signal.poll.interval.ms": atLeast(1, POSITIVE),
  "signal.kafka.poll.timeout.ms": atLeast(0, NOT_NEGATIVE),
  "incremental.snapshot.chunk.size": atLeast(1, POSITIVE),
  "replica.identity.autoset.values": (value) => refusal(() => parseIdentityRules(value)),
  "guardrail.collections.max": atLeast(0, NOT_NEGATIVE),
  "guardrail.collections.limit.action": oneOf("warn", "fail"),
  "offset.mismatch.strategy": oneOf("no_validation", "trust_offset", "trust_slot", "trust_greater_lsn"),
  "schema.include.list": patterns,
  "schema.exclude.list": excludes("schema.include.list"),
  "table.include.list": patterns,
  "table.exclude.list": excludes("table.include.list"),
  "column.include.list": patterns,
  "column.exclude.list": excludes("column.include.list"),
  "message.prefix.include.list": patterns,
  "message.prefix.exclude.list": excludes(
    "message.prefix.include.list",
    "logical_decoding_message.prefix.include.list",
  ),
  "snapshot.include.collection.list": patterns,
  "message.key.columns": keyColumns,
  "skipped.operations": operations,
  "snapshot.mode": (value, props, key) =>
    value.trim().toLowerCase() === "custom"
      ? `Mode '${value}' is a Java class (snapshot.mode.custom.name), which cannot be loaded here: use ${SNAPSHOT_MODES.join(", ")}`
      : oneOf(...SNAPSHOT_MODES, "never")(value, props, key),
  "snapshot.isolation.mode": oneOf("serializable", "repeatable_read", "read_committed", "read_uncommitted"),
  "decimal.handling.mode": oneOf("precise", "double", "string"),
  "time.precision.mode": oneOf(
    "adaptive",
    "adaptive_time_microseconds",
    "isostring",
    "microseconds",
    "nanoseconds",
    "connect",
  ),
  "interval.handling.mode": oneOf("numeric", "string"),
  "hstore.handling.mode": oneOf("json", "map"),
  "binary.handling.mode": oneOf("bytes", "base64", "base64-url-safe", "hex"),
  "event.converting.failure.handling.mode": oneOf("fail", "warn", "skip"),
  "schema.name.adjustment.mode": oneOf("none", "avro", "avro_unicode"),
  "field.name.adjustment.mode": oneOf("none", "avro", "avro_unicode"),
  "topic.naming.strategy": (value) => strategyFault(value.trim()),
  "schema.refresh.mode": oneOf("columns_diff", "columns_diff_exclude_unchanged_toast"),
  "snapshot.resume.mode": (value, props, key) =>
    value.trim().toLowerCase() === "chunks" && !streams(props)
      ? `Chunks are read beside the stream, which snapshot.mode=${props["snapshot.mode"]} does not start: set none, or another snapshot.mode`
      : oneOf("none", "chunks")(value, props, key),
  "snapshot.max.rows.per.second": atLeast(0, NOT_NEGATIVE),
  "snapshot.max.threads": atLeast(1, POSITIVE),
  "snapshot.max.threads.multiplier": atLeast(1, POSITIVE),
  "money.fraction.digits": atLeast(0, NOT_NEGATIVE),
  "heartbeat.interval.ms": atLeast(0, NOT_NEGATIVE),
  "max.batch.size": atLeast(1, POSITIVE),
  "max.queue.size": (value, props) =>
    Number(value) > Number(props["max.batch.size"] ?? CONNECTOR_KEYS["max.batch.size"].default)
      ? undefined
      : "Must be larger than the maximum batch size",
  "poll.interval.ms": atLeast(1, POSITIVE),
  "status.update.interval.ms": atLeast(1, POSITIVE),
  "slot.stream.params": streamParamsFault,
  "xmin.fetch.interval.ms": atLeast(0, "A non-negative long value is expected"),
  "heartbeat.message.prefix": (_, props) =>
    !(Number(props["heartbeat.interval.ms"]) > 0)
      ? "It has no effect without heartbeats: set heartbeat.interval.ms"
      : (props["read.only"] ?? "").trim().toLowerCase() === "true"
        ? "It writes to the database, which read.only=true forbids. Remove one of them"
        : undefined,
  "slot.guard.interval.ms": atLeast(0, NOT_NEGATIVE),
  "slot.guard.limit.bytes": atLeast(0, NOT_NEGATIVE),
  "slot.max.retries": atLeast(0, NOT_NEGATIVE),
  "slot.retry.delay.ms": atLeast(0, NOT_NEGATIVE),
};

/** Debezium's words for a value of the wrong type. */
const EXPECTED: Readonly<Record<string, string>> = {
  int: "An integer is expected",
  short: "A short value is expected",
  long: "A long value is expected",
  boolean: "Either 'true' or 'false' is expected",
};

/**
 * Checks every key without a database, in Debezium's words: `The '<key>' value is invalid: <text>`. A Debezium key that
 * would change the records and is not supported here gets an error of its own.
 */
export function validateSettings(props: SubmittedProps): ConfigValue[] {
  const values = validateConfig(CONNECTOR_KEYS, props).map((value) => {
    const key = value.name as Key;
    const faults = regexFaults(props).filter(([name]) => name === key);
    const texts = [...complaints(key, value, props), ...faults.map(([, text]) => text)];
    const recommendedValues = [...(RULES[key]?.allowed ?? [])];
    return { ...value, recommendedValues, errors: texts.map((text) => `The '${key}' value is invalid: ${text}`) };
  });
  for (const [name, reason] of [...unsupportedKeys(props), ...faultyColumnRules(props)]) {
    values.push({
      name,
      value: renderAtom(props[name] ?? null),
      recommendedValues: [],
      visible: true,
      errors: [`The '${name}' value is invalid: ${reason}`],
    });
  }
  return values;
}

/** Debezium ignores a mask with a typo in its name, and publishes the column. */
function faultyColumnRules(props: SubmittedProps): [string, string][] {
  return Object.entries(props)
    .filter(([key]) => isColumnRule(key))
    .flatMap(([key, value]) => {
      const reason = refusal(() => parseColumnRules({ [key]: value }));
      return reason === undefined ? [] : [[key, reason] as [string, string]];
    });
}

function lacksSinkTopic(props: SubmittedProps): boolean {
  return notificationSettings((props["notification.enabled.channels"] ?? "").split(","), null).channels.has("sink");
}

function complaints(key: Key, { errors }: ConfigValue, props: SubmittedProps): string[] {
  const submitted = props[key];
  const isBlank = submitted === undefined || submitted === null || submitted.trim() === "";
  if (REQUIRED.includes(key) && isBlank) return ["A value is required"];
  if (errors.length > 0) return [EXPECTED[CONNECTOR_KEYS[key].type] ?? errors[0]!];
  if (isBlank && key === "notification.sink.topic.name" && lacksSinkTopic(props))
    return ["Notification topic name must be provided when kafka notification channel is enabled"];
  if (isBlank) return [];
  const complaint = RULES[key]?.(submitted, props, key);
  return complaint === undefined ? [] : [complaint];
}

/** @throws ConfigError with all complaints, naming the first key. A task's start has no separate validation. */
export function refuseInvalid(props: SubmittedProps): void {
  const faulty = validateSettings(props).filter(({ errors }) => errors.length > 0);
  if (faulty.length === 0) return;
  throw new ConfigError(faulty[0]!.name, faulty.flatMap(({ errors }) => errors).join(" "));
}
