import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceMap, SourceRecord } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres, withClient } from "../../../support/postgres.js";
import { plainEvent, sourceField } from "./plain-record.js";
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
  await db.execute("CREATE TABLE signals(id text PRIMARY KEY, type text, data text)");
});

const SIGNALS = { "signal.data.collection": "public.signals", "incremental.snapshot.chunk.size": "10" };

const signal = (type: string, data: object | string, id = type) =>
  db.execute(
    `INSERT INTO signals VALUES ('${id}', '${type}', '${typeof data === "string" ? data : JSON.stringify(data).replaceAll("'", "''")}')`,
  );

const of = (records: readonly SourceRecord[], table: string) =>
  records.filter(({ topic }) => topic === `shop.public.${table}`);
const reads = (records: readonly SourceRecord[]) => records.filter((record) => plainEvent(record).op === "r");
const idOf = (record: SourceRecord) => (plainEvent(record).key as { id: number }).id;
const clone = (offset: SourceMap) => JSON.parse(JSON.stringify(offset)) as SourceMap;
const isActive = (record: SourceRecord) => record.sourceOffset["incremental_snapshot_collections"] !== undefined;

/** What a consumer that keeps the last event of each key has. */
function view(records: readonly SourceRecord[]): Map<number, unknown> {
  const rows = new Map<number, unknown>();
  for (const record of records) {
    const { after } = plainEvent(record);
    if (after) rows.set(idOf(record), after);
    else rows.delete(idOf(record));
  }
  return rows;
}

test("a blocking snapshot reads the tables between the signal and what comes after it", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, v int)",
    "CREATE TABLE other(id int PRIMARY KEY)",
    "INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)",
    "INSERT INTO other VALUES (1)",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", {
    "data-collections": ["public.t", "public.oth.*"],
    type: "BLOCKING",
    "additional-conditions": [{ "data-collection": "public.t", filter: "SELECT id FROM t WHERE id > 1" }],
  });
  await db.execute("INSERT INTO t VALUES (4, 4)");
  const records = await driver.readUntil((found) =>
    found.some((record) => plainEvent(record).op === "c" && idOf(record) === 4),
  );
  expect(records.map((record) => [record.topic, plainEvent(record).op, plainEvent(record).after])).toEqual([
    ["shop.public.signals", "c", expect.objectContaining({ type: "execute-snapshot" })],
    ["shop.public.other", "r", { id: 1 }],
    ["shop.public.t", "r", { id: 2, v: null }],
    ["shop.public.t", "r", { id: 3, v: null }],
    ["shop.public.t", "r", { id: 4, v: null }],
    ["shop.public.t", "c", { id: 4, v: 4 }],
  ]);
  expect(reads(records).map((record) => sourceField(record, "snapshot"))).toEqual([
    "first",
    "first_in_data_collection",
    "true",
    "last",
  ]);
  await driver.stop();
  await db.released();

  // A crash before the last row brings the signal again.
  for (const index of [0, 2, 3]) {
    const again = await TaskDriver.start(
      db.props({ "snapshot.mode": "no_data", ...SIGNALS }),
      clone(records[index]!.sourceOffset),
    );
    const repeated = await again.readUntil((found) =>
      found.some((record) => plainEvent(record).op === "c" && record.topic.endsWith(".t")),
    );
    expect(reads(repeated)).toHaveLength(4);
    await again.stop();
    await db.released();
  }
  const after = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", ...SIGNALS }),
    clone(records[4]!.sourceOffset),
  );
  expect((await after.read(1)).map((record) => plainEvent(record).op)).toEqual(["c"]);
  await after.stop();
});

test("a blocking snapshot whose SELECT the server refuses is only logged", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", {
    "data-collections": ["public.t"],
    type: "blocking",
    "additional-conditions": [{ "data-collection": "public.t", filter: "SELECT nonsense" }],
  });
  await db.execute("INSERT INTO t VALUES (1)");
  expect((await driver.read(2)).map((record) => plainEvent(record).op)).toEqual(["c", "c"]);
  expect(driver.warnings).toContainEqual(expect.stringMatching(/The snapshot that a signal asked for has failed/));
  await driver.stop();
});

test("an incremental snapshot reads in chunks beside the stream, and a consumer ends with the table's content", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, v int)",
    "INSERT INTO t SELECT i, 0 FROM generate_series(1, 95) i",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records: SourceRecord[] = [];
  await withClient(db, async (client) => {
    for (
      let turn = 1;
      reads(records).length === 0 || records.some(isActive) === false || isActive(records.at(-1)!);
      turn++
    ) {
      await client.query("UPDATE t SET v = $1 WHERE id % 7 = $2", [turn, turn % 7]);
      await client.query("DELETE FROM t WHERE id = $1", [turn * 3]);
      await client.query("INSERT INTO t VALUES ($1, $2) ON CONFLICT DO NOTHING", [turn * 2, -turn]);
      records.push(...(await driver.poll()));
    }
  });
  await db.execute("INSERT INTO t VALUES (1000, 0)");
  records.push(...(await driver.readUntil((found) => found.some((record) => idOf(record) === 1000))));
  const rows = reads(records);
  expect(new Set(rows.map((record) => sourceField(record, "snapshot")))).toEqual(new Set(["incremental"]));
  expect(rows.map((record) => [sourceField(record, "lsn"), sourceField(record, "txId")])[0]).toEqual([null, null]);
  const expected = await db.value("SELECT json_object_agg(id, v)::text AS value FROM t");
  expect(
    Object.fromEntries([...view(of(records, "t"))].map(([id, after]) => [id, (after as { v: number }).v])),
  ).toEqual(JSON.parse(expected!));
  await driver.stop();
});

test("on a quiet database an incremental snapshot ends by itself, with its conditions and surrogate key", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, place int NOT NULL)",
    "INSERT INTO t SELECT i, 100 - i FROM generate_series(1, 60) i",
    "CREATE TABLE keyless(id int)",
    "CREATE TABLE empty(id int PRIMARY KEY)",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", {
    "data-collections": ["public.keyless", "public.empty", "public.t"],
    "additional-conditions": [{ "data-collection": "public.t", filter: "id <= 35 OR id = 50" }],
    "surrogate-key": "place",
  });
  const records = await driver.readUntil((found) => reads(found).length === 36);
  expect(reads(records).map(idOf)).toEqual([50, ...Array.from({ length: 35 }, (_, index) => 35 - index)]);
  expect(isActive(records.at(-1)!)).toBe(false);
  expect(driver.warnings).toContainEqual(expect.stringMatching(/leaves out table public.keyless/));
  await driver.stop();
});

test("rows of an incremental snapshot that share a message key, or a surrogate key, are all sent", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, customer int NOT NULL)",
    "INSERT INTO t SELECT i, i % 2 FROM generate_series(1, 35) i",
    "CREATE TABLE u(id int PRIMARY KEY, place int NOT NULL)",
    "INSERT INTO u SELECT i, i % 2 FROM generate_series(1, 35) i",
    "CREATE TABLE keyless(customer int NOT NULL)",
    "CREATE TABLE partly(customer int NOT NULL, code int NOT NULL)",
    "CREATE UNIQUE INDEX ON partly(code) WHERE customer > 5",
  );
  const driver = await db.stream({ ...SIGNALS, "message.key.columns": "public.(t|keyless):customer" });
  await signal("execute-snapshot", { "data-collections": ["public.keyless", "public.partly", "public.t"] });
  await signal("execute-snapshot", { "data-collections": ["public.u"], "surrogate-key": "place" }, "second");
  const records = await driver.readUntil((found) => reads(found).length === 70);
  const sent = (table: string) =>
    reads(of(records, table)).map((record) => (plainEvent(record).after as { id: number }).id);
  expect(sent("t")).toEqual(Array.from({ length: 35 }, (_, index) => index + 1));
  expect(new Set(reads(of(records, "t")).map((record) => JSON.stringify(plainEvent(record).key)))).toEqual(
    new Set(['{"customer":1}', '{"customer":0}']),
  );
  expect(new Set(sent("u")).size).toBe(35);
  for (const table of ["keyless", "partly"])
    expect(driver.warnings).toContainEqual(
      expect.stringMatching(new RegExp(`leaves out table public.${table}: the table has neither a primary key nor`)),
    );
  await driver.stop();
});

test("a table with a value that its schema cannot hold is left out, and the next one and the stream go on", async () => {
  await db.execute(
    "CREATE TABLE bad(id int PRIMARY KEY, v numeric(4, 1) NOT NULL)",
    "INSERT INTO bad VALUES (1, 1), (2, 'NaN'), (3, 3)",
    "CREATE TABLE t(id int PRIMARY KEY)",
    "INSERT INTO t SELECT generate_series(1, 5)",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", { "data-collections": ["public.bad", "public.t"] });
  const records = await driver.readUntil((found) => reads(found).length === 5);
  expect(of(records, "t")).toHaveLength(5);
  expect(driver.warnings).toContainEqual(expect.stringMatching(/leaves out table public.bad: Column v/));
  await driver.stop();
});

test("an incremental snapshot goes on from any of its offsets", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 45)");
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records = await driver.readUntil((found) => reads(found).length === 45);
  await driver.stop();
  expect(reads(records).map(idOf)).toEqual(Array.from({ length: 45 }, (_, index) => index + 1));
  for (const [index, record] of records.entries()) {
    if (index === records.length - 1) break;
    await db.released();
    const next = await TaskDriver.start(
      db.props({ "snapshot.mode": "no_data", ...SIGNALS }),
      clone(record.sourceOffset),
    );
    const again = await next.readUntil((found) => found.some((row) => plainEvent(row).op === "r" && idOf(row) === 45));
    const rows = reads(again).map(idOf);
    expect(rows.slice(-(records.length - 1 - index))).toEqual(reads(records.slice(index + 1)).map(idOf));
    // No more than the chunk that it was in the middle of.
    if (index > 0) expect(rows.length - (records.length - 1 - index)).toBeLessThanOrEqual(10);
    await next.stop();
  }
  // One that Debezium left has the list of tables, and a key in Java's form: the table begins again.
  await db.released();
  const left = { ...records[12]!.sourceOffset };
  for (const key of ["last_key", "end_key", "key_order"]) delete left[`incremental_snapshot_${key}`];
  const taken = await TaskDriver.start(db.props({ "snapshot.mode": "no_data", ...SIGNALS }), {
    ...clone(left),
    incremental_snapshot_primary_key: "aced000570",
  });
  expect(reads(await taken.readUntil((found) => reads(found).length === 45))).toHaveLength(45);
  await taken.stop();
});

test.each([
  ["ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)", 45],
  ['ALTER TABLE t ALTER COLUMN id TYPE text COLLATE "C"', 45],
  // No alteration of the key: the table goes on behind its tenth row.
  ["ALTER TABLE t ALTER COLUMN code TYPE text", 35],
])("a table whose key is altered between its chunks is read from the beginning: %s", async (alteration, count) => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, code int NOT NULL)",
    "INSERT INTO t SELECT i, 46 - i FROM generate_series(1, 45) i",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records = await driver.readUntil((found) => reads(found).length === 45);
  await driver.stop();
  await db.released();
  await db.execute(alteration);
  const next = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", ...SIGNALS }),
    clone(reads(records)[9]!.sourceOffset),
  );
  const again = await next.readUntil((found) => reads(found).length > 0 && !isActive(found.at(-1)!));
  expect(reads(again)).toHaveLength(count);
  await next.stop();
});

test("keys with backslashes bound chunks also where the database reads them as escapes", async () => {
  await db.execute(
    `ALTER DATABASE ${db.name} SET standard_conforming_strings = off`,
    "CREATE TABLE t(id bytea PRIMARY KEY)",
    "INSERT INTO t SELECT decode('61' || lpad(to_hex(i), 2, '0'), 'hex') FROM generate_series(1, 45) i",
  );
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records = await driver.readUntil((found) => reads(found).length > 0 && !isActive(found.at(-1)!));
  expect(reads(records)).toHaveLength(45);
  await driver.stop();
});

test("a task that finds a newer offset than at its start goes on with that one's incremental snapshot", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 45)");
  const driver = await db.stream(SIGNALS);
  await db.execute("INSERT INTO t VALUES (100)");
  const [before] = await driver.read(1);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records = await driver.readUntil((found) => reads(found).length === 46);
  const newer = records[20]!.sourceOffset;
  // The slot moves past the offset before.
  await driver.commit(newer);
  await driver.stop();
  await db.released();
  const next = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", ...SIGNALS }),
    clone(before!.sourceOffset),
    clone(newer),
  );
  const rest = await next.readUntil((found) => found.some((row) => plainEvent(row).op === "r" && idOf(row) === 100));
  expect(next.waits).toContainEqual(expect.stringMatching(/an earlier task has stored a newer offset/));
  expect(reads(rest).map(idOf)).toEqual(reads(records).map(idOf).slice(20));
  await next.stop();
});

test("an incremental snapshot is paused, resumed and stopped; signals that make no sense are logged", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 45)");
  const driver = await db.stream(SIGNALS);
  await signal("execute-snapshot", "{", "broken");
  await signal("execute-snapshot", { "data-collections": ["public.nothing"], type: "blocking" }, "nothing");
  // Of one transaction: at most one chunk comes between them.
  await db.execute(
    `INSERT INTO signals VALUES ('one', 'execute-snapshot', '{"data-collections":["public.t"]}'), ('two', 'pause-snapshot', '{}')`,
  );
  await signal("unknown", {});
  await db.execute("INSERT INTO t VALUES (99)");
  const paused = await driver.readUntil((found) =>
    found.some((record) => plainEvent(record).op === "c" && record.topic.endsWith(".t")),
  );
  expect(reads(paused).length).toBeLessThanOrEqual(10);
  expect(driver.warnings).toEqual([
    expect.stringMatching(/its data is no JSON object/),
    expect.stringMatching(/match no captured table/),
    expect.stringMatching(/its type unknown is not recognized/),
  ]);
  await signal("resume-snapshot", {});
  const resumed = await driver.readUntil((found) => reads(found).length >= 20);
  await signal("stop-snapshot", { "data-collections": ["public\\.."] });
  await db.execute("INSERT INTO t VALUES (100)");
  const rest = await driver.readUntil((found) =>
    found.some((record) => record.topic.endsWith(".t") && plainEvent(record).op === "c"),
  );
  expect(isActive([...resumed, ...rest].at(-1)!)).toBe(false);
  await driver.stop();
});

test("signals are carried out though inserts are skipped", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 15)");
  const driver = await db.stream({ ...SIGNALS, "skipped.operations": "c" });
  expect(driver.warnings).toEqual([]);
  await signal("execute-snapshot", { "data-collections": ["public.t"] });
  const records = await driver.readUntil((found) => reads(found).length === 15);
  await signal("execute-snapshot", { "data-collections": ["public.t"], type: "blocking" }, "blocking");
  records.push(...(await driver.readUntil((found) => reads(found).length === 15)));
  expect(new Set(records.map((record) => [record.topic, plainEvent(record).op].join()))).toEqual(
    new Set(["shop.public.t,r"]),
  );
  await driver.stop();
});

test("the signal table is captured whatever the lists say, and is no part of snapshots", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY)",
    "INSERT INTO t VALUES (1)",
    "INSERT INTO signals VALUES ('old', 'log', '{}')",
  );
  const driver = await TaskDriver.start(
    db.props({
      ...SIGNALS,
      "table.include.list": "public.t",
      "publication.autocreate.mode": "filtered",
      "snapshot.select.statement.overrides": "public.t",
      "snapshot.select.statement.overrides.public.t": "SELECT 7 AS id;",
    }),
  );
  const rows = await driver.read(1);
  await signal("log", { message: "at {}" });
  rows.push(...(await driver.read(1)));
  expect(rows.map((record) => [record.topic, plainEvent(record).op, plainEvent(record).key])).toEqual([
    ["shop.public.t", "r", { id: 7 }],
    ["shop.public.signals", "c", { id: "log" }],
  ]);
  await driver.stop();
});
