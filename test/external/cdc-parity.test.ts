import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../src/emulators/postgres/postgres-server.js";
import { startTestBroker, type TestBroker } from "../support/broker.js";
import { execute, startTestPostgres } from "../support/postgres.js";
import { RestClient } from "../support/rest-client.js";
import { StatusWatch } from "../support/status-watch.js";
import { OurWorker } from "./our-worker.js";
import { differences } from "./parity-mask.js";
import { type Counts, RECORDS, SETUP, STEPS } from "./parity-sql.js";
import { findPeers, Peers } from "./peers.js";
import { type Collected, TopicCollector } from "./topic-collector.js";

const { script, missing } = findPeers();
const TABLES = Object.keys(RECORDS);

/** For one step; the originals on a busy machine are slow to start. */
const STEP_TIMEOUT_MS = 60_000;

/** One of the two: where its records come, how it is spoken to, and what it says of its state. */
interface Side {
  readonly name: "real" | "ours";
  readonly kafka: string;
  readonly rest: RestClient;
  readonly statuses: StatusWatch;
  readonly log: () => string;
}

// Both follow the same database at the same time, through slots of their own, so that they see the very same log.
describe.skipIf(missing)("the same SQL through the real Debezium and through ours", () => {
  let postgres: PostgresServer;
  let peers: Peers;
  let broker: TestBroker;
  let worker: OurWorker;
  const sides: Side[] = [];

  beforeAll(async () => {
    [postgres, peers, broker] = await Promise.all([
      startTestPostgres({ max_replication_slots: "40", max_wal_senders: "40" }),
      Peers.prepare(script),
      startTestBroker(),
    ]);
    await peers.startKafka();
    [worker] = await Promise.all([OurWorker.start(broker.bootstrap), peers.startConnect()]);
    sides.push(
      {
        name: "real",
        kafka: peers.bootstrap,
        rest: new RestClient(peers.connectUrl, false),
        statuses: await StatusWatch.open(peers.bootstrap),
        log: () => peers.log("connect"),
      },
      {
        name: "ours",
        kafka: broker.bootstrap,
        rest: worker.rest,
        statuses: await StatusWatch.open(broker.bootstrap),
        log: () => worker.process.log,
      },
    );
  });

  afterAll(async () => {
    await Promise.all(sides.map(({ statuses }) => statuses.close()));
    await worker?.stop();
    await Promise.all([peers?.stop(), broker?.close()]);
    await postgres?.stop();
  });

  test.each<[string, Record<string, string>]>([
    ["defaults", {}],
    [
      "texts",
      {
        "decimal.handling.mode": "string",
        "time.precision.mode": "isostring",
        "interval.handling.mode": "string",
        "binary.handling.mode": "hex",
      },
    ],
    [
      "numbers",
      {
        "decimal.handling.mode": "double",
        "time.precision.mode": "connect",
        "binary.handling.mode": "base64",
        // The original has null for an unchanged one in this mode, as if it had been set to NULL; ours has the placeholder.
        "column.exclude.list": "public.toasted.bigb",
        "value.converter.decimal.format": "NUMERIC",
        "tombstones.on.delete": "false",
        "skipped.operations": "none",
      },
    ],
    [
      "microseconds",
      {
        "time.precision.mode": "adaptive_time_microseconds",
        "publication.autocreate.mode": "filtered",
        "value.converter.replace.null.with.default": "false",
        "value.converter.decimal.format": "NUMERIC",
        "table.exclude.list": "public.late",
        "column.exclude.list": "public.types.j,public.types.jb",
        "message.key.columns": "public.no_key:v",
      },
    ],
    [
      "column_rules",
      {
        "column.truncate.to.3.chars":
          "public.types.t,public.types.vc,public.types.c,public.types.by,public.types.n102,public.defaults.t",
        "column.mask.with.5.chars": "public.types.j,public.two_keys.b,public.full_identity.v",
        "column.mask.hash.SHA-256.with.salt.pepper": "public.two_keys.v,public.types.m,public.by_index.*",
        "column.mask.hash.v2.SHA-512.with.salt.pepper": "public.changing.v,public.no_key.v",
        // Bare numerics, whose original has another schema in the snapshot than in the stream, are left out.
        "column.propagate.source.type": "public.types.(?!n$).*",
        "datatype.propagate.source.type": "public.defaults.(int4|numeric|bool|timestamptz)",
      },
    ],
    [
      "avro",
      {
        "schema.name.adjustment.mode": "avro",
        "field.name.adjustment.mode": "avro",
        // It has no effect on either.
        "include.schema.comments": "true",
        "column.propagate.source.type": "public.types.t",
      },
    ],
    [
      "unicode",
      {
        "topic.naming.strategy": "io.debezium.schema.SchemaUnicodeTopicNamingStrategy",
        "schema.name.adjustment.mode": "avro_unicode",
        "field.name.adjustment.mode": "avro_unicode",
      },
    ],
    [
      "regex",
      {
        "topic.naming.strategy": "io.debezium.schema.SchemaRegexTopicNamingStrategy",
        "topic.regex": "(.*)[.](two_keys|no_key|Odd_Name)",
        "topic.replacement": "$1.all_$2",
        "topic.key.field.regex": "(.*)(.)_key.*",
        "topic.key.field.replacement": "$2",
      },
    ],
    ["no_schema", { "topic.naming.strategy": "io.debezium.schema.DefaultTopicNamingStrategy" }],
  ])("gives the same keys, values, schemas and headers, in the same order: %s", async (title, settings) => {
    const database = `parity_${title}`;
    await execute(postgres, `create database ${database}`);
    const url = new URL(postgres.connectionString);
    url.pathname = database;
    const sql = { connectionString: url.href };
    await execute(sql, ...SETUP);
    const topicOf = (table: string) => topicName(settings["topic.naming.strategy"] ?? "", database, table);
    const both = <T>(step: (side: Side & { readonly collector: TopicCollector }) => Promise<T>) =>
      Promise.all(pairs.map((side) => beforeFailure(side, database, step(side))));
    const pairs = await Promise.all(
      sides.map(async (side) => ({ ...side, collector: await TopicCollector.open(side.kafka, TABLES.map(topicOf)) })),
    );
    const reached = (counts: Counts) =>
      both(({ collector }) =>
        collector.until((records) =>
          Object.entries(expectedOf(counts, settings)).every(
            ([table, count]) => (records.get(topicOf(table))?.length ?? 0) >= count,
          ),
        ),
      );
    try {
      await both(({ name, rest }) =>
        rest.create(database, {
          ...connectionTo(url),
          "topic.prefix": database,
          "slot.name": `${database}_${name}`,
          "publication.name": `${database}_${name}`,
          "header.converter": "org.apache.kafka.connect.storage.StringConverter",
          ...settings,
        }),
      );
      await both(({ collector }) =>
        collector.until((records) =>
          [...records.values()].some((list) => list.some(({ value }) => value?.includes('"snapshot":"last"'))),
        ),
      );
      for (const step of STEPS) {
        await execute(sql, ...step.sql);
        await reached(step.records);
      }
      await reached(RECORDS);
      await both(({ collector }) => collector.readToEnd());
      const [real, ours] = pairs.map(({ collector }) => collector.records);
      const found = TABLES.map(topicOf).flatMap((topic) =>
        differences(topic, real?.get(topic) ?? [], ours?.get(topic) ?? []),
      );
      expect(found).toEqual([]);
    } finally {
      await Promise.all(pairs.map(({ rest }) => rest.delete(`/connectors/${database}`)));
      await Promise.all(pairs.map(({ collector }) => collector.close()));
    }
  });

  test.each<[string, Record<string, string>, lives: number]>([
    ["threads", { "snapshot.max.threads": "3" }, 1],
    [
      "configured",
      {
        "snapshot.mode": "configuration_based",
        "snapshot.mode.configuration.based.snapshot.data": "true",
        "snapshot.mode.configuration.based.start.stream": "false",
      },
      2,
    ],
  ])("takes the same snapshots: %s", async (title, settings, lives) => {
    const database = `snapshots_${title}`;
    await execute(postgres, `create database ${database}`);
    const url = new URL(postgres.connectionString);
    url.pathname = database;
    await execute(
      { connectionString: url.href },
      ...SNAPSHOT_TABLES.flatMap(([table, count]) => [
        `create table ${table}(id int primary key)`,
        `insert into ${table} select * from generate_series(1, ${count})`,
      ]),
    );
    const topics = SNAPSHOT_TABLES.map(([table]) => `${database}.public.${table}`);
    const pairs = await Promise.all(
      sides.map(async (side) => ({ ...side, collector: await TopicCollector.open(side.kafka, topics) })),
    );
    const rows = SNAPSHOT_TABLES.reduce((sum, [, count]) => sum + count, 0);
    try {
      await Promise.all(
        pairs.map(async (side) => {
          const { name, rest, collector } = side;
          const reached = (life: number) =>
            beforeFailure(
              side,
              database,
              collector.until(
                (records) => [...records.values()].reduce((sum, list) => sum + list.length, 0) === rows * life,
              ),
            );
          await rest.create(database, {
            ...connectionTo(url),
            "topic.prefix": database,
            "slot.name": `${database}_${name}`,
            "publication.name": `${database}_${name}`,
            ...settings,
          });
          await reached(1);
          if (lives === 1) return;
          await rest.post(`/connectors/${database}/restart?includeTasks=true`);
          await reached(2);
        }),
      );
      const [real, ours] = pairs.map(({ collector }) =>
        topics.map((topic) => markersOf(collector.records.get(topic)!)),
      );
      expect(ours).toEqual(real);
    } finally {
      await Promise.all(pairs.map(({ rest }) => rest.delete(`/connectors/${database}`)));
      await Promise.all(pairs.map(({ collector }) => collector.close()));
    }
  });

  test("the original goes on from an offset in the middle of a snapshot in chunks", async () => {
    const database = "snapshots_moved";
    await execute(postgres, `create database ${database}`);
    const url = new URL(postgres.connectionString);
    url.pathname = database;
    await execute(
      { connectionString: url.href },
      "create table t(id int primary key)",
      "insert into t select * from generate_series(1, 40)",
      "create table signals(id text primary key, type text, data text)",
    );
    const topic = `${database}.public.t`;
    const [real, ours] = sides.map((side) => ({ ...side, name: side.name })) as [Side, Side];
    const config = {
      ...connectionTo(url),
      "topic.prefix": database,
      "slot.name": database,
      "publication.name": database,
      "signal.data.collection": "public.signals",
      "incremental.snapshot.chunk.size": "5",
      "value.converter.schemas.enable": "false",
    };
    const from = await TopicCollector.open(ours.kafka, [topic]);
    const to = await TopicCollector.open(real.kafka, [topic]);
    try {
      // Slow enough that it is stopped in the middle.
      await ours.rest.create(database, {
        ...config,
        "snapshot.resume.mode": "chunks",
        "snapshot.max.rows.per.second": "1",
      });
      await beforeFailure(
        { ...ours, collector: from },
        database,
        from.until((records) => records.get(topic)!.length >= 5),
      );
      await ours.rest.put(`/connectors/${database}/stop`);
      await ours.statuses.until(
        database,
        ({ connector, tasks }) => connector?.state === "STOPPED" && tasks.length === 0,
      );
      const { body } = await ours.rest.get(`/connectors/${database}/offsets`);
      expect(JSON.stringify(body)).toContain("incremental_snapshot_collections_oid");
      await ours.rest.delete(`/connectors/${database}`);
      await real.rest.create(database, config, "STOPPED");
      expect((await real.rest.send("PATCH", `/connectors/${database}/offsets`, body)).status).toBe(200);
      await real.rest.put(`/connectors/${database}/resume`);
      await beforeFailure(
        { ...real, collector: to },
        database,
        to.until((records) => new Set(records.get(topic)!.map(({ value }) => idIn(value!))).size === 40),
      );
    } finally {
      await real.rest.delete(`/connectors/${database}`);
      await Promise.all([from.close(), to.close()]);
    }
  });
});

function idIn(value: string): number {
  return (JSON.parse(value) as { after: { id: number } }).after.id;
}

/** Tables of a snapshot, and how many rows they have. */
const SNAPSHOT_TABLES = [
  ["a", 6],
  ["b", 2],
  ["c", 0],
  ["d", 4],
] as const;

/** The markers of a table's rows, in order; which table is the first of all and which the last is left to chance. */
function markersOf(records: readonly Collected[]): string[] {
  return records.map(({ value }) =>
    (JSON.parse(value!) as { payload: { source: { snapshot: string } } }).payload.source.snapshot.replace(
      /^(first|last)$/,
      "$1_in_data_collection",
    ),
  );
}

function connectionTo(url: URL): Record<string, string> {
  return {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": url.hostname,
    "database.port": url.port,
    "database.user": url.username,
    "database.password": url.password,
    "database.dbname": url.pathname.slice(1),
    "plugin.name": "pgoutput",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
  };
}

/** The topic of a table under a strategy, and the patterns above. */
function topicName(strategy: string, database: string, table: string): string {
  if (strategy.endsWith(".DefaultTopicNamingStrategy")) return `${database}.${table}`;
  const isRouted = ["two_keys", "no_key", "Odd_Name"].includes(table);
  if (strategy.endsWith("RegexTopicNamingStrategy") && isRouted) return `${database}.public.all_${table}`;
  const topic = `${database}.public.${table}`;
  if (!strategy.endsWith("UnicodeTopicNamingStrategy")) return topic;
  return topic.replaceAll("_", "_u005f").replace("Odd_u005fName", "Odd_u0020Name");
}

/** How many records come under these settings. */
function expectedOf(counts: Counts, settings: Readonly<Record<string, string>>): Record<string, number> {
  const expected: Record<string, number> = {};
  for (const [table, [events, tombstones]] of Object.entries(counts)) {
    if (settings["table.exclude.list"] === `public.${table}`) continue;
    const truncates = table === "truncated" && settings["skipped.operations"] === "none" ? 1 : 0;
    expected[table] = events + truncates + (settings["tombstones.on.delete"] === "false" ? 0 : tombstones);
  }
  return expected;
}

/** The step's result; when the connector or its task is FAILED, or nothing comes for long, an error with what is known. */
async function beforeFailure<T>(
  side: Side & { readonly collector: TopicCollector },
  connector: string,
  step: Promise<T>,
): Promise<T> {
  const failed = side.statuses
    .until(connector, ({ connector: own, tasks }) => [own, ...tasks.map(([, task]) => task)].some(isFailed))
    .then(() => "failed" as const);
  const signal = AbortSignal.timeout(STEP_TIMEOUT_MS);
  const late = new Promise<"late">((resolve) => signal.addEventListener("abort", () => resolve("late")));
  const result = await Promise.race([step.then((value) => ({ value })), failed, late]);
  if (typeof result === "object") return result.value;
  const { body } = await side.rest.get(`/connectors/${connector}/status`);
  const counts = [...side.collector.records].map(([topic, { length }]) => `${topic} ${length}`).join(", ");
  throw new Error(`${side.name} ${result}: ${counts}\n${JSON.stringify(body)}\n${side.log()}`);
}

function isFailed(status: { readonly state: string } | undefined): boolean {
  return status?.state === "FAILED";
}
