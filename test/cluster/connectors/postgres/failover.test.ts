import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SourceMap } from "../../../../src/api/index.js";
import { SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { type PostgresServer, startPostgres } from "../../../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, TestDatabase } from "./test-database.js";

let primary: PostgresServer;
/** A copy of the primary's files: what an asynchronous standby had received when the primary died. */
let standby: PostgresServer;
let before: TestDatabase;
let after: TestDatabase;
/** Stored before the copy was made, and after it. */
let shared: SourceMap;
let beyond: SourceMap;

beforeAll(async () => {
  primary = await startTestPostgres();
  before = await freshDatabase(primary);
  await before.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await before.stream();
  await before.execute("INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (2)");
  const both = await driver.read(2);
  shared = both[1]!.sourceOffset;
  await driver.commit(shared);
  await primary.kill9();
  const dataDir = join(dirname(primary.dataDir), "standby");
  // The files keep their owner, as whom Postgres runs.
  execFileSync("cp", ["-a", primary.dataDir, dataDir]);
  const reading = driver.read(1);
  await primary.start();
  await before.execute("INSERT INTO t VALUES (3)");
  beyond = (await reading)[0]!.sourceOffset;
  await driver.stop();

  writeFileSync(join(dataDir, "standby.signal"), "");
  standby = await startPostgres({ dataDir, port: 0, clock: new SystemClock(), logger: silentLogger });
  after = new TestDatabase(standby, before.name);
});
afterAll(async () => {
  await standby?.stop();
  await primary?.stop();
});

test("a standby that is behind the offset is waited for; once promoted, the offset beyond the fork is refused", async () => {
  const driver = await TaskDriver.start(after.props(), beyond);
  const waiting = driver.untilWaiting();
  const reading = driver.read(1);
  expect(await waiting).toMatch(/ahead of the server.*Waiting for the standby/);
  await execute(standby, "SELECT pg_promote()");
  // More than the former primary wrote: the positions alone no longer tell the two apart.
  await after.execute("CREATE TABLE noise AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 1000)");
  await after.execute("INSERT INTO t VALUES (4)");
  await expect(reading).rejects.toThrow(/of timeline 1, but the server is on timeline 2, which left it at/);
  await driver.stop();
});

test("an offset before the fork streams on, and its successors name the new timeline", async () => {
  const driver = await TaskDriver.start(after.props({ "table.include.list": "public.t" }), shared);
  const [record] = await driver.read(1);
  expect(plainEvent(record!)).toMatchObject({ op: "c", key: { id: 4 } });
  expect(record!.sourceOffset).toMatchObject({ system_id: shared["system_id"], timeline: 2 });
  await driver.stop();
  await after.released();
});

test("when_needed takes a new snapshot of the promoted server", async () => {
  const driver = await TaskDriver.start(
    after.props({ "snapshot.mode": "when_needed", "table.include.list": "public.t" }),
    beyond,
  );
  const rows = await driver.read(3);
  expect(rows.map((row) => [plainEvent(row).op, plainEvent(row).key])).toEqual([
    ["r", { id: 1 }],
    ["r", { id: 2 }],
    ["r", { id: 4 }],
  ]);
  await driver.stop();
  await after.released();
});

test("the former primary is refused once the offset has moved on to the new timeline", async () => {
  const offset = { ...shared, timeline: 2 };
  const driver = await TaskDriver.start(before.props(), offset);
  await expect(driver.read(1)).rejects.toThrow(/of timeline 2, but the server is on timeline 1, an earlier one/);
  await driver.stop();
});

test("another database cluster is refused under every mode", async () => {
  for (const mode of ["initial", "when_needed"]) {
    const driver = await TaskDriver.start(before.props({ "snapshot.mode": mode }), { ...shared, system_id: "12345" });
    await expect(driver.read(1)).rejects.toThrow(/of system 12345, but the server is system/);
    await driver.stop();
  }
});
