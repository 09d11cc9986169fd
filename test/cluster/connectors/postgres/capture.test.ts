import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceRecord, Struct } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres, withClient } from "../../../support/postgres.js";
import { plain, plainEvent, sourceField } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

let server: PostgresServer;
let db: TestDatabase;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  db = await freshDatabase(server);
});

const brief = (record: SourceRecord) => {
  const { op, key, before, after } = plainEvent(record);
  return [op ?? "tombstone", key, before ?? null, after ?? null];
};

test("a snapshot reads every table, marks first and last, and only its last offset is complete", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY, name text)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "CREATE TABLE empty(id int)",
    "INSERT INTO a VALUES (1, 'one'), (2, E'tab\\there \\\\ and\\nnewline'), (3, NULL)",
    "INSERT INTO b VALUES (7)",
  );
  const driver = await TaskDriver.start(db.props());
  const records = await driver.read(4);
  expect(records.map((record) => sourceField(record, "snapshot"))).toEqual([
    "first",
    "true",
    "last_in_data_collection",
    "last",
  ]);
  expect(records.map(brief)).toEqual([
    ["r", { id: 1 }, null, { id: 1, name: "one" }],
    ["r", { id: 2 }, null, { id: 2, name: "tab\there \\ and\nnewline" }],
    ["r", { id: 3 }, null, { id: 3, name: null }],
    ["r", { id: 7 }, null, { id: 7 }],
  ]);
  expect(records.map(({ sourceOffset }) => sourceOffset["snapshot_completed"])).toEqual([false, false, false, true]);
  expect(new Set(records.map((record) => sourceField(record, "lsn"))).size).toBe(1);
  await db.execute("INSERT INTO b VALUES (8)");
  await driver.read(1);
  expect(driver.commitRequests).toBe(1);
  await driver.stop();
});

test("inserts, updates, deletes with tombstones and changes of the key are emitted in order", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY, name text NOT NULL DEFAULT 'none', size int)");
  const driver = await db.stream();
  await db.execute(
    "INSERT INTO t VALUES (1, 'one', 5)",
    "UPDATE t SET name = 'uno' WHERE id = 1",
    "UPDATE t SET id = 2 WHERE id = 1",
    "DELETE FROM t WHERE id = 2",
  );
  const records = await driver.read(7);
  expect(records.map(brief)).toEqual([
    ["c", { id: 1 }, null, { id: 1, name: "one", size: 5 }],
    ["u", { id: 1 }, null, { id: 1, name: "uno", size: 5 }],
    ["d", { id: 1 }, { id: 1, name: "none", size: null }, null],
    ["tombstone", { id: 1 }, null, null],
    ["c", { id: 2 }, null, { id: 2, name: "uno", size: 5 }],
    ["d", { id: 2 }, { id: 2, name: "none", size: null }, null],
    ["tombstone", { id: 2 }, null, null],
  ]);
  expect(records[2]!.headers[0]!.key).toBe("__debezium.newkey");
  expect(records[4]!.headers[0]!.key).toBe("__debezium.oldkey");
  expect(records[0]!.headers.map(({ key }) => key.replace("__debezium.context.", ""))).toEqual([
    "connectorLogicalName",
    "taskId",
    "connectorName",
    "runId",
  ]);
  await driver.stop();
});

test("REPLICA IDENTITY FULL emits whole old rows, and real values for unchanged large columns", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, big text, size int)",
    "ALTER TABLE t ALTER big SET STORAGE EXTERNAL",
  );
  const driver = await db.stream();
  const big = "x".repeat(10_000);
  await db.execute(
    `INSERT INTO t VALUES (1, '${big}', 1)`,
    "UPDATE t SET size = 2",
    "ALTER TABLE t REPLICA IDENTITY FULL",
    "UPDATE t SET size = 3",
    "DELETE FROM t",
  );
  const [, partial, full, deleted] = (await driver.read(5)).map(plainEvent);
  expect(partial!.after).toEqual({ id: 1, big: "__debezium_unavailable_value", size: 2 });
  expect(full!.before).toEqual({ id: 1, big, size: 2 });
  expect(full!.after).toEqual({ id: 1, big, size: 3 });
  expect(deleted!.before).toEqual({ id: 1, big, size: 3 });
  await driver.stop();
});

test("after ALTER TABLE in mid-stream the next event has a new schema, and each version has one Schema object", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY, name text)");
  const driver = await db.stream();
  await db.execute(
    "INSERT INTO t VALUES (1, 'a')",
    "INSERT INTO t VALUES (2, 'b')",
    "ALTER TABLE t ADD COLUMN size bigint NOT NULL DEFAULT 4",
    "INSERT INTO t VALUES (3, 'c', 5)",
    "ALTER TABLE t DROP COLUMN name",
    "INSERT INTO t VALUES (4, 6)",
    "ALTER TABLE t RENAME TO renamed",
    "INSERT INTO renamed VALUES (5, 7)",
  );
  const records = await driver.read(5);
  expect(records.map((record) => plainEvent(record).after)).toEqual([
    { id: 1, name: "a" },
    { id: 2, name: "b" },
    { id: 3, name: "c", size: 5 },
    { id: 4, size: 6 },
    { id: 5, size: 7 },
  ]);
  expect(records[0]!.valueSchema).toBe(records[1]!.valueSchema);
  expect(records[2]!.valueSchema).not.toBe(records[1]!.valueSchema);
  expect(records[4]!.topic).toBe("shop.public.renamed");
  await driver.stop();
});

test("a table without a key has null keys, one with a unique index uses it, and message.key.columns takes precedence", async () => {
  await db.execute(
    "CREATE TABLE bare(v int)",
    "CREATE TABLE indexed(v int, w int)",
    "CREATE UNIQUE INDEX ON indexed(w)",
    "CREATE TABLE chosen(id int PRIMARY KEY, a int, b int)",
  );
  const driver = await db.stream({ "message.key.columns": "public.chosen:b,a" });
  await db.execute(
    "INSERT INTO bare VALUES (1)",
    "INSERT INTO indexed VALUES (2, 3)",
    "INSERT INTO chosen VALUES (4, 5, 6)",
  );
  const records = await driver.read(3);
  expect(records[0]!.keySchema).toBeNull();
  expect(records.map((record) => plainEvent(record).key)).toEqual([null, { w: 3 }, { b: 6, a: 5 }]);
  await driver.stop();
});

test("truncates are emitted only if configured, and without a key", async () => {
  await db.execute("CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)");
  const driver = await db.stream({ "skipped.operations": "none" });
  await db.execute("TRUNCATE a, b", "INSERT INTO a VALUES (1)");
  const records = await driver.read(3);
  expect(records.map((record) => [record.topic, plainEvent(record).op, record.keySchema])).toEqual([
    ["shop.public.a", "t", null],
    ["shop.public.b", "t", null],
    ["shop.public.a", "c", records[2]!.keySchema],
  ]);
  await driver.stop();
});

test("filters exclude schemas, tables and columns; an excluded key column stays in the key", async () => {
  await db.execute(
    "CREATE SCHEMA other",
    "CREATE TABLE other.t(id int PRIMARY KEY)",
    "CREATE TABLE hidden(id int PRIMARY KEY)",
    "CREATE TABLE shown(id int PRIMARY KEY, secret text, open text)",
    "INSERT INTO shown VALUES (1, 's', 'o')",
  );
  const driver = await TaskDriver.start(
    db.props({ "table.include.list": "public\\.sho.*", "column.include.list": "public.shown.open" }),
  );
  const [snapshot] = await driver.read(1);
  expect([plainEvent(snapshot!).key, plainEvent(snapshot!).after]).toEqual([{ id: 1 }, { open: "o" }]);
  await db.execute(
    "INSERT INTO other.t VALUES (1)",
    "INSERT INTO hidden VALUES (1)",
    "INSERT INTO shown VALUES (2, 's', 'p')",
  );
  const [streamed] = await driver.read(1);
  expect([plainEvent(streamed!).key, plainEvent(streamed!).after]).toEqual([{ id: 2 }, { open: "p" }]);
  await driver.stop();
});

test("partitions are captured under the publication's names, each row once", async () => {
  const tables = [
    "CREATE TABLE p(id int, at date NOT NULL) PARTITION BY RANGE (at)",
    "CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2021-01-01')",
    "CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM ('2021-01-01') TO ('2022-01-01')",
    "INSERT INTO p VALUES (1, '2020-05-05'), (2, '2021-05-05')",
  ];
  await db.execute(...tables);
  const leaves = await TaskDriver.start(db.props());
  expect((await leaves.read(2)).map(({ topic }) => topic)).toEqual(["shop.public.p_1", "shop.public.p_2"]);
  await db.execute("INSERT INTO p VALUES (3, '2020-06-06')");
  expect((await leaves.read(1)).map(({ topic }) => topic)).toEqual(["shop.public.p_1"]);
  await leaves.stop();

  db = await freshDatabase(server);
  await db.execute(...tables);
  const root = await TaskDriver.start(db.props({ "publish.via.partition.root": "true" }));
  expect((await root.read(2)).map(({ topic }) => topic)).toEqual(["shop.public.p", "shop.public.p"]);
  await db.execute("INSERT INTO p VALUES (3, '2020-06-06')");
  expect((await root.read(1)).map(({ topic }) => topic)).toEqual(["shop.public.p"]);
  await root.stop();
});

test("a filtered publication holds the captured tables, and new ones from the next start on", async () => {
  await db.execute("CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)");
  const filtered = { "publication.autocreate.mode": "filtered", "table.include.list": "public.a" };
  const driver = await db.stream(filtered);
  expect(await db.published()).toEqual(["public.a"]);
  await db.execute("INSERT INTO a VALUES (1)");
  const [record] = await driver.read(1);
  await driver.stop();
  const next = await db.stream({ ...filtered, "table.include.list": "public.a,public.b" }, record!.sourceOffset);
  expect(await db.published()).toEqual(["public.a", "public.b"]);
  expect(next.warnings).toEqual([expect.stringMatching(/added to publication dbz_publication: public\.b\. /)]);
  await next.stop();
});

test("a publication without captured tables or operations causes a warning, and a complete one does not", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "CREATE TABLE c(id int PRIMARY KEY)",
    "CREATE TABLE p(id int PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE PUBLICATION dbz_publication FOR TABLE a, b, p WITH (publish = 'insert, update')",
  );
  const narrow = await db.stream({ "table.include.list": "public.b,public.c" });
  expect(narrow.warnings).toEqual([
    expect.stringMatching(/dbz_publication does not publish delete: /),
    expect.stringMatching(/changes of public\.c are not captured/),
  ]);
  await narrow.stop();
  await db.released();
  const fitting = await db.stream({ "table.include.list": "public.a,public.p", "skipped.operations": "d,t" });
  expect(fitting.warnings).toEqual([]);
  await fitting.stop();
});

test("logical messages are separate records, in and out of transactions", async () => {
  const driver = await db.stream();
  await db.execute(
    "SELECT pg_logical_emit_message(false, 'audit', 'out')",
    "SELECT pg_logical_emit_message(true, 'audit', 'in')",
  );
  const records = await driver.read(2);
  expect(records.map(({ topic }) => topic)).toEqual(["shop.message", "shop.message"]);
  expect(records.map((record) => sourceField(record, "txId"))).toEqual([null, expect.any(Number)]);
  await driver.stop();
});

test("heartbeats advance the position when only other tables change", async () => {
  await db.execute("CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)");
  const driver = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", "table.include.list": "public.a", "heartbeat.interval.ms": "20" }),
  );
  await driver.read(1);
  await execute(db, "INSERT INTO b VALUES (1)");
  const position = await db.currentLsn();
  const beats = await driver.readUntil((records) =>
    records.some(({ sourceOffset }) => Number(sourceOffset["lsn"]) >= position),
  );
  expect(new Set(beats.map(({ topic }) => topic))).toEqual(new Set(["__debezium-heartbeat.shop"]));
  expect(beats.at(-1)!.partition).toBe(0);
  await driver.stop();
});

test("transactions are announced, their events numbered, and their ends count them per table", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "CREATE TABLE hidden(id int PRIMARY KEY)",
    "INSERT INTO a VALUES (0)",
  );
  const driver = await TaskDriver.start(
    db.props({ "provide.transaction.metadata": "true", "table.exclude.list": "public.hidden" }),
  );
  const [row] = await driver.read(1);
  expect(plain((row!.value as Struct).get("transaction"))).toBeNull();
  await db.execute(
    `BEGIN; INSERT INTO a VALUES (1), (2); INSERT INTO hidden VALUES (1); INSERT INTO b VALUES (1);
     SELECT pg_logical_emit_message(true, 'p', 'm'); UPDATE a SET id = 3 WHERE id = 2; COMMIT`,
    "INSERT INTO hidden VALUES (2)",
  );
  const isEnd = ({ value }: SourceRecord) => (value as Struct | null)?.schema.field("status") !== undefined;
  const records = await driver.readUntil((found) => found.filter(isEnd).length === 4);
  await driver.stop();
  const statuses = records.filter(isEnd).map((record) => plain(record.value) as Record<string, unknown>);
  expect(records.filter(isEnd).map(({ topic, keySchema }) => [topic, keySchema?.name])).toEqual(
    Array(4).fill(["shop.transaction", "io.debezium.connector.common.TransactionMetadataKey"]),
  );
  const order = [
    { data_collection: "public.b", event_count: 1 },
    { data_collection: "public.a", event_count: 4 },
    { data_collection: "LOGICAL_DECODING_MESSAGE", event_count: 1 },
  ];
  expect(statuses.map(({ status, event_count, data_collections }) => [status, event_count, data_collections])).toEqual([
    ["BEGIN", null, null],
    ["END", 6, expect.arrayContaining(order)],
    ["BEGIN", null, null],
    ["END", 0, []],
  ]);
  const xid = /^\d+(?=:\d+$)/.exec(statuses[0]!["id"] as string)![0];
  expect((statuses[1]!["id"] as string).startsWith(`${xid}:`)).toBe(true);
  const events = records
    .filter((record) => record.value !== null && !isEnd(record))
    .map(({ value }) => {
      const block = plain((value as Struct).get("transaction")) as Record<string, unknown>;
      const lsn = plain(((value as Struct).get("source") as Struct).get("lsn"));
      expect(block["id"]).toBe(`${xid}:${lsn}`);
      return [block["total_order"], block["data_collection_order"]];
    });
  expect(events).toEqual([
    [1, 1],
    [2, 2],
    [3, 1],
    [4, 1],
    [5, 3],
    [6, 4],
  ]);
});

test("replica identities are set as configured where they differ, and a table of two rules keeps its own", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY, code int NOT NULL)",
    "CREATE UNIQUE INDEX a_code ON a(code)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "CREATE TABLE c(id int PRIMARY KEY)",
    "CREATE TABLE d(id int PRIMARY KEY)",
    "ALTER TABLE d REPLICA IDENTITY NOTHING",
    "CREATE SCHEMA other",
    "CREATE TABLE other.e(id int PRIMARY KEY, code int NOT NULL)",
    'CREATE UNIQUE INDEX "E_Code" ON other.e(code)',
  );
  const rules = {
    "replica.identity.autoset.values":
      "public.a:INDEX a_code,public.[bc]:FULL,public.c:NOTHING,public.d:default,other.e:INDEX E_Code",
  };
  const driver = await db.stream(rules);
  expect(
    await db.value(
      "SELECT string_agg(relname::text || relreplident::text, ',' ORDER BY relname) AS value FROM pg_class WHERE relname IN ('a', 'b', 'c', 'd', 'e')",
    ),
  ).toBe("ai,bf,cd,dd,ei");
  await db.execute("INSERT INTO a VALUES (1, 10)", "DELETE FROM a");
  const [, deleted] = await driver.read(2);
  expect(plainEvent(deleted!).before).toEqual({ id: 0, code: 10 });
  await driver.stop();
  await db.released();
  await withClient(db, async (client) => {
    await client.query("BEGIN");
    // An ALTER TABLE would wait for the lock.
    await client.query("LOCK TABLE other.e, a, b, c, d IN ACCESS SHARE MODE");
    await (await db.stream(rules)).stop();
  });
});

test("more tables than guardrail.collections.max cause a warning, or fail the task", async () => {
  await db.execute("CREATE TABLE a(id int PRIMARY KEY)", "CREATE TABLE b(id int PRIMARY KEY)");
  const warned = await db.stream({ "guardrail.collections.max": "1" });
  expect(warned.warnings).toEqual([expect.stringMatching(/2 tables\/collections configured.*maximum allowed is 1/)]);
  await warned.stop();
  const refused = db.stream({ "guardrail.collections.max": "1", "guardrail.collections.limit.action": "fail" });
  await expect(refused).rejects.toMatchObject({ key: "guardrail.collections.max" });
  await db.released();
  await (await db.stream({ "guardrail.collections.max": "2", "guardrail.collections.limit.action": "fail" })).stop();
});
