import { afterAll, beforeAll, expect, test } from "vitest";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { startTestPostgres } from "../../../support/postgres.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase } from "./test-database.js";

let server: PostgresServer;

beforeAll(async () => {
  server = await startTestPostgres();
});
afterAll(() => server?.stop());

test("a backlog is lag, in bytes of WAL and in time, and is none once it has been read", async () => {
  const db = await freshDatabase(server);
  const began = Date.now();
  await db.execute("CREATE TABLE t(id int PRIMARY KEY, text text)", "CREATE TABLE other(text text)");
  const first = await db.stream({ "table.include.list": "public.t" });
  await first.stop();
  await db.released();
  for (let part = 0; part < 4; part++)
    await db.execute(`INSERT INTO t SELECT i + ${part}000, repeat('x', 1000) FROM generate_series(1, 250) i`);
  await db.execute("INSERT INTO other SELECT repeat('y', 1000) FROM generate_series(1, 1000)");

  // One small batch is read, so most of the backlog is still at the server or in the queue.
  const props = db.props({ "snapshot.mode": "no_data", "table.include.list": "public.t", "max.batch.size": "10" });
  const driver = await TaskDriver.start(props, null);
  expect(driver.lag()).toEqual({});
  const records = await driver.read(1);
  // The task's own query runs beside this one.
  while (driver.lag().lagBytes === undefined) await db.value("SELECT 1");
  expect(records).toHaveLength(10);
  expect(driver.lag().lagBytes).toBeGreaterThan(1_000_000);
  records.push(...(await driver.read(1000 - records.length)));
  // Only WAL of a table that is not published is left: the server says that it has passed it.
  await driver.until(async () => driver.lag().lagBytes === 0);
  expect(driver.lag().lagMs).toBeGreaterThanOrEqual(0);
  expect(driver.lag().lagMs).toBeLessThanOrEqual(Date.now() - began);
  await driver.stop();
  expect(driver.lag()).toEqual({});
});
