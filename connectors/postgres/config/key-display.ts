import type { ConfigDef, ConfigKey } from "../../../src/api/index.js";

type Shown = readonly [
  group: string,
  order: number,
  width: NonNullable<ConfigKey["width"]>,
  importance: NonNullable<ConfigKey["importance"]>,
  displayName: string,
];

/** How forms show the keys of Debezium's definition, by key. Keys that it reads without defining them are not here. */
const SHOWN: Readonly<Record<string, Shown>> = {
  "topic.prefix": ["Postgres", 1, "medium", "high", "Topic prefix"],
  "database.hostname": ["Postgres", 2, "medium", "high", "Hostname"],
  "database.port": ["Postgres", 3, "short", "high", "Port"],
  "database.user": ["Postgres", 4, "short", "high", "User"],
  "database.password": ["Postgres", 5, "short", "high", "Password"],
  "database.dbname": ["Postgres", 6, "medium", "high", "Database"],
  "database.query.timeout.ms": ["Postgres", 7, "none", "low", "Query timeout"],
  "database.initial.statements": ["Postgres", 16, "long", "low", "Initial statements"],
  "database.sslmode": ["Postgres", 17, "medium", "medium", "SSL mode"],
  "database.sslcert": ["Postgres", 18, "long", "medium", "SSL Client Certificate"],
  "database.sslkey": ["Postgres", 21, "long", "medium", "SSL Client Key"],
  "database.sslpassword": ["Postgres", 19, "medium", "medium", "SSL Client Key Password"],
  "database.sslrootcert": ["Postgres", 20, "long", "medium", "SSL Root Certificate"],
  "database.tcpKeepAlive": ["Postgres", 28, "short", "medium", "TCP keep-alive probe"],
  "connection.validation.timeout.ms": ["Connector", 26, "short", "low", "Connection validation timeout (ms)"],
  "plugin.name": ["Postgres", 8, "medium", "medium", "Plugin"],
  "slot.name": ["Postgres", 9, "medium", "medium", "Slot"],
  "slot.drop.on.stop": ["Postgres", 13, "none", "medium", "Drop slot on stop"],
  "slot.failover": ["Postgres", 14, "none", "medium", "Create failover slot"],
  "slot.stream.params": [
    "Postgres",
    15,
    "long",
    "low",
    "Optional parameters to pass to the logical decoder when the stream is started.",
  ],
  "xmin.fetch.interval.ms": ["Postgres", 29, "short", "medium", "Xmin fetch interval (ms)"],
  "slot.max.retries": ["Postgres", 22, "none", "low", "Retry count"],
  "slot.retry.delay.ms": ["Postgres", 23, "none", "low", "Retry delay"],
  "publication.name": ["Postgres", 10, "medium", "medium", "Publication"],
  "publication.autocreate.mode": ["Postgres", 11, "medium", "medium", "Publication Auto Create Mode"],
  "publish.via.partition.root": ["Connector", 60, "short", "medium", "Publish via partition root"],
  "status.update.interval.ms": ["Postgres", 25, "short", "medium", "Status update interval (ms)"],
  "lsn.flush.mode": ["Postgres", 31, "short", "low", "LSN flush mode"],
  "flush.lsn.source": [
    "Postgres",
    32,
    "short",
    "low",
    "Boolean to determine if Debezium should flush LSN in the source database",
  ],
  "schema.include.list": ["Events", 19, "long", "high", "Include Schemas"],
  "schema.exclude.list": ["Events", 20, "long", "medium", "Exclude Schemas"],
  "table.include.list": ["Events", 16, "long", "high", "Include Tables"],
  "table.exclude.list": ["Events", 17, "long", "medium", "Exclude Tables"],
  "column.include.list": ["Events", 14, "long", "medium", "Include Columns"],
  "column.exclude.list": ["Events", 15, "long", "medium", "Exclude Columns"],
  "table.ignore.builtin": ["Events", 18, "short", "low", "Ignore system databases"],
  "message.key.columns": ["Events", 21, "long", "medium", "Columns PK mapping"],
  "skipped.operations": ["Postgres", 30, "short", "low", "Skipped Operations"],
  "tombstones.on.delete": [
    "Events",
    3,
    "short",
    "medium",
    "Change the behaviour of Debezium with regards to delete operations",
  ],
  "snapshot.mode": ["Connector", 45, "short", "medium", "Snapshot mode"],
  "snapshot.mode.configuration.based.snapshot.data": [
    "Connector",
    15,
    "medium",
    "medium",
    "Snapshot mode property based snapshot data",
  ],
  "snapshot.mode.configuration.based.snapshot.schema": [
    "Connector",
    16,
    "medium",
    "medium",
    "Snapshot mode property based snapshot schema",
  ],
  "snapshot.mode.configuration.based.start.stream": [
    "Connector",
    17,
    "medium",
    "medium",
    "Snapshot mode property based start stream",
  ],
  "snapshot.mode.configuration.based.snapshot.on.schema.error": [
    "Connector",
    18,
    "medium",
    "medium",
    "Snapshot mode property based snapshot on schema error",
  ],
  "snapshot.mode.configuration.based.snapshot.on.data.error": [
    "Connector",
    19,
    "medium",
    "medium",
    "Snapshot mode property based snapshot on data error",
  ],
  "snapshot.isolation.mode": ["Connector", 46, "short", "low", "Snapshot isolation mode"],
  "snapshot.include.collection.list": ["Connector", 9, "long", "medium", "Snapshot mode include data collection"],
  "snapshot.max.threads": ["Connector", 11, "short", "medium", "Snapshot maximum threads"],
  "snapshot.max.threads.multiplier": ["Connector", 12, "short", "medium", "Snapshot maximum thread multiplier"],
  "snapshot.delay.ms": ["Connector", 7, "medium", "low", "Snapshot Delay (milliseconds)"],
  "streaming.delay.ms": ["Connector", 8, "medium", "low", "Streaming Delay (milliseconds)"],
  "decimal.handling.mode": ["Connector", 40, "short", "medium", "Decimal Handling"],
  "time.precision.mode": ["Connector", 41, "short", "medium", "Time Precision"],
  "interval.handling.mode": ["Connector", 54, "medium", "low", "Interval Handling"],
  "hstore.handling.mode": ["Connector", 51, "medium", "low", "HStore Handling"],
  "binary.handling.mode": ["Connector", 52, "medium", "low", "Binary Handling"],
  "include.unknown.datatypes": ["Events", 32, "short", "medium", "Include unknown datatypes"],
  "unavailable.value.placeholder": ["Connector", 57, "medium", "medium", "Unavailable value placeholder"],
  "extended.headers.enabled": ["Connector", 35, "short", "low", "Enable/Disable extended headers"],
  "topic.naming.strategy": ["Events", 9, "medium", "medium", "Topic naming strategy class"],
  "schema.name.adjustment.mode": ["Connector", 53, "medium", "low", "Schema Name Adjustment"],
  "include.schema.comments": ["Events", 26, "short", "medium", "Include Table and Column Comments"],
  "provide.transaction.metadata": [
    "Connector",
    6,
    "short",
    "low",
    "Store transaction metadata information in a dedicated topic.",
  ],
  "signal.data.collection": ["Events", 6, "medium", "medium", "Signaling data collection"],
  "signal.enabled.channels": ["Events", 8, "long", "medium", "Enabled channels names"],
  "signal.poll.interval.ms": ["Events", 7, "short", "medium", "Signal processor poll interval"],
  "notification.enabled.channels": ["Events", 10, "long", "medium", "Enabled notification channels names"],
  "notification.sink.topic.name": ["Events", 11, "long", "high", "Notification topic name"],
  "incremental.snapshot.chunk.size": ["Connector", 56, "medium", "medium", "Incremental snapshot chunk size"],
  "incremental.snapshot.watermarking.strategy": [
    "Connector",
    23,
    "medium",
    "low",
    "Incremental snapshot watermarking strategy",
  ],
  "snapshot.select.statement.overrides": [
    "Events",
    22,
    "long",
    "medium",
    "List of tables where the default select statement used during snapshotting should be overridden.",
  ],
  "replica.identity.autoset.values": ["Postgres", 12, "long", "medium", "Replica Identity Auto Set Values"],
  "guardrail.collections.max": ["Connector", 36, "short", "medium", "Maximum number of collections or tables"],
  "guardrail.collections.limit.action": ["Connector", 37, "short", "medium", "Guardrail collections limit action"],
  "heartbeat.interval.ms": ["Events", 4, "medium", "medium", "Connector heartbeat interval (milli-seconds)"],
  "heartbeat.action.query": ["Events", 31, "medium", "low", "An optional query to execute with every heartbeat"],
  "message.prefix.include.list": ["Connector", 58, "long", "medium", "Include Logical Decoding Message Prefixes"],
  "message.prefix.exclude.list": ["Connector", 59, "long", "medium", "Exclude Logical Decoding Message Prefixes"],
  "max.queue.size": ["Connector", 3, "short", "medium", "Change event buffer size"],
  "max.batch.size": ["Connector", 2, "short", "medium", "Change event batch size"],
  "max.queue.size.in.bytes": ["Connector", 5, "long", "medium", "Change event buffer size in bytes"],
  "poll.interval.ms": ["Connector", 4, "short", "medium", "Poll interval (ms)"],
  "errors.max.retries": ["Connector", 22, "medium", "low", "The maximum number of retries"],
  "retriable.restart.connector.wait.ms": ["Connector", 20, "medium", "low", "Retriable restart wait (ms)"],
  "snapshot.fetch.size": ["Connector", 10, "medium", "medium", "Snapshot fetch size"],
  "schema.refresh.mode": ["Connector", 55, "short", "medium", "Schema refresh mode"],
};

/** Keys that Debezium defines as lists. Their items are patterns, whose commas may be escaped, so they are read as texts. */
const LISTS: readonly string[] = [
  ...["schema", "table", "column", "message.prefix"].flatMap((what) => [
    `${what}.include.list`,
    `${what}.exclude.list`,
  ]),
  "snapshot.include.collection.list",
  "signal.data.collection",
];

/** The definition as Debezium's connector answers it, for forms and REST. */
export function asShown(def: ConfigDef): ConfigDef {
  return Object.fromEntries(
    Object.entries(def).map(([name, key]): [string, ConfigKey] => {
      const shown = SHOWN[name];
      if (!shown) return [name, key];
      const [group, order, width, importance, displayName] = shown;
      const type = LISTS.includes(name) ? "list" : name === "topic.naming.strategy" ? "class" : key.type;
      const dependents = name === "schema.include.list" ? { dependents: ["table.include.list"] } : {};
      return [name, { ...key, type, group, order, width, importance, displayName, ...dependents }];
    }),
  );
}
