import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceRecord, Struct } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

// The connector reads rows that were written before the catalog became what it is now.
let server: PostgresServer;
let db: TestDatabase;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());
beforeEach(async () => {
  db = await freshDatabase(server);
});

/** Creates the slot, runs the statements while nobody reads it, and reads that many records. */
async function behind(setup: readonly string[], statements: readonly string[], count: number, more = {}) {
  await db.execute(...setup);
  await (await db.stream(more)).stop();
  await db.execute(...statements);
  const driver = await TaskDriver.start(db.props({ "snapshot.mode": "no_data", ...more }));
  try {
    return await driver.read(count);
  } finally {
    await driver.stop();
  }
}

const keys = (records: readonly SourceRecord[]) =>
  records.map((record) => [plainEvent(record).op, plainEvent(record).key]);
const isOptional = (record: SourceRecord, name: string) =>
  (record.value as Struct).schema.field("after")!.schema.field(name)!.schema.optional;

test("a renamed primary key keeps its old name in older rows", async () => {
  const records = await behind(
    ["CREATE TABLE t(id int PRIMARY KEY, v int)"],
    [
      "INSERT INTO t VALUES (1, 1)",
      "DELETE FROM t WHERE id = 1",
      "ALTER TABLE t RENAME id TO code",
      "INSERT INTO t VALUES (2, 2)",
    ],
    4,
  );
  expect(keys(records)).toEqual([
    ["c", { id: 1 }],
    ["d", { id: 1 }],
    [undefined, { id: 1 }],
    ["c", { code: 2 }],
  ]);
});

test("a replaced primary key is the key of rows from then on, not of older ones", async () => {
  const records = await behind(
    ["CREATE TABLE t(id int PRIMARY KEY, code int NOT NULL)", "INSERT INTO t VALUES (1, 10), (2, 20)"],
    [
      "DELETE FROM t WHERE id = 1",
      "UPDATE t SET code = 10 WHERE id = 2",
      "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code)",
      "UPDATE t SET id = 3 WHERE code = 10",
    ],
    4,
  );
  expect(keys(records)).toEqual([
    ["d", { id: 1 }],
    [undefined, { id: 1 }],
    ["u", { id: 2 }],
    ["u", { code: 10 }],
  ]);
});

test("the key has its index's order, also if it is deferrable or of a partitioned table", async () => {
  const records = await behind(
    [
      "CREATE TABLE t(a int, b int, PRIMARY KEY (b, a))",
      "CREATE TABLE u(a int, b int, PRIMARY KEY (b, a) DEFERRABLE)",
      "CREATE TABLE w(a int, b int, PRIMARY KEY (b, a)) PARTITION BY RANGE (a)",
      "CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10)",
    ],
    ["INSERT INTO t VALUES (1, 2)", "INSERT INTO u VALUES (1, 2)", "INSERT INTO w VALUES (1, 2)"],
    3,
    { "publish.via.partition.root": "true" },
  );
  expect(records.map((record) => record.topic)).toEqual(["shop.public.t", "shop.public.u", "shop.public.w"]);
  expect(records.map((record) => JSON.stringify(plainEvent(record).key))).toEqual(Array(3).fill('{"b":2,"a":1}'));
});

test("a NULL from before SET NOT NULL stays null", async () => {
  const records = await behind(
    ["CREATE TABLE t(id int PRIMARY KEY, v int)", "ALTER TABLE t REPLICA IDENTITY FULL"],
    [
      "INSERT INTO t VALUES (1, NULL)",
      "UPDATE t SET v = 5",
      "INSERT INTO t VALUES (2, NULL)",
      "DELETE FROM t WHERE id = 2",
      "ALTER TABLE t ALTER v SET NOT NULL",
      "UPDATE t SET v = 6",
    ],
    6,
  );
  expect(
    records.filter(({ value }) => value).map((record) => [plainEvent(record).before, plainEvent(record).after]),
  ).toEqual([
    [null, { id: 1, v: null }],
    [
      { id: 1, v: null },
      { id: 1, v: 5 },
    ],
    [null, { id: 2, v: null }],
    [{ id: 2, v: null }, null],
    [
      { id: 1, v: 5 },
      { id: 1, v: 6 },
    ],
  ]);
  expect(isOptional(records[0]!, "v")).toBe(true);
  expect(isOptional(records[5]!, "v")).toBe(false);
});

test("a NOT NULL constraint that is not valid does not turn the snapshot's NULLs into values", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, v int)",
    "INSERT INTO t VALUES (1, 1), (2, NULL), (3, 3)",
    "ALTER TABLE t ADD CONSTRAINT v_set NOT NULL v NOT VALID",
  );
  const driver = await TaskDriver.start(db.props());
  expect((await driver.read(3)).map((record) => plainEvent(record).after)).toEqual([
    { id: 1, v: 1 },
    { id: 2, v: null },
    { id: 3, v: 3 },
  ]);
  await driver.stop();
});

const MOOD = ["CREATE TYPE mood AS ENUM ('sad', 'ok')", "CREATE TABLE t(id int PRIMARY KEY, m mood)"];
const WITHOUT_MOOD = [
  "INSERT INTO t VALUES (1, 'ok')",
  "ALTER TABLE t ALTER m TYPE text USING m::text",
  "DROP TYPE mood",
  "INSERT INTO t VALUES (2, 'new')",
];

test("a dropped type is still read by a task that has seen it", async () => {
  await db.execute(...MOOD);
  const driver = await db.stream();
  await db.execute("INSERT INTO t VALUES (0, 'sad')");
  await driver.read(1);
  // The task reconnects, and reads the older rows with today's catalog.
  await db.execute(
    `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${db.slotName}'`,
    ...WITHOUT_MOOD,
  );
  const records = await driver.readUntil((found) =>
    found.some((record) => (plainEvent(record).key as { id: number }).id === 2),
  );
  expect(records.slice(-2).map((record) => plainEvent(record).after)).toEqual([
    { id: 1, m: "ok" },
    { id: 2, m: "new" },
  ]);
  await driver.stop();
});

test("a dropped type that the task has not seen fails it, or becomes bytes of text, but its column is never left out", async () => {
  await expect(behind(MOOD, WITHOUT_MOOD, 2)).rejects.toThrow(
    /Column m of public.t has rows of a type that was dropped.*include.unknown.datatypes=true/,
  );
  await db.released();
  const driver = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", "include.unknown.datatypes": "true", "binary.handling.mode": "hex" }),
  );
  expect((await driver.read(2)).map((record) => plainEvent(record).after)).toEqual([
    { id: 1, m: Buffer.from("ok").toString("hex") },
    { id: 2, m: "new" },
  ]);
  await driver.stop();
});

test("values of a dropped domain are read by its base type", async () => {
  const records = await behind(
    ["CREATE DOMAIN count AS int CHECK (value >= 0)", "CREATE TABLE t(id int PRIMARY KEY, n count)"],
    ["INSERT INTO t VALUES (1, 7)", "ALTER TABLE t ALTER n TYPE int", "DROP DOMAIN count"],
    1,
  );
  expect(plainEvent(records[0]!).after).toEqual({ id: 1, n: 7 });
});
