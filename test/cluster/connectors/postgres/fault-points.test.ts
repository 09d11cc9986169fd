import { afterAll, beforeAll, expect, test } from "vitest";
import type { FaultPoint } from "../../../../connectors/postgres/server/fault-point.js";
import type { SourceMap, SourceRecord } from "../../../../src/api/index.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase } from "./test-database.js";

let server: PostgresServer;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());

const STEPS: readonly FaultPoint[] = [
  "published",
  "slot created",
  "snapshot begun",
  "table begun",
  "table read",
  "snapshot read",
  "snapshot sent",
  "stream started",
];
const CHUNKS = { "snapshot.resume.mode": "chunks", "incremental.snapshot.chunk.size": "4" };

const idOf = (record: SourceRecord) => (plainEvent(record).key as { id: number }).id;
const isOver = ({ sourceOffset }: SourceRecord) =>
  sourceOffset["incremental_snapshot_collections"] === undefined && sourceOffset["snapshot_completed"] !== false;

for (const [how, more, points] of [
  ["at once", { "max.batch.size": "3" }, STEPS],
  ["by two connections", { "snapshot.max.threads": "2", "max.batch.size": "3" }, ["table begun", "table read"]],
  ["in chunks", CHUNKS, ["snapshot begun", "snapshot sent", "stream started", "chunk read", "chunk sent"]],
] as const)
  for (const point of points)
    test(`a snapshot ${how}, killed and cut at "${point}", loses nothing and leaves no stale row`, async () => {
      const db = await freshDatabase(server);
      await db.execute(
        "CREATE TABLE t(id int PRIMARY KEY, v int)",
        "INSERT INTO t SELECT i, 0 FROM generate_series(1, 12) i",
        "CREATE TABLE u(id int PRIMARY KEY, v int)",
        "INSERT INTO u SELECT i, 0 FROM generate_series(101, 106) i",
      );
      // The end of the last chunk may have no row: a heartbeat tells of it.
      const props = db.props({ "retriable.restart.connector.wait.ms": "10", "heartbeat.interval.ms": "50", ...more });
      const sent: SourceRecord[] = [];
      /** @param deadAt kills, instead of a lost connection. */
      const live = async (stored: SourceMap | null, deadAt: FaultPoint | null, sentinel: number | null) => {
        let isDead = false;
        let isCut = false;
        let killed = () => {};
        const death = new Promise<readonly SourceRecord[]>((resolve) => {
          killed = () => resolve([]);
        });
        const driver = await TaskDriver.start(props, stored, stored, undefined, (passed) => {
          if (isDead) throw new Error("dead");
          if (passed !== point || isCut) return;
          isDead = passed === deadAt;
          isCut = true;
          if (isDead) killed();
          throw new Error("Connection terminated unexpectedly");
        });
        const records: SourceRecord[] = [];
        // What is written before the slot exists may be in the snapshot alone.
        const isAwaited = (op: string) => op === "c" || (op === "r" && sentinel === -1 && point === "published");
        const hasSentinel = () =>
          records.some(
            (record) => record.value && isAwaited(plainEvent(record).op as string) && idOf(record) === sentinel,
          );
        while (!isDead && !(hasSentinel() && isOver(records.at(-1)!)))
          records.push(...(await Promise.race([driver.poll(), death])));
        await driver.stop();
        await db.released();
        sent.push(...records);
        return { records, isCut };
      };

      // Before any offset is stored.
      expect((await live(null, point, null)).isCut).toBe(true);
      await db.execute(
        "DELETE FROM t WHERE id IN (1, 12)",
        "DELETE FROM u WHERE id = 101",
        "UPDATE t SET v = 1 WHERE id = 2",
      );
      const written = db.execute("DELETE FROM t WHERE id = 5", "UPDATE u SET v = 2", "INSERT INTO t VALUES (-1, 0)");
      const { records } = await live(null, null, -1);
      await written;
      // From an offset in the middle.
      await db.execute("DELETE FROM t WHERE id IN (3, 4)", "INSERT INTO t VALUES (3, 3), (-2, 0)");
      const middle = records[Math.floor(records.length / 2)]!;
      await live(JSON.parse(JSON.stringify(middle.sourceOffset)) as SourceMap, null, -2);

      const rows = new Map<number, unknown>();
      for (const record of sent) {
        const { after } = plainEvent(record);
        if (after) rows.set(idOf(record), after);
        else rows.delete(idOf(record));
      }
      const sorted = [...rows.values()].sort((a, b) => (a as { id: number }).id - (b as { id: number }).id);
      expect(sorted).toEqual(
        JSON.parse(
          (await db.value("SELECT json_agg(r ORDER BY id)::text AS value FROM (TABLE t UNION ALL TABLE u) r"))!,
        ),
      );
    });
