import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { Props, SourceMap, SourceRecord, SourceTaskContext } from "../../../../src/api/index.js";
import { SystemClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SystemRandom } from "../../../../src/base/random.js";
import type { PostgresServer } from "../../../../src/emulators/postgres/postgres-server.js";
import { createKafkaClient } from "../../../../src/kafka/create-kafka-client.js";
import { TaskClients } from "../../../../src/worker/host/task-clients.js";
import { startTestBroker, type TestBroker } from "../../../support/broker.js";
import { startTestPostgres } from "../../../support/postgres.js";
import { plainEvent } from "./plain-record.js";
import { TaskDriver } from "./task-driver.js";
import { freshDatabase, type TestDatabase } from "./test-database.js";

let server: PostgresServer;
let broker: TestBroker;
let producer: Producer;
let db: TestDatabase;
let folder: string;

beforeAll(async () => {
  [server, broker] = await Promise.all([startTestPostgres(), startTestBroker()]);
  producer = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.ERROR }).producer();
  await producer.connect();
  folder = mkdtempSync(join(tmpdir(), "millrace-signals-"));
});
afterAll(async () => {
  await producer?.disconnect();
  await Promise.all([server?.stop(), broker?.close()]);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  db = await freshDatabase(server);
  await db.execute("CREATE TABLE t(id int PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 3)");
});

/** Opens topics as a worker does. */
const clients = () =>
  new TaskClients({
    id: { connector: "shop", task: 0 },
    workerProps: { "bootstrap.servers": broker.bootstrap },
    connectorProps: {},
    createKafkaClient,
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
  });

async function start(props: Props, stored: SourceMap | null = null): Promise<TaskDriver> {
  const opened = clients();
  const openTopic: SourceTaskContext["openTopic"] = (what) => opened.openTopic(what);
  const all = db.props({ "snapshot.mode": "no_data", "signal.poll.interval.ms": "50", ...props });
  const driver = await TaskDriver.start(all, stored, stored, openTopic);
  await driver.streaming();
  return driver;
}

const snapshotOf = (id: string, more: object = {}) =>
  JSON.stringify({ id, type: "execute-snapshot", data: { "data-collections": ["public.t"], ...more } });
const readRows = (records: readonly SourceRecord[]) =>
  records.filter(({ topic }) => topic === "shop.public.t").filter((record) => plainEvent(record).op === "r");
const clone = (offset: SourceMap) => JSON.parse(JSON.stringify(offset)) as SourceMap;

/** Polls until the file's signals are carried out, and nothing is left of them. */
const untilSettled = (driver: TaskDriver, path: string) =>
  driver.until(async () => {
    const own = readdirSync(folder).filter((name) => name.startsWith(basename(path)));
    return own.length === 1 && own[0] === basename(path) && statSync(path).size === 0;
  });

async function committed(group: string, topic: string): Promise<string | undefined> {
  const admin = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.ERROR }).admin();
  await admin.connect();
  const found = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  await admin.disconnect();
  return found[0]?.partitions.find(({ partition }) => partition === 0)?.offset;
}

test("a topic's signals are carried out once, and its place is committed when an offset holds what they ask for", async () => {
  const topic = `${db.name}-signals`;
  const props = {
    "signal.enabled.channels": "kafka",
    "signal.kafka.topic": topic,
    "signal.kafka.groupId": topic,
    "signal.kafka.bootstrap.servers": broker.bootstrap,
  };
  await producer.send({
    topic,
    messages: [
      { key: "other", value: snapshotOf("not ours") },
      { key: "shop", value: snapshotOf("ours") },
    ],
  });
  const driver = await start(props);
  const records = await driver.readUntil((found) => readRows(found).length >= 3);
  expect(records).toHaveLength(3);
  const done = records.at(-1)!.sourceOffset;
  expect(done).toMatchObject({ signals_count: 1, signals_kafka_offset: 2 });
  // The message before it asked for nothing: only ours waits for an offset.
  await driver.until(async () => (await committed(topic, topic)) === "1");
  await driver.commit(clone(done));
  await driver.until(async () => (await committed(topic, topic)) === "2");
  await driver.stop();
  await db.released();

  // As after a crash between the two: the offset is stored, the group's is not.
  await producer.send({ topic, messages: [{ key: "shop", value: snapshotOf("later", { type: "blocking" }) }] });
  const again = await start({ ...props, "signal.kafka.groupId": `${topic}-2` }, clone(done));
  const more = await again.readUntil((found) => readRows(found).length >= 3);
  expect(readRows(more)).toHaveLength(3);
  expect(readRows(more).at(-1)!.sourceOffset).toMatchObject({ signals_count: 2, signals_kafka_offset: 3 });
  await again.stop();
});

test("a file's signals come again until an offset holds what they asked for", async () => {
  const path = join(folder, `${db.name}.txt`);
  const props = { "signal.enabled.channels": "source,file", "signal.file": path };
  writeFileSync(path, `${snapshotOf("a", { type: "blocking" })}\n`);
  const driver = await start(props);
  const records = await driver.read(3);
  expect(existsSync(`${path}.taken-shop-1`)).toBe(true);
  expect(records.map(({ sourceOffset }) => sourceOffset["signals_count"])).toEqual([undefined, undefined, 1]);
  await driver.stop();
  await db.released();

  const again = await start(props, clone(records[1]!.sourceOffset));
  expect(readRows(await again.read(3))).toHaveLength(3);
  await again.commit(clone(records[2]!.sourceOffset));
  await untilSettled(again, path);
  writeFileSync(path, `{"id":"b","type":"log","data":{"message":"{}"}}\n`);
  await untilSettled(again, path);
  await again.stop();
});

test("rows of the signal table are no signals unless its channel is enabled", async () => {
  await db.execute("CREATE TABLE signals(id text PRIMARY KEY, type text, data text)");
  const driver = await start({ "signal.enabled.channels": "file", "signal.data.collection": "public.signals" });
  await db.execute(
    `INSERT INTO signals VALUES ('a', 'execute-snapshot', '{"data-collections":["public.t"]}')`,
    "INSERT INTO t VALUES (4)",
  );
  const records = await driver.read(2);
  expect(records.map((record) => [record.topic, plainEvent(record).op])).toEqual([
    ["shop.public.signals", "c"],
    ["shop.public.t", "c"],
  ]);
  await driver.stop();
});
