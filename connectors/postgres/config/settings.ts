import { type ConfigValues, type NameAdjustment, parseConfig, type SubmittedProps } from "../../../src/api/index.js";
import { type ColumnRule, parseColumnRules } from "./column-rules.js";
import { CONNECTOR_KEYS } from "./connector-keys.js";
import { type IdentityRule, parseIdentityRules } from "./identity-rules.js";
import { type NotificationSettings, notificationSettings } from "./notification-settings.js";
import { compilePatterns, type KeyColumnsRule, type Pattern, parseKeyColumns } from "./patterns.js";
import { parseSignalChannels, type SignalKafka, signalKafkaOf } from "./signal-settings.js";
import { type SnapshotMode, type SnapshotRules, snapshotRules } from "./snapshot-rules.js";
import { parseSslSettings, type SslSettings } from "./ssl-settings.js";
import { parseStreamParams } from "./stream-params.js";
import { parseTopicNaming, type TopicNaming } from "./topic-naming.js";

type DecimalMode = "precise" | "double" | "string";
export type TimeMode =
  | "adaptive"
  | "adaptive_time_microseconds"
  | "connect"
  | "isostring"
  | "microseconds"
  | "nanoseconds";
type BinaryMode = "bytes" | "base64" | "base64-url-safe" | "hex";
/** snapshot.isolation.mode. */
export type IsolationMode = "serializable" | "repeatable_read" | "read_committed" | "read_uncommitted";
type PublicationMode = "disabled" | "all_tables" | "filtered" | "no_tables";

/** How column values are converted to Connect's. */
export interface TypeSettings {
  readonly decimalMode: DecimalMode;
  readonly timeMode: TimeMode;
  readonly intervalMode: "numeric" | "string";
  readonly binaryMode: BinaryMode;
  readonly hstoreMode: "json" | "map";
  readonly moneyScale: number;
  readonly includeUnknown: boolean;
  /** Replaces an out-of-line value that Postgres did not send because it did not change. */
  readonly placeholder: Buffer;
}

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly ssl: SslSettings;
  readonly keepAlive: boolean;
  readonly queryTimeoutMs: number;
  /** Run on every connection except replication. */
  readonly initialStatements: readonly string[];
}

export interface PublicationSettings {
  readonly name: string;
  readonly mode: PublicationMode;
  readonly viaPartitionRoot: boolean;
  /** `publish` option of a new publication; null leaves it to the server. */
  readonly publish: string | null;
}

interface FilterSettings {
  readonly schemas: Selection;
  readonly tables: Selection;
  readonly columns: Selection;
  readonly ignoreBuiltin: boolean;
}

/** Include wins over exclude; both null selects everything. */
export interface Selection {
  readonly include: readonly Pattern[] | null;
  readonly exclude: readonly Pattern[] | null;
}

/** The task's configuration, parsed once at its start. */
export interface Settings {
  readonly connection: ConnectionSettings;
  readonly types: TypeSettings;
  readonly filter: FilterSettings;
  readonly snapshotTables: readonly Pattern[] | null;
  /** By `schema.table`: the SELECT that a snapshot reads instead. */
  readonly snapshotStatements: ReadonlyMap<string, string>;
  /** `schema.table`; null: none. */
  readonly signalTable: string | null;
  /** In lower case. */
  readonly signalChannels: ReadonlySet<string>;
  readonly signalKafka: SignalKafka;
  readonly signalFile: string;
  readonly signalPollMs: number;
  readonly notifications: NotificationSettings;
  /** Rows of an incremental snapshot's chunk. */
  readonly chunkSize: number;
  readonly keyColumns: readonly KeyColumnsRule[];
  readonly columnRules: readonly ColumnRule[];
  readonly identityRules: readonly IdentityRule[];
  /** More captured tables are warned of, or refused; 0: no limit. */
  readonly mostTables: number;
  readonly refusesMoreTables: boolean;
  readonly publication: PublicationSettings;
  readonly topicPrefix: string;
  readonly topics: TopicNaming;
  readonly schemaNames: NameAdjustment;
  readonly fieldNames: NameAdjustment;
  readonly heartbeatTopic: string;
  /** null without provide.transaction.metadata. */
  readonly transactionTopic: string | null;
  readonly slotName: string;
  readonly dropSlotOnStop: boolean;
  readonly slotFailover: boolean;
  readonly slotOptions: readonly (readonly [name: string, value: string])[];
  /** 0: source.xmin stays null. */
  readonly xminIntervalMs: number;
  /** 0: nobody watches the slot. */
  readonly guardIntervalMs: number;
  /** 0: the server's limit alone counts. */
  readonly guardLimitBytes: number;
  readonly slotMaxRetries: number;
  readonly slotRetryDelayMs: number;
  readonly confirmsLsn: boolean;
  /** offset.mismatch.strategy: stream on where the slot was moved past the stored offset. */
  readonly trustsSlot: boolean;
  readonly snapshot: SnapshotRules;
  readonly snapshotIsolation: IsolationMode;
  /** snapshot.resume.mode=chunks: tables with a key are read beside the stream, and resumed at their last chunk. */
  readonly resumesInChunks: boolean;
  /** Connections of a snapshot. */
  readonly snapshotThreads: number;
  /** Parts of a large table that they may share. */
  readonly snapshotParts: number;
  /** 0: no limit. */
  readonly snapshotRowsPerSecond: number;
  readonly snapshotDelayMs: number;
  readonly streamingDelayMs: number;
  readonly tombstonesOnDelete: boolean;
  readonly skippedOperations: ReadonlySet<string>;
  readonly skipUnchanged: boolean;
  readonly extendedHeaders: boolean;
  readonly failOnConversion: boolean;
  readonly messagePrefixes: Selection;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatQuery: string | null;
  /** Of the logical message that each heartbeat writes; null: none. */
  readonly heartbeatPrefix: string | null;
  readonly maxBatchSize: number;
  readonly maxQueueBytes: number;
  readonly pollIntervalMs: number;
  readonly statusIntervalMs: number;
  readonly maxRetries: number;
  readonly maxRetryWaitMs: number;
}

/** Bound for WAL waiting in memory when `max.queue.size.in.bytes` is 0. */
const DEFAULT_QUEUE_BYTES = 2 * 2 ** 20;

/**
 * Upper bound of a batch, even if `max.batch.size` is larger: hundreds of rows already make the cost of a poll
 * negligible, and thousands survive a young garbage collection, which then copies them.
 */
const MOST_ROWS_AT_A_TIME = 256;

/** @throws ConfigError for the first key that is missing or cannot be parsed. */
export function parseSettings(props: SubmittedProps): Settings {
  const config = parseConfig(CONNECTOR_KEYS, props);
  const enumText = (value: string) => value.trim().toLowerCase();
  const delimiter = config["topic.delimiter"];
  const prefix = config["topic.prefix"] ?? "";
  const skipped = config["skipped.operations"].map(enumText);
  const signalTable = config["signal.data.collection"]?.trim() || null;
  const queueBytes = config["max.queue.size.in.bytes"];
  const flushMode = config["lsn.flush.mode"] === null ? null : enumText(config["lsn.flush.mode"]);
  return {
    connection: {
      host: config["database.hostname"] ?? "",
      port: config["database.port"],
      user: config["database.user"] ?? "",
      password: config["database.password"]?.value ?? "",
      database: config["database.dbname"] ?? "",
      ssl: parseSslSettings(config),
      keepAlive: config["database.tcpKeepAlive"],
      queryTimeoutMs: config["database.query.timeout.ms"],
      initialStatements: splitStatements(config["database.initial.statements"] ?? ""),
    },
    types: {
      decimalMode: enumText(config["decimal.handling.mode"]) as DecimalMode,
      timeMode: enumText(config["time.precision.mode"]) as TimeMode,
      intervalMode: enumText(config["interval.handling.mode"]) as "numeric" | "string",
      binaryMode: enumText(config["binary.handling.mode"]) as BinaryMode,
      hstoreMode: enumText(config["hstore.handling.mode"]) as "json" | "map",
      moneyScale: config["money.fraction.digits"],
      includeUnknown: config["include.unknown.datatypes"],
      placeholder: parsePlaceholder(config["unavailable.value.placeholder"]),
    },
    filter: {
      schemas: selection("schema", config),
      tables: selection("table", config),
      columns: selection("column", config),
      ignoreBuiltin: config["table.ignore.builtin"],
    },
    snapshotTables: compilePatterns("snapshot.include.collection.list", config["snapshot.include.collection.list"]),
    keyColumns: parseKeyColumns(config["message.key.columns"] ?? ""),
    snapshotStatements: selectOverrides(config["snapshot.select.statement.overrides"], props),
    signalTable,
    signalChannels: parseSignalChannels(config["signal.enabled.channels"]),
    signalKafka: signalKafkaOf(config, props),
    signalFile: config["signal.file"],
    signalPollMs: config["signal.poll.interval.ms"],
    notifications: notificationSettings(
      config["notification.enabled.channels"],
      config["notification.sink.topic.name"],
    ),
    chunkSize: config["incremental.snapshot.chunk.size"],
    identityRules: parseIdentityRules(config["replica.identity.autoset.values"] ?? ""),
    mostTables: config["guardrail.collections.max"],
    refusesMoreTables: enumText(config["guardrail.collections.limit.action"]) === "fail",
    columnRules: parseColumnRules(props),
    publication: {
      name: config["publication.name"],
      mode: enumText(config["publication.autocreate.mode"]) as PublicationMode,
      viaPartitionRoot: config["publish.via.partition.root"],
      publish: props["skipped.operations"] == null ? null : publishOption(skipped, signalTable),
    },
    topicPrefix: prefix,
    topics: parseTopicNaming(config),
    schemaNames: enumText(config["schema.name.adjustment.mode"]) as NameAdjustment,
    fieldNames: fieldAdjustment(enumText(config["field.name.adjustment.mode"]) as NameAdjustment, props),
    heartbeatTopic: config["topic.heartbeat.name"] ?? `${config["topic.heartbeat.prefix"]}${delimiter}${prefix}`,
    transactionTopic: config["provide.transaction.metadata"]
      ? `${prefix}${delimiter}${config["topic.transaction"]}`
      : null,
    slotName: config["slot.name"],
    dropSlotOnStop: config["slot.drop.on.stop"],
    slotFailover: config["slot.failover"],
    slotOptions: parseStreamParams(config["slot.stream.params"] ?? ""),
    xminIntervalMs: config["xmin.fetch.interval.ms"],
    guardIntervalMs: config["slot.guard.interval.ms"],
    guardLimitBytes: config["slot.guard.limit.bytes"],
    slotMaxRetries: config["slot.max.retries"],
    slotRetryDelayMs: config["slot.retry.delay.ms"],
    confirmsLsn: flushMode === null ? config["flush.lsn.source"] : flushMode !== "manual",
    trustsSlot: /^trust_(slot|greater_lsn)$/.test(enumText(config["offset.mismatch.strategy"])),
    snapshot: snapshotRules(enumText(config["snapshot.mode"]) as SnapshotMode, {
      takesData: config["snapshot.mode.configuration.based.snapshot.data"],
      startsStream: config["snapshot.mode.configuration.based.start.stream"],
      retakesOnDataError: config["snapshot.mode.configuration.based.snapshot.on.data.error"],
    }),
    snapshotIsolation: enumText(config["snapshot.isolation.mode"]) as IsolationMode,
    resumesInChunks: enumText(config["snapshot.resume.mode"]) === "chunks",
    snapshotThreads: config["snapshot.max.threads"],
    snapshotParts: config["snapshot.max.threads"] * config["snapshot.max.threads.multiplier"],
    snapshotRowsPerSecond: config["snapshot.max.rows.per.second"],
    snapshotDelayMs: config["snapshot.delay.ms"],
    streamingDelayMs: config["streaming.delay.ms"],
    tombstonesOnDelete: config["tombstones.on.delete"],
    skippedOperations: new Set(skipped.filter((operation) => operation !== "none")),
    skipUnchanged: config["skip.messages.without.change"],
    extendedHeaders: config["extended.headers.enabled"],
    failOnConversion: enumText(config["event.converting.failure.handling.mode"]) === "fail",
    messagePrefixes: selection("message.prefix", config),
    heartbeatIntervalMs: config["heartbeat.interval.ms"],
    heartbeatQuery: config["heartbeat.action.query"] || null,
    heartbeatPrefix: config["heartbeat.message.prefix"] || null,
    maxBatchSize: Math.min(config["max.batch.size"], MOST_ROWS_AT_A_TIME),
    maxQueueBytes: queueBytes > 0 ? queueBytes : DEFAULT_QUEUE_BYTES,
    pollIntervalMs: config["poll.interval.ms"],
    statusIntervalMs: config["status.update.interval.ms"],
    maxRetries: config["errors.max.retries"],
    maxRetryWaitMs: config["retriable.restart.connector.wait.ms"],
  };
}

const AVRO_CONVERTERS =
  /^io\.(confluent\.connect\.avro\.AvroConverter|apicurio\.registry\.utils\.converter\.AvroConverter)$/;

/** Avro's converters refuse other names, so their names in the connector's own configuration adjust them. */
function fieldAdjustment(mode: NameAdjustment, props: SubmittedProps): NameAdjustment {
  const isAvro = ["key.converter", "value.converter"].some((key) => AVRO_CONVERTERS.test(props[key]?.trim() ?? ""));
  return mode === "none" && isAvro ? "avro" : mode;
}

function selection(
  what: "schema" | "table" | "column" | "message.prefix",
  config: ConfigValues<typeof CONNECTOR_KEYS>,
): Selection {
  const compile = (key: `${typeof what}.${"include" | "exclude"}.list`) => compilePatterns(key, config[key]);
  return { include: compile(`${what}.include.list`), exclude: compile(`${what}.exclude.list`) };
}

const OVERRIDES = "snapshot.select.statement.overrides";

function selectOverrides(tables: string | null, props: SubmittedProps): ReadonlyMap<string, string> {
  const names = (tables ?? "").split(",").map((name) => name.trim());
  return new Map(
    names.flatMap((name) => {
      const statement = name === "" ? undefined : props[`${OVERRIDES}.${name}`]?.trim();
      return statement ? [[name, statement] as const] : [];
    }),
  );
}

/** With the prefix `hex:`, the rest is bytes in hexadecimal. */
function parsePlaceholder(text: string): Buffer {
  return text.startsWith("hex:") ? Buffer.from(text.slice(4), "hex") : Buffer.from(text, "utf8");
}

const PUBLISHABLE = [
  ["c", "insert"],
  ["u", "update"],
  ["d", "delete"],
  ["t", "truncate"],
] as const;

/** Signals are inserts. */
function publishOption(skipped: readonly string[], signalTable: string | null): string {
  return PUBLISHABLE.filter(
    ([operation]) => !skipped.includes(operation) || (operation === "c" && signalTable !== null),
  )
    .map(([, word]) => word)
    .join(", ");
}

/** `;` separates statements, `;;` is a literal semicolon. */
export function splitStatements(text: string): string[] {
  return text
    .split(/(?<!;);(?!;)/)
    .map((statement) => statement.replaceAll(";;", ";").trim())
    .filter((statement) => statement !== "");
}
