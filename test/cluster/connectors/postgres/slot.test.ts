import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { PostgresConnector } from "../../../../connectors/postgres/postgres-connector.js";
import type { SourceRecord, SourceRetention } from "../../../../src/api/index.js";
import { SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SystemRandom } from "../../../../src/base/random.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres } from "../../../support/postgres.js";
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
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
});

const isBeat = ({ topic }: SourceRecord) => topic.startsWith("__debezium-heartbeat");

test("an idle database releases the WAL of the others without a heartbeat", async () => {
  const driver = await db.stream();
  const before = await db.confirmed();
  await execute(
    server,
    "CREATE TABLE IF NOT EXISTS noise(v text)",
    "INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
  );
  const written = await db.currentLsn();
  expect(written).toBeGreaterThan(before + 1_000_000);
  await driver.until(async () => (await db.confirmed()) >= written);
  await driver.stop();
});

test("a heartbeat's message moves the position without a table, and is not sent on", async () => {
  const driver = await TaskDriver.start(
    db.props({
      "snapshot.mode": "no_data",
      "heartbeat.interval.ms": "20",
      "heartbeat.message.prefix": "millrace.beat",
    }),
  );
  const beats = await driver.readUntil((records) => new Set(records.map((beat) => beat.sourceOffset["lsn"])).size > 3);
  expect(beats.every(isBeat)).toBe(true);
  await db.execute("SELECT pg_logical_emit_message(false, 'mine', 'x')", "INSERT INTO t VALUES (1)");
  const records = await driver.readUntil((found) => found.some(({ topic }) => topic === "shop.public.t"));
  expect(records.filter((record) => !isBeat(record)).map(({ topic }) => topic)).toEqual([
    "shop.message",
    "shop.public.t",
  ]);
  await driver.stop();
});

test("a heartbeat's message is refused where pgoutput sends none", async () => {
  // The test server is newer, so that only the key's own rules are seen here.
  for (const more of [{}, { "heartbeat.interval.ms": "100", "read.only": "true" }])
    await expect(TaskDriver.start(db.props({ "heartbeat.message.prefix": "p", ...more }))).rejects.toMatchObject({
      key: "heartbeat.message.prefix",
    });
});

test("xmin is the slot's, in streamed events and in offsets", async () => {
  const driver = await db.stream({ "xmin.fetch.interval.ms": "20" });
  await db.execute("INSERT INTO t VALUES (1)");
  const [first] = await driver.read(1);
  const xmin = Number(sourceField(first!, "xmin"));
  expect(xmin).toBeGreaterThan(0);
  expect(first!.sourceOffset["xmin"]).toBe(xmin);
  await driver.commit(first!.sourceOffset);
  // The slot's xmin moves on once its reader has confirmed what came after running transactions were logged.
  await db.execute("CREATE TABLE moved(id int)", "CHECKPOINT", "INSERT INTO t VALUES (2)");
  let id = 2;
  for (let seen: unknown = xmin; seen === xmin; id++) {
    const [record] = await driver.read(1);
    await driver.commit(record!.sourceOffset);
    seen = Number(sourceField(record!, "xmin"));
    await db.execute("SELECT pg_log_standby_snapshot()", `INSERT INTO t VALUES (${id + 1})`);
  }
  await driver.stop();
});

test("slot.stream.params reach the output plug-in", async () => {
  const driver = await db.stream({ "slot.stream.params": "origin=none;" });
  // The origin belongs to the session.
  await db.execute(
    "SELECT pg_replication_origin_create('elsewhere')",
    "SELECT pg_replication_origin_session_setup('elsewhere')",
    "INSERT INTO t VALUES (1)",
  );
  await db.execute("INSERT INTO t VALUES (2)");
  const [record] = await driver.read(1);
  expect(plainEvent(record!).after).toEqual({ id: 2 });
  await driver.stop();
  await db.execute("SELECT pg_replication_origin_drop('elsewhere')");
});

test("slot.failover makes a slot that standbys take over, and only then", async () => {
  const isFailover = (name: string) =>
    db.value(`SELECT failover AS value FROM pg_replication_slots WHERE slot_name = '${name}'`);
  for (const [name, failover] of [
    [db.slotName, "true"],
    [`${db.slotName}_plain`, "false"],
  ] as const) {
    const driver = await db.stream({ "slot.name": name, "slot.failover": failover });
    expect(await isFailover(name)).toBe(failover);
    await driver.stop();
  }
});

test("a connector's guard sees what its slot keeps, while no task reads it, until the connector stops", async () => {
  const driver = await db.stream();
  await driver.stop();
  await execute(
    server,
    "CREATE TABLE IF NOT EXISTS noise(v text)",
    "INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 1000)",
  );
  const connector = new PostgresConnector();
  let seen: (retention: SourceRetention | null) => void = () => {};
  const next = () =>
    new Promise<SourceRetention | null>((resolve) => {
      seen = resolve;
    });
  const context = {
    connectorName: "shop",
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
    requestTaskReconfiguration: () => {},
    reportRetention: (retention: SourceRetention | null) => seen(retention),
    raiseError: () => {},
  };
  const props = db.props({ "slot.guard.interval.ms": "20", "slot.guard.limit.bytes": "1000" });
  const first = next();
  await connector.start(context, props);
  expect(await first).toMatchObject({ bytes: expect.any(Number), limitBytes: 1000, secondsToLimit: 0 });
  await db.dropSlot();
  while ((await next()) !== null);
  await connector.stop();
});
