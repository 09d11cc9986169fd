import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseSettings } from "../../../../connectors/postgres/config/settings.js";
import postgres from "../../../../connectors/postgres/index.js";
import { connectDatabase } from "../../../../connectors/postgres/server/database-client.js";
import { capturedTables } from "../../../../connectors/postgres/tables/captured-tables.js";
import { warnOfUnpublished } from "../../../../connectors/postgres/tables/publication-coverage.js";
import { TableFilter } from "../../../../connectors/postgres/tables/table-filter.js";
import { type ConfigValue, type Props, validateConfig } from "../../../../src/api/index.js";
import { SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SystemRandom } from "../../../../src/base/random.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { execute, startTestPostgres, withClient } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

let server: PostgresServer;
let db: TestDatabase;

beforeAll(async () => {
  server = await startTestPostgres({ max_slot_wal_keep_size: "64MB", max_replication_slots: "60" });
});
afterAll(() => server?.stop());
beforeEach(async () => {
  db = await freshDatabase(server);
});

async function complaints(props: Props): Promise<Record<string, string[]>> {
  const connector = postgres[0]!.connector();
  const context = { clock: new SystemClock(), random: new SystemRandom(), logger: silentLogger };
  const values = await connector.validate!(props, validateConfig(connector.config, props), context);
  const faulty = values.filter(({ errors }: ConfigValue) => errors.length > 0);
  return Object.fromEntries(faulty.map(({ name, errors }) => [name, errors]));
}

describe("validation checks the database", () => {
  test("a valid configuration has no errors", async () => {
    expect(await complaints(db.props())).toEqual({});
  });

  test("a mode that does not exist is the only complaint", async () => {
    expect(await complaints(db.props({ "snapshot.mode": "initial_olny" }))).toEqual({
      "snapshot.mode": [expect.stringContaining("Value must be one of always, initial,")],
    });
  });

  test("no server listens", async () => {
    expect(await complaints(db.props({ "database.port": "1" }))).toEqual({
      "database.hostname": [
        expect.stringMatching(
          /^Error while validating connector config: Connection to 127.0.0.1:1 refused. Check database.hostname and database.port/,
        ),
      ],
    });
  });

  test("a wrong password names the key and the remedy", async () => {
    expect(await complaints(db.props({ "database.password": "wrong" }))).toEqual({
      "database.password": [
        expect.stringMatching(/password authentication failed.*Check database.user, database.password/),
      ],
    });
  });

  test("a missing database", async () => {
    expect(await complaints(db.props({ "database.dbname": "nowhere" }))).toEqual({
      "database.dbname": [expect.stringMatching(/database "nowhere" does not exist/)],
    });
  });

  test("a role without REPLICATION, and without the privileges for the publication", async () => {
    await db.execute(
      "CREATE TABLE owned(id int PRIMARY KEY)",
      "DO $$ BEGIN CREATE ROLE plain LOGIN PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    );
    const plain = { "database.user": "plain", "database.password": "p" };
    const found = await complaints(db.props(plain));
    expect(found["database.user"]).toEqual([expect.stringMatching(/REPLICATION.*ALTER ROLE "plain" REPLICATION/)]);
    expect(found["publication.autocreate.mode"]).toEqual([
      expect.stringMatching(/may not create publication dbz_publication.*CREATE on the database, superuser/),
    ]);
    const filtered = await complaints(db.props({ ...plain, "publication.autocreate.mode": "filtered" }));
    expect(filtered["publication.autocreate.mode"]).toEqual([expect.stringMatching(/ownership of owned/)]);
    const disabled = await complaints(db.props({ "publication.autocreate.mode": "disabled" }));
    expect(disabled["publication.name"]).toEqual([expect.stringMatching(/does not exist/)]);
  });
});

test("a server without logical WAL is refused by validation and by the task", async () => {
  const plain = await startTestPostgres({ wal_level: "replica" });
  try {
    const other = await freshDatabase(plain);
    expect(await complaints(other.props())).toEqual({
      "database.hostname": [expect.stringMatching(/wal_level property must be 'logical' but is: 'replica'/)],
    });
    const driver = await TaskDriver.start(other.props());
    await expect(driver.read(1)).rejects.toThrow(/Set wal_level=logical in postgresql.conf/);
    await driver.stop();
  } finally {
    await plain.stop();
  }
});

test("a wrong password fails the task, naming the key", async () => {
  const driver = await TaskDriver.start(db.props({ "database.password": "wrong" }));
  await expect(driver.read(1)).rejects.toMatchObject({ name: "ConfigError", key: "database.password" });
  await driver.stop();
});

describe("a permanent failure fails the task, naming the key", () => {
  const fails = async (more: Props, expected: { key: string; message: RegExp }) => {
    const driver = await TaskDriver.start(db.props(more));
    await expect(driver.read(1)).rejects.toMatchObject({
      name: "ConfigError",
      key: expected.key,
      message: expect.stringMatching(expected.message),
    });
    expect(driver.waits.filter((reason) => reason !== null)).toEqual([]);
    await driver.stop();
  };

  test("a missing password", async () => {
    await fails(
      { "database.password": "" },
      { key: "database.password", message: /asks for the password of .*set database.password/ },
    );
    expect(await complaints(db.props({ "database.password": "" }))).toEqual({
      "database.password": [expect.stringMatching(/set database.password/)],
    });
  });

  test("unreadable files of certificates and keys", async () => {
    for (const key of ["database.sslrootcert", "database.sslcert", "database.sslkey"])
      await fails(
        { [key]: "/nowhere/file.pem" },
        { key, message: new RegExp(`The file of ${key} cannot be read: ENOENT`) },
      );
  });

  test("a key with a wrong password, and a file that is not a key", async () => {
    const folder = await mkdtemp(join(tmpdir(), "millrace-key-"));
    const path = join(folder, "client.key");
    try {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cipher = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "right" } as const;
      await writeFile(path, privateKey.export(cipher));
      const keys = { "database.sslkey": path };
      await fails(
        { ...keys, "database.sslpassword": "wrong" },
        { key: "database.sslpassword", message: /does not open the key of database.sslkey/ },
      );
      await fails(keys, { key: "database.sslkey", message: /needs database.sslpassword/ });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("a missing database or role", async () => {
    await fails({ "database.dbname": "nowhere" }, { key: "database.dbname", message: /Check database.dbname/ });
    await fails({ "database.user": "nobody_here" }, { key: "database.password", message: /Check database.user/ });
  });

  test("a role without REPLICATION", async () => {
    await db.execute(
      "DO $$ BEGIN CREATE ROLE plain LOGIN PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
      "CREATE PUBLICATION dbz_publication FOR ALL TABLES",
    );
    await fails(
      { "database.user": "plain", "database.password": "p" },
      { key: "database.user", message: /needs REPLICATION/ },
    );
  });

  test("a physical slot, and a slot of another database", async () => {
    await db.execute(`SELECT pg_create_physical_replication_slot('physical_${db.slotName}')`);
    await fails({ "slot.name": `physical_${db.slotName}` }, { key: "slot.name", message: /is a physical slot/ });
    await db.execute(`SELECT pg_drop_replication_slot('physical_${db.slotName}')`);
    const other = await freshDatabase(server);
    await other.execute(`SELECT pg_create_logical_replication_slot('${other.slotName}', 'pgoutput')`);
    await fails(
      { "slot.name": other.slotName },
      { key: "slot.name", message: /Set another slot.name or drop the slot/ },
    );
    await other.dropSlot();
  });

  test("a slot that was dropped while it had no reader", async () => {
    await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
    const driver = await db.stream();
    await db.execute("INSERT INTO t VALUES (1)");
    await driver.read(1);
    await execute(
      server,
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '${db.slotName}'`,
    );
    await db.dropSlot();
    await expect(driver.read(1)).rejects.toThrow(/replication slot .* does not exist/);
    await driver.stop();
  });

  test("a missing heartbeat table", async () => {
    // Not db.stream: the first heartbeat may be due before the stream has begun.
    const driver = await TaskDriver.start(
      db.props({
        "snapshot.mode": "no_data",
        "heartbeat.interval.ms": "20",
        "heartbeat.action.query": "DELETE FROM nosuch",
      }),
    );
    await expect(driver.read(100)).rejects.toMatchObject({
      key: "heartbeat.action.query",
      message: expect.stringMatching(/^heartbeat.action.query failed: .*"nosuch"/),
    });
    await driver.stop();
  });
});

test("partitions published under their own names cause a warning with the remedy", async () => {
  await db.execute(
    "CREATE TABLE pt(id int PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (100)",
    "CREATE PUBLICATION dbz_publication FOR TABLE pt",
  );
  const warnings: string[] = [];
  const logger = { ...silentLogger, warn: (message: string) => void warnings.push(message) };
  await withClient(db, async (client) => {
    const settings = parseSettings(db.props({ "table.include.list": "public.pt" }));
    const captured = await capturedTables(client, new TableFilter(settings));
    await warnOfUnpublished(client, settings, captured, logger);
    expect(warnings).toEqual([
      expect.stringMatching(/changes of public.pt are lost. Publish them under their root \(ALTER PUBLICATION … SET/),
    ]);
    await client.query("ALTER PUBLICATION dbz_publication SET (publish_via_partition_root = true)");
    await warnOfUnpublished(client, settings, captured, logger);
    expect(warnings).toHaveLength(1);
  });
});

test("a missing publication fails the task if it may not be created, or was dropped", async () => {
  const disabled = await TaskDriver.start(db.props({ "publication.autocreate.mode": "disabled" }));
  await expect(disabled.read(1)).rejects.toThrow(/Publication autocreation is disabled/);
  await disabled.stop();
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const driver = await db.stream();
  await db.execute("DROP PUBLICATION dbz_publication", "INSERT INTO t VALUES (1)");
  await expect(driver.read(1)).rejects.toMatchObject({ name: "ConfigError", key: "publication.name" });
  await driver.stop();
});

test("rows that a policy hides from the role are not silently missing from the snapshot", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY)",
    "INSERT INTO t VALUES (1), (2)",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY odd ON t USING (id % 2 = 1)",
    "DO $$ BEGIN CREATE ROLE reader LOGIN REPLICATION PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
    "GRANT SELECT ON t TO reader",
    "CREATE PUBLICATION dbz_publication FOR ALL TABLES",
  );
  const driver = await TaskDriver.start(db.props({ "database.user": "reader", "database.password": "p" }));
  await expect(driver.read(1)).rejects.toThrow(
    /row-level security policy for table "t".*SELECT on the captured tables/,
  );
  await driver.stop();
});

for (const end of ["restart", "crash"] as const) {
  test(`a ${end} of the server heals by itself: the task reports the cause, and no row is lost`, async () => {
    await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
    const driver = await db.stream();
    await db.execute("INSERT INTO t VALUES (1)");
    const [first] = await driver.read(1);
    await db.execute("INSERT INTO t VALUES (2)");
    const down = driver.untilWaiting();
    const reading = driver.read(2);
    if (end === "restart") await server.restart();
    else {
      await server.kill9();
      await down;
      await server.start();
    }
    await db.execute("INSERT INTO t VALUES (3)");
    expect([first!, ...(await reading)].map((record) => plainEvent(record).key)).toEqual([
      { id: 1 },
      { id: 2 },
      { id: 3 },
    ]);
    expect(driver.waits.filter((reason) => reason !== null)[0]).toMatch(
      new RegExp(`^Postgres at 127.0.0.1:${server.port}/${db.name}: `),
    );
    expect(driver.waits.at(-1)).toBeNull();
    await driver.stop();
  });
}

test("a connection that breaks in the middle of a snapshot only repeats the snapshot", async () => {
  await db.execute(
    "CREATE TABLE t(id int PRIMARY KEY, pad text)",
    "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i",
  );
  const driver = await TaskDriver.start(db.props({ "max.queue.size.in.bytes": "100000" }));
  const early = await driver.read(100);
  await execute(
    server,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${db.name}' AND query LIKE 'COPY%'`,
  );
  await db.execute("DELETE FROM t WHERE id = 1");
  const records = await driver.readUntil((found) => found.at(-1)?.value === null);
  const seen = new Set(
    records
      .filter((record) => plainEvent(record).op === "r")
      .map((record) => (plainEvent(record).key as { id: number }).id),
  );
  expect(early.length + records.length).toBeGreaterThan(20_000);
  expect(seen.size).toBeGreaterThanOrEqual(19_999);
  expect(plainEvent(records.at(-1)!).key).toEqual({ id: 1 });
  await driver.stop();
});

for (const [change, expected] of [
  ["DROP TABLE b", []],
  ["ALTER TABLE b DROP COLUMN v", [{ id: 1 }, { id: 2 }]],
  [
    "ALTER TABLE b RENAME TO c",
    [
      { id: 1, v: 5 },
      { id: 2, v: 6 },
    ],
  ],
] as const) {
  test(`${change} while another table is read repeats that table alone`, async () => {
    await db.execute(
      "CREATE TABLE a(id int PRIMARY KEY, pad text)",
      "INSERT INTO a SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i",
      "CREATE TABLE b(id int PRIMARY KEY, v int)",
      "INSERT INTO b VALUES (1, 5), (2, 6)",
    );
    const driver = await TaskDriver.start(db.props({ "max.queue.size.in.bytes": "10000", "max.batch.size": "100" }));
    await driver.read(100);
    await db.execute(change);
    const records = await driver.readUntil((found) => found.at(-1)?.sourceOffset["snapshot_completed"] === true);
    const others = records.filter(({ topic }) => !topic.endsWith(".a"));
    expect(others.map((record) => plainEvent(record).after)).toEqual(expected);
    expect(records.length - others.length).toBeLessThan(5_000);
    await driver.stop();
  });
}

test("a table that is rewritten while another is read is not read as empty", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY, pad text)",
    "INSERT INTO a SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i",
    "CREATE TABLE b(id int PRIMARY KEY, v int)",
    "INSERT INTO b VALUES (1, 5), (2, 6)",
  );
  const driver = await TaskDriver.start(db.props({ "max.queue.size.in.bytes": "100000" }));
  await driver.read(100);
  await db.execute("ALTER TABLE b ALTER v TYPE bigint");
  const records = await driver.readUntil((found) => found.at(-1)?.sourceOffset["snapshot_completed"] === true);
  expect(records.filter(({ topic }) => topic.endsWith(".b")).map((record) => plainEvent(record).after)).toEqual([
    { id: 1, v: 5 },
    { id: 2, v: 6 },
  ]);
  expect(driver.waits).toEqual([null]);
  await driver.stop();
});

test("a table that is truncated again and again neither repeats nor ends the snapshot", async () => {
  await db.execute(
    "CREATE TABLE a(id int PRIMARY KEY, pad text)",
    "INSERT INTO a SELECT i, repeat('x', 500) FROM generate_series(1, 5000) i",
    "CREATE TABLE b(id int PRIMARY KEY)",
    "INSERT INTO b VALUES (0)",
  );
  const driver = await TaskDriver.start(db.props({ "max.queue.size.in.bytes": "10000", "max.batch.size": "100" }));
  const records = await driver.read(100);
  for (let turn = 1; records.at(-1)!.sourceOffset["snapshot_completed"] !== true; turn++) {
    if (records.length < 2_000) await db.execute("TRUNCATE b", `INSERT INTO b VALUES (${turn})`);
    records.push(...(await driver.poll()));
  }
  const ids = (topic: string) =>
    records
      .filter((record) => record.topic.endsWith(topic))
      .map((record) => (plainEvent(record).key as { id: number }).id);
  expect(ids(".a")).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  expect(ids(".b")).toEqual([Number(await db.value("SELECT id AS value FROM b"))]);
  await driver.stop();
});

for (const timeout of ["idle_in_transaction_session_timeout", "transaction_timeout", "idle_session_timeout"])
  test(`a server's ${timeout} does not end the snapshot`, async () => {
    await db.execute(
      "CREATE TABLE t(id int PRIMARY KEY)",
      "INSERT INTO t VALUES (1)",
      `ALTER DATABASE ${db.name} SET ${timeout} = '2s'`,
    );
    const driver = await TaskDriver.start(db.props({ "snapshot.delay.ms": "2500" }));
    await driver.read(1);
    expect(driver.waits.filter((reason) => reason !== null)).toEqual([]);
    await driver.stop();
  });

test("a connection that is cancelled while the client loads is not opened", async () => {
  const cut = new AbortController();
  const connecting = connectDatabase({
    settings: parseSettings(db.props({ "database.sslmode": "disable" })).connection,
    applicationName: "test",
    signal: cut.signal,
    logger: silentLogger,
  });
  cut.abort();
  await expect(connecting).rejects.toMatchObject({ name: "AbortError" });
});

test("the task waits for a slot with another reader, and uses it once it is free", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)");
  const holder = await db.stream();
  await db.execute("INSERT INTO t VALUES (1)");
  const driver = await TaskDriver.start(db.props({ "snapshot.mode": "no_data" }));
  const waiting = driver.untilWaiting();
  const reading = driver.read(1);
  expect(await waiting).toMatch(/replication slot "slot_.*" is active for PID/);
  await holder.stop();
  expect((await reading).map((record) => plainEvent(record).key)).toEqual([{ id: 1 }]);
  await driver.stop();
});

test("a slot that stays in use fails the task after slot.max.retries", async () => {
  const holder = await db.stream();
  const driver = await TaskDriver.start(
    db.props({ "snapshot.mode": "no_data", "slot.max.retries": "2", "slot.retry.delay.ms": "50" }),
  );
  await expect(driver.read(1)).rejects.toThrow(/is active for PID.*distinct replication slot name \(slot.name\)/);
  await driver.stop();
  await holder.stop();
});

test("a slot whose WAL was removed fails the task, and when_needed takes a new snapshot", async () => {
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "CREATE TABLE noise(pad text)");
  const driver = await db.stream();
  await db.execute("INSERT INTO t VALUES (1)");
  const [record] = await driver.read(1);
  await driver.stop();
  await db.released();
  for (let turn = 0; turn < 8; turn++)
    await db.execute(
      "INSERT INTO noise SELECT repeat('x', 1000) FROM generate_series(1, 20000)",
      "SELECT pg_switch_wal()",
      "CHECKPOINT",
    );
  expect(
    await db.value(`SELECT wal_status AS value FROM pg_replication_slots WHERE slot_name = '${db.slotName}'`),
  ).toBe("lost");
  const lost = await TaskDriver.start(db.props({ "table.include.list": "public.t" }), record!.sourceOffset);
  await expect(lost.read(1)).rejects.toThrow(/has been invalidated.*Drop it/);
  await lost.stop();
  const over = await TaskDriver.start(
    db.props({ "snapshot.mode": "when_needed", "table.include.list": "public.t" }),
    record!.sourceOffset,
  );
  expect((await over.read(1)).map((row) => plainEvent(row).op)).toEqual(["r"]);
  await over.stop();
});

describe("a stop takes less than a second", () => {
  const stopping = async (driver: TaskDriver) => {
    const before = performance.now();
    await driver.stop();
    expect(performance.now() - before).toBeLessThan(1_000);
  };

  test("while it streams, and the slot is free afterwards", async () => {
    const driver = await db.stream();
    await stopping(driver);
    await db.released();
  });

  test("in the middle of a snapshot", async () => {
    await db.execute(
      "CREATE TABLE t(id int, pad text)",
      "INSERT INTO t SELECT i, repeat('x', 500) FROM generate_series(1, 20000) i",
    );
    const driver = await TaskDriver.start(db.props({ "max.queue.size.in.bytes": "100000" }));
    await driver.read(10);
    await stopping(driver);
  });

  test("while the slot's creation waits for a transaction, which the status names", async () => {
    await withClient(db, async (client) => {
      await client.query("BEGIN; CREATE TABLE open(id int)");
      const driver = await TaskDriver.start(db.props());
      const waiting = driver.untilWaiting();
      const polls = driver.read(1).catch(() => []);
      expect(await waiting).toMatch(/open transactions must end before replication slot/);
      await stopping(driver);
      await client.query("ROLLBACK");
      await polls;
    });
  });

  test("while the server does not answer", async () => {
    const driver = await TaskDriver.start(db.props({ "database.port": "1" }));
    await driver.poll();
    await stopping(driver);
  });

  test("and drops the slot if slot.drop.on.stop is set", async () => {
    const driver = await db.stream({ "slot.drop.on.stop": "true" });
    await stopping(driver);
    expect(
      await db.value(`SELECT count(*) AS value FROM pg_replication_slots WHERE slot_name = '${db.slotName}'`),
    ).toBe("0");
  });
});
