import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { SourceMap, SourceRecord, Struct } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres, withClient } from "../../../support/postgres.js";
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

/** With its place in the transaction, but for positions within ids: those are of this run of the server. */
const identity = (record: SourceRecord) => {
  const value = record.value as Struct | null;
  const block = value?.schema.field("transaction") ? plain(value.get("transaction")) : undefined;
  const status = value?.schema.field("status") ? plain(value) : undefined;
  return JSON.stringify([plainEvent(record), block, status]);
};

/** Single rows, several rows of one position, a change of a key, interleaved transactions, a rollback, truncates. */
async function mixedWork(): Promise<void> {
  await db.execute(
    "INSERT INTO t SELECT i, 'multi' FROM generate_series(1, 4) i",
    "BEGIN; INSERT INTO t VALUES (10, 'x'); UPDATE t SET name = 'y' WHERE id = 10; DELETE FROM t WHERE id = 1; COMMIT",
    "UPDATE t SET id = 20 WHERE id = 2",
    "BEGIN; INSERT INTO t VALUES (99, 'gone'); ROLLBACK",
    "TRUNCATE u, v",
  );
  await withClient(db, (first) =>
    withClient(db, async (second) => {
      await first.query("BEGIN");
      await second.query("BEGIN");
      await first.query("INSERT INTO t VALUES (30, 'first')");
      await second.query("INSERT INTO t VALUES (31, 'second')");
      await first.query("UPDATE t SET name = 'first again' WHERE id = 30");
      await second.query("COMMIT");
      await first.query("INSERT INTO t VALUES (32, 'first'), (33, 'first')");
      await first.query("COMMIT");
    }),
  );
  // COPY writes many rows at one position.
  await withClient(db, async (client) => {
    const copied = "INSERT INTO t SELECT i, 'copied' FROM generate_series(40, 44) i";
    await client.query(copied);
    await client.query("COPY (SELECT 1) TO STDOUT");
    await client.query("CREATE TABLE w AS SELECT 1 AS id");
  });
  await db.execute("DELETE FROM t WHERE id > 30", "INSERT INTO t VALUES (100, 'end')");
}

test.each(["false", "true"])(
  "a crash after any record loses nothing: its offset resumes with all later records, in order (transaction metadata: %s)",
  async (metadata) => {
    await db.execute(
      "CREATE TABLE t(id int PRIMARY KEY, name text)",
      "CREATE TABLE u(id int)",
      "CREATE TABLE v(id int)",
    );
    const settings = { "skipped.operations": "none", "provide.transaction.metadata": metadata };
    const driver = await db.stream(settings);
    await mixedWork();
    const isEnd = (records: readonly SourceRecord[]) =>
      records.some((record) => (plainEvent(record).key as { id?: number } | null)?.id === 100) &&
      (metadata === "false" || records.at(-1)!.sourceOffset["messageType"] === "COMMIT");
    const all = await driver.readUntil(isEnd);
    await driver.stop();
    expect(all.length).toBeGreaterThan(30);
    for (const [index, { sourceOffset }] of all.entries()) {
      if (index === all.length - 1) break;
      const stored = JSON.parse(JSON.stringify(sourceOffset)) as SourceMap;
      const next = await TaskDriver.start(db.props({ "snapshot.mode": "no_data", ...settings }), stored);
      const again = await next.readUntil(
        (records) => records.at(-1)?.sourceOffset["lsn_proc"] === all.at(-1)!.sourceOffset["lsn_proc"],
      );
      await next.stop();
      // An event of several records is repeated as a whole unless its last was stored: a few records more, never fewer.
      const expected = all.slice(index + 1).map(identity);
      expect(again.map(identity).slice(-expected.length)).toEqual(expected);
      expect(again.length - expected.length).toBeLessThanOrEqual(metadata === "true" ? 3 : 2);
      const isBoundary = all[index + 1]!.sourceOffset !== sourceOffset;
      if (isBoundary && all[index]!.sourceOffset !== all[index - 1]?.sourceOffset)
        expect(again.length).toBeGreaterThanOrEqual(expected.length);
    }
  },
);

test("rows at one position are resumed by their count, and all repeated if the count is unknown", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await db.execute("CREATE TABLE src AS SELECT i AS id FROM generate_series(1, 6) i");
  await db.copyRows("t", ["1", "2", "3", "4"]);
  const all = (
    await driver.readUntil((records) =>
      records.some(
        (record) => sourceField(record, "table") === "t" && (plainEvent(record).key as { id: number }).id === 4,
      ),
    )
  ).filter((record) => sourceField(record, "table") === "t");
  await driver.stop();
  expect(new Set(all.map((record) => sourceField(record, "lsn"))).size).toBe(1);
  expect(all.map(({ sourceOffset }) => sourceOffset["lsn_events_processed"])).toEqual([undefined, 2, 3, 4]);
  const ids = (records: readonly SourceRecord[]) =>
    records.map((record) => (plainEvent(record).key as { id: number }).id);

  const second = await TaskDriver.start(db.props({ "snapshot.mode": "no_data" }), all[1]!.sourceOffset);
  expect(ids(await second.read(2))).toEqual([3, 4]);
  await second.stop();
  const { lsn_events_processed: _, ...ofDebezium } = all[2]!.sourceOffset;
  const unknown = await TaskDriver.start(db.props({ "snapshot.mode": "no_data" }), ofDebezium);
  expect(ids(await unknown.read(3))).toEqual([2, 3, 4]);
  await unknown.stop();
});

test("a repeated snapshot emits the deletes since the slot was created", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 3)");
  const first = await TaskDriver.start(db.props());
  const [snapshotRow] = await first.read(1);
  await first.stop();
  await db.execute("DELETE FROM t WHERE id = 2", "INSERT INTO t VALUES (4)");
  for (const stored of [null, snapshotRow!.sourceOffset]) {
    const again = await TaskDriver.start(db.props(), stored);
    const records = await again.readUntil((found) => found.some((record) => plainEvent(record).op === "c"));
    await again.stop();
    expect(records.map((record) => [plainEvent(record).op, plainEvent(record).key])).toEqual([
      ["r", { id: 1 }],
      ["r", { id: 3 }],
      ["r", { id: 4 }],
      ["d", { id: 2 }],
      [undefined, { id: 2 }],
      ["c", { id: 4 }],
    ]);
  }
});

test("a completed snapshot is not repeated", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t VALUES (1)");
  const first = await TaskDriver.start(db.props());
  const [row] = await first.read(1);
  await first.stop();
  await db.execute("INSERT INTO t VALUES (2)");
  const second = await TaskDriver.start(db.props(), row!.sourceOffset);
  expect((await second.read(1)).map((record) => plainEvent(record).op)).toEqual(["c"]);
  await second.stop();
});

test("the slot is confirmed only up to stored offsets, and on an idle source up to the position that the server has sent", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await db.execute("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)", "INSERT INTO t VALUES (3)");
  const [, second, third] = await driver.read(3);
  const before = await db.confirmed();
  for (let turn = 0; turn < 3; turn++) await driver.poll();
  expect(await db.confirmed()).toBe(before);

  await driver.commit(second!.sourceOffset);
  await driver.poll();
  const partly = await db.confirmed();
  expect(partly).toBeGreaterThanOrEqual(before);
  expect(partly).toBeLessThanOrEqual(Number(second!.sourceOffset["lsn_commit"] ?? 0) || before);

  // Everything is stored: WAL without captured changes is released, too.
  await driver.commit(third!.sourceOffset);
  await db.execute("CREATE TABLE noise AS SELECT generate_series(1, 1000) AS id WITH NO DATA");
  const position = await db.currentLsn();
  await driver.until(async () => (await db.confirmed()) >= position - 1);
  await driver.stop();
  expect((await db.confirmed()) % 8).toBe(7);

  // The stored offset is now behind the slot, by our own confirmation: continuing is right.
  await db.execute("INSERT INTO t VALUES (4)");
  const next = await TaskDriver.start(db.props(), third!.sourceOffset);
  expect((await next.read(1)).map((record) => plainEvent(record).key)).toEqual([{ id: 4 }]);
  await next.stop();
});

test("a slot that was dropped and created again is noticed, and when_needed takes a new snapshot", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await db.execute("INSERT INTO t VALUES (1)");
  const [record] = await driver.read(1);
  await driver.stop();
  await db.dropSlot();
  const gone = await TaskDriver.start(db.props(), record!.sourceOffset);
  await expect(gone.read(1)).rejects.toThrow(
    /no longer available on the server.*does not exist.*snapshot\.mode=when_needed/,
  );
  await gone.stop();

  await db.execute("CHECKPOINT", "INSERT INTO t VALUES (2)");
  await db.execute(`SELECT pg_create_logical_replication_slot('${db.slotName}', 'pgoutput')`);
  const behind = await TaskDriver.start(db.props(), record!.sourceOffset);
  await expect(behind.read(1)).rejects.toThrow(/no longer available on the server/);
  await behind.stop();
  const needed = await TaskDriver.start(db.props({ "snapshot.mode": "when_needed" }), record!.sourceOffset);
  expect((await needed.read(2)).map((row) => plainEvent(row).op)).toEqual(["r", "r"]);
  await needed.stop();
});

test("a slot that was moved past the stored offset is refused, and when_needed takes a new snapshot", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await withClient(db, async (open) => {
    // Keeps the slot's restart_lsn before the stored offsets, whatever checkpoints and running transactions the server
    // logs: a slot that begins past an offset is refused.
    await open.query("BEGIN");
    await open.query("INSERT INTO t VALUES (-1)");
    await db.execute("INSERT INTO t VALUES (1)");
    const [first] = await driver.read(1);
    await db.execute("INSERT INTO t VALUES (2)");
    const [second] = await driver.read(1);
    await driver.stop();
    await db.released();
    await db.execute("INSERT INTO t VALUES (3)", "CHECKPOINT");
    await db.execute(`SELECT pg_replication_slot_advance('${db.slotName}', pg_current_wal_lsn())`);
    // The first is in the slot's first transaction, before any commit.
    expect(first!.sourceOffset).not.toHaveProperty("lsn_commit");
    for (const { sourceOffset } of [first!, second!]) {
      const needed = await TaskDriver.start(db.props({ "snapshot.mode": "when_needed" }), sourceOffset);
      expect((await needed.read(3)).map((record) => plainEvent(record).op)).toEqual(["r", "r", "r"]);
      await needed.stop();
      await db.released();
    }
    for (const { sourceOffset } of [first!, second!]) {
      const refused = db.stream({ "snapshot.mode": "initial" }, sourceOffset);
      await expect(refused).rejects.toThrow(/was moved to .*past the stored offset.*trust_slot/);
      await db.released();
    }
    const trusting = await db.stream(
      { "snapshot.mode": "initial", "offset.mismatch.strategy": "trust_slot" },
      first!.sourceOffset,
    );
    expect(trusting.warnings).toEqual([expect.stringContaining(`slot ${db.slotName} was moved to`)]);
    await trusting.stop();
    await open.query("ROLLBACK");
  });
});

test("a slot that begins past the stored offset is refused, also by a stream that only waits", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await db.execute("INSERT INTO t VALUES (1)");
  const [record] = await driver.read(1);
  await driver.stop();
  await db.released();
  // Each checkpoint logs the running transactions, a place for the slot to begin.
  await db.execute("CHECKPOINT", "INSERT INTO t VALUES (2)", "CHECKPOINT");
  await db.execute(`SELECT pg_replication_slot_advance('${db.slotName}', pg_current_wal_lsn())`);
  const refused = db.stream({ "snapshot.mode": "initial" }, record!.sourceOffset);
  await expect(refused).rejects.toThrow(/no longer available on the server.*begins at/);
});

test("an offset ahead of the server is refused, and when_needed takes a new snapshot and loses nothing after it", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  await (await db.stream()).stop();
  const wal = await db.currentLsn();
  const at = wal + 8_000_000 - (wal % 8);
  const ahead = { lsn_proc: at, messageType: "INSERT", lsn_commit: at - 800, lsn: at, txId: 5, ts_usec: 1 };
  const refused = await TaskDriver.start(db.props(), ahead);
  await expect(refused.read(1)).rejects.toThrow(new RegExp(`stored offset.*${at}.*ahead of the server.*when_needed`));
  await refused.stop();

  // The tables are empty: no row's offset replaces the stored one.
  const needed = await TaskDriver.start(
    db.props({ "snapshot.mode": "when_needed", "heartbeat.interval.ms": "20" }),
    ahead,
  );
  const [beat] = await needed.read(1);
  expect(Number(beat!.sourceOffset["lsn"])).toBeLessThan(at - 800);
  await db.execute("INSERT INTO t SELECT generate_series(1, 3)");
  const isRow = ({ topic }: SourceRecord) => topic === "shop.public.t";
  const records = await needed.readUntil((found) => found.filter(isRow).length === 3);
  expect(records.filter(isRow).map((record) => plainEvent(record).key)).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  await needed.stop();
  expect(await db.confirmed()).toBeLessThan(at - 800);
});
