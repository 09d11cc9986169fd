import { afterAll, beforeAll, expect, test } from "vitest";
import type { SourceMap, SourceRecord } from "../../../../src/api/index.js";
import { SeededRandom } from "../../../../src/base/random.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres, withClient } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

let server: PostgresServer;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());

interface Row {
  readonly id: number;
  readonly version: number;
}

/** Changes rows, some in transactions of many, until it is ended; every version of a row has its own number. */
async function writeUntil(db: TestDatabase, random: SeededRandom, signal: AbortSignal): Promise<number> {
  let version = 1_000_000;
  await withClient(db, async (client) => {
    while (!signal.aborted) {
      await client.query("BEGIN");
      for (let left = 1 + random.integer(random.next() < 0.1 ? 80 : 3); left > 0; left--) {
        const id = random.integer(300);
        const dice = random.next();
        if (dice < 0.5)
          await client.query(
            "INSERT INTO t VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET version = excluded.version",
            [id, ++version],
          );
        else if (dice < 0.7) await client.query("DELETE FROM t WHERE id = $1", [id]);
        else if (dice < 0.8)
          await client.query(
            "UPDATE t SET id = $2, version = $3 WHERE id = $1 AND NOT EXISTS (SELECT FROM t WHERE id = $2)",
            [id, 300 + random.integer(50), ++version],
          );
        else await client.query("UPDATE t SET version = $2 WHERE id = $1", [id, ++version]);
      }
      await client.query(random.next() < 0.1 ? "ROLLBACK" : "COMMIT");
    }
    await client.query("INSERT INTO t VALUES (-1, 0)");
  });
  return version;
}

/** The end of the last chunk may have no row: a heartbeat tells of it. */
const CHUNKS = {
  "snapshot.resume.mode": "chunks",
  "incremental.snapshot.chunk.size": "15",
  "heartbeat.interval.ms": "100",
};

for (const [seed, more] of [
  [1, {}],
  [2, {}],
  [3, {}],
  [4, CHUNKS],
  [5, CHUNKS],
] as const) {
  test(`whenever the task crashes, even in the snapshot, its events end in the table's content (seed ${seed})`, async () => {
    const db = await freshDatabase(server);
    await db.execute(
      "CREATE TABLE t(id int PRIMARY KEY, version int)",
      "INSERT INTO t SELECT i, i FROM generate_series(0, 299) i",
      "CREATE TABLE log(id int, version int)",
      `CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (new.id, new.version); RETURN new; END $$`,
      "CREATE TRIGGER noted AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()",
    );
    const random = new SeededRandom(seed);
    const writing = new AbortController();
    const written = writeUntil(db, new SeededRandom(seed + 100), writing.signal);
    const props = db.props({ "table.include.list": "public.t", "max.batch.size": "50", ...more });
    const sent: SourceRecord[] = [];
    let stored: SourceMap | null = null;
    let firstVersion: number | undefined;
    const isEnd = (records: readonly SourceRecord[]) =>
      records.at(-1)?.sourceOffset["incremental_snapshot_collections"] === undefined &&
      records.some(
        (record) => record.value !== null && plainEvent(record).op !== "r" && (plainEvent(record).key as Row).id === -1,
      );

    for (let life = 0; life < 12; life++) {
      const driver: TaskDriver = await TaskDriver.start(props, stored);
      const records = await driver.read(1 + random.integer(600));
      sent.push(...records);
      // The slot exists before the first row: from here on no version may be missing.
      firstVersion ??= Number(await db.value("SELECT max(version) AS value FROM log"));
      // The stored offset is that of an earlier flush, or none.
      const at = random.integer(records.length + 1) - 1;
      if (at >= 0) {
        stored = JSON.parse(JSON.stringify(records[at]!.sourceOffset)) as SourceMap;
        if (random.next() < 0.7) await driver.commit(stored);
      }
      await driver.stop();
    }
    writing.abort();
    await written;
    const last = await TaskDriver.start(props, stored);
    sent.push(...(await last.readUntil(isEnd)));
    await last.stop();

    const table = new Map<number, number>();
    const seen = new Set<string>();
    for (const record of sent) {
      const { id } = plainEvent(record).key as Row;
      const after = plainEvent(record).after as Row | null | undefined;
      if (after) {
        table.set(id, after.version);
        seen.add(`${id} ${after.version}`);
      } else {
        table.delete(id);
      }
    }
    await withClient(db, async (client) => {
      const { rows: now } = await client.query<Row>("SELECT id, version FROM t");
      expect([...table].sort()).toEqual(now.map(({ id, version }): [number, number] => [id, version]).sort());
      const { rows: versions } = await client.query<Row>("SELECT id, version FROM log WHERE version > $1", [
        firstVersion,
      ]);
      expect(versions.length).toBeGreaterThan(100);
      expect(versions.filter(({ id, version }) => !seen.has(`${id} ${version}`))).toEqual([]);
    });
  });
}
