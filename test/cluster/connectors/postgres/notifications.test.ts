import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceMap, SourceRecord, Struct } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
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
  await db.execute(
    "CREATE TABLE signals(id text PRIMARY KEY, type text, data text)",
    "CREATE TABLE a(id int PRIMARY KEY)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "CREATE TABLE nokey(v int)",
    "INSERT INTO a SELECT generate_series(1, 5)",
  );
});

const PROPS = {
  "signal.data.collection": "public.signals",
  "notification.enabled.channels": "sink",
  "notification.sink.topic.name": "notes",
  "incremental.snapshot.chunk.size": "2",
};

const isNote = ({ topic }: SourceRecord) => topic === "notes";

/** `aggregate type`, and the additional data but for the connector's name. */
function told(record: SourceRecord): [string, string, Record<string, string>] {
  const value = record.value as Struct;
  const data = Object.fromEntries(value.get("additional_data") as Map<string, string>);
  expect(data["connector_name"]).toBe("shop");
  expect((record.key as Struct).get("id")).toBe(value.get("id"));
  expect(record.sourceOffset).toHaveProperty("lsn");
  const { connector_name: _, ...rest } = data;
  return [String(value.get("aggregate_type")), String(value.get("type")), rest];
}

const has = (type: string) => (records: readonly SourceRecord[]) =>
  records.some((record) => isNote(record) && told(record)[1] === type);
const clone = (offset: SourceMap) => JSON.parse(JSON.stringify(offset)) as SourceMap;

test("a first snapshot tells of its tables, and one that is not needed says so", async () => {
  await db.execute("DROP TABLE nokey");
  const driver = await TaskDriver.start(db.props(PROPS));
  const records = await driver.readUntil(has("COMPLETED"));
  const tables = { data_collections: "public.a,public.b" };
  const scanned = { data_collections: "public.a,public.b,public.signals", status: "SUCCEEDED" };
  expect(records.filter(isNote).map(told)).toEqual([
    ["Initial Snapshot", "STARTED", {}],
    ["Initial Snapshot", "IN_PROGRESS", { ...tables, current_collection_in_progress: "public.a" }],
    [
      "Initial Snapshot",
      "TABLE_SCAN_COMPLETED",
      { ...scanned, scanned_collection: "public.a", total_rows_scanned: "5" },
    ],
    ["Initial Snapshot", "IN_PROGRESS", { ...tables, current_collection_in_progress: "public.b" }],
    [
      "Initial Snapshot",
      "TABLE_SCAN_COMPLETED",
      { ...scanned, scanned_collection: "public.b", total_rows_scanned: "0" },
    ],
    ["Initial Snapshot", "COMPLETED", {}],
  ]);
  // None of them passes a row that was not sent: only the last offset says that the snapshot is complete.
  const done = records.map(({ sourceOffset }) => sourceOffset["snapshot_completed"]);
  expect(done.indexOf(true)).toBeGreaterThanOrEqual(records.findLastIndex((record) => !isNote(record)));
  await driver.stop();
  await db.released();

  const again = await TaskDriver.start(db.props(PROPS), clone(records.at(-1)!.sourceOffset));
  expect((await again.read(1)).map(told)).toEqual([["Initial Snapshot", "SKIPPED", {}]]);
  await again.stop();
});

test("a snapshot of empty tables, and a stream without one, tell all the same", async () => {
  await db.execute("DELETE FROM a");
  const driver = await TaskDriver.start(db.props(PROPS));
  const records = await driver.readUntil(has("COMPLETED"));
  expect(records.every(isNote)).toBe(true);
  expect(records.at(-1)!.sourceOffset).toMatchObject({ snapshot_completed: true });
  await driver.stop();
  await db.released();
  await db.dropSlot();

  const second = await TaskDriver.start(db.props({ ...PROPS, "snapshot.mode": "no_data" }));
  const [skipped] = await second.read(1);
  expect(told(skipped!)[1]).toBe("SKIPPED");
  await db.execute("INSERT INTO a VALUES (6)");
  expect((await second.read(1))[0]!.topic).toBe("shop.public.a");
  await second.stop();
  await db.released();
  // Its offset is one to go on from.
  const third = await TaskDriver.start(db.props(PROPS), clone(skipped!.sourceOffset));
  expect((await third.read(2)).map(({ topic }) => topic)).toContain("shop.public.a");
  await third.stop();
});

test("a connector that neither reads nor streams says so, and its offset stands for none", async () => {
  const idle = { "snapshot.mode": "configuration_based", "slot.name": "unused" };
  const driver = await TaskDriver.start(db.props({ ...PROPS, ...idle }));
  const [skipped] = await driver.read(1);
  expect([skipped!.topic, (skipped!.value as Struct).get("type"), skipped!.sourceOffset]).toEqual([
    "notes",
    "SKIPPED",
    {},
  ]);
  await driver.stop();

  const second = await TaskDriver.start(db.props(PROPS), {});
  expect((await second.readUntil(has("COMPLETED"))).filter(({ topic }) => topic === "shop.public.a")).toHaveLength(5);
  await second.stop();
});

test("incremental and blocking snapshots tell of each chunk and table, under the signal's id", async () => {
  const driver = await TaskDriver.start(db.props({ ...PROPS, "snapshot.mode": "no_data" }));
  await driver.readUntil(has("SKIPPED"));
  const signal = (id: string, type: string, data: object) =>
    db.execute(`INSERT INTO signals VALUES ('${id}', '${type}', '${JSON.stringify(data)}')`);
  const tables = ["public.a", "public.b", "public.nokey", "public.absent"];
  await signal("s1", "execute-snapshot", { "data-collections": tables });
  const notes = (await driver.readUntil(has("COMPLETED"))).filter(isNote);
  expect(new Set(notes.map(({ key }) => (key as Struct).get("id")))).toEqual(new Set(["s1"]));
  const all = { data_collections: tables.join(",") };
  const chunk = { ...all, current_collection_in_progress: "public.a", maximum_key: "5" };
  const scan = (from: number, total: number, status: string) => ({
    data_collections: tables.slice(from).join(","),
    scanned_collection: tables[from],
    total_rows_scanned: String(total),
    status,
  });
  expect(notes.map(told)).toEqual([
    ["Incremental Snapshot", "STARTED", all],
    ["Incremental Snapshot", "IN_PROGRESS", { ...chunk, last_processed_key: "2" }],
    ["Incremental Snapshot", "IN_PROGRESS", { ...chunk, last_processed_key: "4" }],
    ["Incremental Snapshot", "IN_PROGRESS", { ...chunk, last_processed_key: "5" }],
    ["Incremental Snapshot", "TABLE_SCAN_COMPLETED", scan(0, 5, "SUCCEEDED")],
    ["Incremental Snapshot", "TABLE_SCAN_COMPLETED", scan(1, 0, "EMPTY")],
    ["Incremental Snapshot", "TABLE_SCAN_COMPLETED", scan(2, 0, "NO_PRIMARY_KEY")],
    ["Incremental Snapshot", "TABLE_SCAN_COMPLETED", scan(3, 0, "UNKNOWN_SCHEMA")],
    ["Incremental Snapshot", "COMPLETED", {}],
  ]);
  // A pause while nothing runs holds up nothing.
  await signal("s2", "pause-snapshot", {});
  await signal("s3", "execute-snapshot", { "data-collections": ["public.a"], type: "blocking" });
  const blocking = (await driver.readUntil(has("COMPLETED"))).filter(isNote).map(told);
  expect(blocking.map(([about, type]) => [about, type])).toEqual(
    ["STARTED", "IN_PROGRESS", "TABLE_SCAN_COMPLETED", "COMPLETED"].map((type) => ["Initial Snapshot", type]),
  );
  expect(blocking[2]![2]["data_collections"]).toBe("public.a");
  await driver.stop();
});

test("a stream tells of a slot that keeps much WAL", async () => {
  const driver = await TaskDriver.start(
    db.props({
      ...PROPS,
      "snapshot.mode": "no_data",
      "slot.guard.interval.ms": "20",
      "slot.guard.limit.bytes": "1",
    }),
  );
  const records = await driver.readUntil(has("ALARM"));
  expect(told(records.at(-1)!)).toEqual([
    "Replication Slot",
    "ALARM",
    expect.objectContaining({ slot_name: db.slotName, reason: "at its limit", isRead: "true", limitBytes: "1" }),
  ]);
  await driver.stop();
});
