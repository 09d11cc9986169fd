import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceMap, SourceRecord } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
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
});

const markerOf = (record: SourceRecord) => sourceField(record, "snapshot") as string;
const isLast = (records: readonly SourceRecord[]) =>
  records.length > 0 && records.at(-1)!.sourceOffset["snapshot_completed"] === true;

/** Every row once, with the markers of its table around it. */
function expectWhole(records: readonly SourceRecord[], counts: Readonly<Record<string, number>>): void {
  expect(records.map(markerOf).filter((marker) => marker === "first")).toHaveLength(1);
  expect(markerOf(records[0]!)).toBe("first");
  expect(records.map(markerOf).indexOf("last")).toBe(records.length - 1);
  expect(records.slice(0, -1).every(({ sourceOffset }) => sourceOffset["snapshot_completed"] === false)).toBe(true);
  for (const [table, count] of Object.entries(counts)) {
    const rows = records.filter((record) => sourceField(record, "table") === table);
    expect(new Set(rows.map((record) => (plainEvent(record).after as { id: number }).id)).size).toBe(count);
    expect(rows).toHaveLength(count);
    expect(markerOf(rows.at(-1)!)).toMatch(/^last/);
    if (count > 1) expect(markerOf(rows[0]!)).toMatch(/^first/);
    expect(rows.slice(1, -1).every((record) => markerOf(record) === "true")).toBe(true);
  }
}

test("several connections read tables, and parts of a large one, in one snapshot", async () => {
  await db.execute(
    "CREATE TABLE large(id int, filler text)",
    "INSERT INTO large SELECT i, repeat('x', 500) FROM generate_series(1, 2000) i",
    "CREATE TABLE rooted(id int PRIMARY KEY, filler text) PARTITION BY RANGE (id)",
    "CREATE TABLE leaf_1 PARTITION OF rooted FOR VALUES FROM (0) TO (500)",
    "CREATE TABLE leaf_2 PARTITION OF rooted FOR VALUES FROM (500) TO (9999)",
    "INSERT INTO rooted SELECT i, repeat('x', 500) FROM generate_series(1, 1500) i",
    ...["b", "c", "d"].flatMap((name) => [
      `CREATE TABLE ${name}(id int PRIMARY KEY)`,
      `INSERT INTO ${name} SELECT * FROM generate_series(1, 30)`,
    ]),
    "CREATE TABLE empty(id int)",
  );
  const props = db.props({
    "snapshot.max.threads": "3",
    "publish.via.partition.root": "true",
    "snapshot.include.collection.list": "public.(?!leaf).*",
  });
  const counts = { large: 2000, rooted: 1500, b: 30, c: 30, d: 30 };
  const driver = await TaskDriver.start(props);
  const records = await driver.readUntil(isLast);
  expectWhole(records, counts);
  expect(new Set(records.map((record) => sourceField(record, "lsn"))).size).toBe(1);
  expect(driver.gauges()).toMatchObject({ snapshot_tables: 6, snapshot_rows: 3590 });
  await db.execute("INSERT INTO b VALUES (99)");
  expect(plainEvent((await driver.read(1))[0]!).after).toEqual({ id: 99 });
  await driver.stop();
  expect(
    await db.value(
      "SELECT count(*) AS value FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'",
    ),
  ).toBe("0");

  // On the slot that exists, they share a snapshot of the first connection's.
  const again = await TaskDriver.start(props);
  expectWhole(await again.readUntil(isLast), { ...counts, b: 31 });
  await again.stop();
});

test("a lock that waits for one connection of a snapshot does not stop the others", async () => {
  await db.execute(
    ...["a", "b"].flatMap((name) => [
      `CREATE TABLE ${name}(id int PRIMARY KEY, filler text)`,
      `INSERT INTO ${name} SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i`,
    ]),
    "CREATE TABLE z(id int PRIMARY KEY)",
    "INSERT INTO z SELECT * FROM generate_series(1, 5)",
  );
  const driver = await TaskDriver.start(
    db.props({ "snapshot.max.threads": "2", "max.batch.size": "10", "max.queue.size.in.bytes": "20000" }),
  );
  const begun = await driver.read(1);
  // Holds z and waits for both tables, whose second parts are still to be read.
  const altering = db.execute("BEGIN", "LOCK TABLE z", "LOCK TABLE a, b", "INSERT INTO z VALUES (6)", "COMMIT");
  await db.execute(`DO $$ BEGIN
    WHILE NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock') LOOP
      PERFORM pg_sleep(0.01);
    END LOOP;
  END $$`);
  const records = [...begun, ...(await driver.readUntil(isLast))];
  expectWhole(records, { a: 1000, b: 1000, z: 6 });
  await altering;
  await driver.stop();
});

test("rows that are to come slowly come in small portions", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT * FROM generate_series(1, 6)");
  const driver = await TaskDriver.start(db.props({ "snapshot.max.rows.per.second": "30" }));
  const portions: number[] = [];
  const records = await driver.readUntil((found) => {
    portions.push(found.length);
    return isLast(found);
  });
  expect(records).toHaveLength(6);
  expect(portions.slice(1).every((count, at) => count - portions[at]! <= 3)).toBe(true);
  await driver.stop();
});

test("a table truncated while several connections read is read again", async () => {
  await db.execute(
    ...["a", "b"].flatMap((name) => [
      `CREATE TABLE ${name}(id int PRIMARY KEY, filler text)`,
      `INSERT INTO ${name} SELECT i, repeat('x', 500) FROM generate_series(1, 1000) i`,
    ]),
    "CREATE TABLE z(id int PRIMARY KEY)",
    "INSERT INTO z SELECT * FROM generate_series(1, 100)",
  );
  const driver = await TaskDriver.start(
    db.props({ "snapshot.max.threads": "2", "max.batch.size": "10", "max.queue.size.in.bytes": "20000" }),
  );
  const begun = await driver.read(1);
  // Each connection has begun a table, and reads nothing more until the next poll.
  await db.execute("TRUNCATE z", "INSERT INTO z VALUES (7)");
  const records = [...begun, ...(await driver.readUntil(isLast))];
  expectWhole(records, { a: 1000, b: 1000, z: 1 });
  await driver.stop();
});

const CHUNKS = { "snapshot.resume.mode": "chunks", "incremental.snapshot.chunk.size": "10" };
const clone = (offset: SourceMap) => JSON.parse(JSON.stringify(offset)) as SourceMap;
const idOf = (record: SourceRecord) => (plainEvent(record).key as { id: number }).id;
const reads = (records: readonly SourceRecord[]) => records.filter((record) => plainEvent(record).op === "r");
const isOver = (records: readonly SourceRecord[]) =>
  records.length > 0 && records.at(-1)!.sourceOffset["incremental_snapshot_collections"] === undefined;

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

test("under snapshot.resume.mode=chunks a crash goes on at its chunk, and the events end in the table's content", async () => {
  await db.execute(
    "CREATE TABLE keyless(v int)",
    "INSERT INTO keyless VALUES (1), (2)",
    "CREATE TABLE t(id int PRIMARY KEY, v int)",
    "INSERT INTO t SELECT i, i FROM generate_series(1, 60) i",
    "CREATE TABLE u(id int PRIMARY KEY, v int)",
    "INSERT INTO u SELECT i, i FROM generate_series(1, 20) i",
  );
  // The end of the last chunk may have no row: a heartbeat tells of it.
  const props = db.props({ ...CHUNKS, "heartbeat.interval.ms": "50" });
  const sent: SourceRecord[] = [];
  let stored: SourceMap | null = null;
  let life = 0;
  for (; life === 0 || !isOver(sent); life++) {
    const driver: TaskDriver = await TaskDriver.start(props, stored);
    // A chunk each, and what the stream sends beside it.
    const records =
      life === 0
        ? await driver.read(2)
        : await driver.readUntil((found) => found.length > 0 && (reads(found).length > 0 || isOver(found)));
    sent.push(...records);
    stored = clone(records.at(-1)!.sourceOffset);
    await driver.stop();
    await db.released();
    await db.execute(
      `UPDATE t SET v = -v WHERE id IN (3, ${20 + life})`,
      `DELETE FROM t WHERE id = ${5 + 9 * life}`,
      `INSERT INTO t VALUES (${100 + life}, 0)`,
      ...(life === 2 ? ["ALTER TABLE u RENAME TO w"] : []),
    );
  }
  const last = await TaskDriver.start(props, stored);
  await db.execute("INSERT INTO t VALUES (999, 0)");
  sent.push(...(await last.readUntil((records) => records.some((record) => record.value && idOf(record) === 999))));
  await last.stop();
  const rows = (table: string) => sent.filter((record) => record.topic === `shop.public.${table}`);
  expect(reads(rows("keyless"))).toHaveLength(2);
  // Each chunk was read once: no life began again.
  expect(reads(rows("t")).length).toBeLessThanOrEqual(60);
  expect(Object.fromEntries([...view(rows("t"))].map(([, row]) => [(row as { id: number }).id, row]))).toEqual(
    JSON.parse((await db.value("SELECT json_object_agg(id, t)::text AS value FROM t"))!),
  );
  expect(
    reads(rows("w"))
      .map(idOf)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
  expect(life).toBeGreaterThan(6);
});

test("a table of the initial snapshot that is truncated again and again is read on, and one that goes is left out", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY)",
    "INSERT INTO t SELECT * FROM generate_series(1, 100)",
    "CREATE TABLE z(id int PRIMARY KEY)",
    "INSERT INTO z VALUES (1)",
  );
  const driver = await TaskDriver.start(db.props({ ...CHUNKS, "skipped.operations": "none" }));
  const sent = [...(await driver.read(1))];
  await db.execute("DROP TABLE z");
  for (let round = 0; round < 3 || !isOver(sent); round++) {
    await db.execute("TRUNCATE t", `INSERT INTO t VALUES (${round}), (${200 + round})`);
    sent.push(...(await driver.readUntil((records) => records.some((record) => idOfKey(record) === 200 + round))));
  }
  await driver.stop();
  expect(driver.gauges()).toMatchObject({ snapshot_running: 0, snapshot_percent: 100 });
  const rows = new Set<number>();
  for (const record of sent)
    if (plainEvent(record).op === "t") rows.clear();
    else rows.add(idOf(record));
  expect([...rows].map(String)).toEqual(
    JSON.parse((await db.value("SELECT json_agg(id::text ORDER BY id)::text AS value FROM t"))!),
  );
});

const idOfKey = (record: SourceRecord) => (plainEvent(record).key as { id: number } | null)?.id;

test("every isolation mode gives a whole snapshot, over one connection and over two", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY)",
    "INSERT INTO a SELECT * FROM generate_series(1, 20)",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "INSERT INTO b VALUES (1), (2)",
  );
  for (const mode of ["serializable", "repeatable_read", "read_committed", "read_uncommitted"])
    for (const threads of ["1", "2"]) {
      const driver = await TaskDriver.start(
        db.props({
          "snapshot.mode": "configuration_based",
          "snapshot.mode.configuration.based.snapshot.data": "true",
          "snapshot.isolation.mode": mode,
          "snapshot.max.threads": threads,
        }),
      );
      expectWhole(await driver.readUntil(isLast), { a: 20, b: 2 });
      await driver.stop();
    }
  expect(await db.value("SELECT count(*) AS value FROM pg_replication_slots WHERE database = current_database()")).toBe(
    "0",
  );
});

test("parts of a table that one connection reads are of one snapshot: a row that moves between them is read once", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY, filler text)",
    "INSERT INTO a SELECT i, repeat('x', 1000) FROM generate_series(1, 1000) i",
    "DELETE FROM a WHERE id <= 100",
    "VACUUM a",
  );
  const driver = await TaskDriver.start(
    db.props({
      "snapshot.mode": "initial_only",
      "snapshot.isolation.mode": "read_committed",
      "snapshot.max.threads.multiplier": "4",
      "max.batch.size": "10",
      "max.queue.size.in.bytes": "20000",
    }),
  );
  const begun = await driver.read(1);
  // To the pages of the first part, which are read already.
  await db.execute("UPDATE a SET filler = filler || 'y' WHERE id > 950");
  expectWhole([...begun, ...(await driver.readUntil(isLast))], { a: 900 });
  await driver.stop();
});
