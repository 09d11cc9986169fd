import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SystemClock } from "../../src/base/clock.js";
import { deferred } from "../../src/base/deferred.js";
import { SeededRandom } from "../../src/base/random.js";
import { readFinalRows } from "../../src/demo/check/final-rows.js";
import { isComplete, isFlawless, judgePipeline } from "../../src/demo/check/judge-pipeline.js";
import { SHOP_TABLES, topicOf } from "../../src/demo/check/shop-tables.js";
import { StoredObjects } from "../../src/demo/check/stored-objects.js";
import { TopicObserver } from "../../src/demo/check/topic-observer.js";
import { DemoWorkload } from "../../src/demo/demo-workload.js";
import type { PostgresServer } from "../../src/emulators/postgres/postgres-server.js";
import { kafkaClient } from "../support/kafka-client.js";
import { startTestObjectStore, TEST_CREDENTIALS, type TestObjectStore } from "../support/object-store.js";
import { startTestPostgres, withClient } from "../support/postgres.js";
import { OurWorker } from "./our-worker.js";
import { findRealKafka, type RealKafka } from "./real-kafka.js";

const CONFIG = fileURLToPath(new URL("../../config/demo/", import.meta.url));
const WORKLOAD_MS = 8_000;
const COMPLETE_WITHIN_MS = 120_000;
const startRealKafka = await findRealKafka();
const clock = new SystemClock();

describe.skipIf(!startRealKafka)("the demo's two configs on the real Apache Kafka", () => {
  let postgres: PostgresServer;
  let store: TestObjectStore;
  let kafka: RealKafka | undefined;
  let worker: OurWorker;

  beforeAll(async () => {
    [postgres, store, kafka] = await Promise.all([
      startTestPostgres(),
      startTestObjectStore({ buckets: ["shop"] }),
      startRealKafka?.(),
    ]);
    await withClient(postgres, async (client) => {
      for (const file of ["schema.sql", "rows.sql"]) await client.query(readFileSync(CONFIG + file, "utf8"));
    });
    const json = "org.apache.kafka.connect.json.JsonConverter";
    worker = await OurWorker.start(bootstrap(), { "key.converter": json, "value.converter": json });
  });

  afterAll(async () => {
    await worker?.stop();
    await Promise.all([postgres?.stop(), store?.stop(), kafka?.stop()]);
  });

  const bootstrap = () => kafka?.bootstrap ?? "";
  const create = (file: string, changes: Record<string, string>) => {
    const { name, config } = JSON.parse(readFileSync(CONFIG + file, "utf8"));
    return worker.rest.create(name, { ...config, ...changes });
  };

  test("carry the snapshot and a live mix into topics and objects, nothing missing, twice or out of order", async () => {
    const client = kafkaClient(bootstrap());
    const observer = new TopicObserver(
      client,
      SHOP_TABLES.map((table) => topicOf("demo", table)),
      clock,
    );
    const over = new AbortController();
    const observing = observer.run(over.signal);
    await create("postgres-source.json", {
      "database.port": String(postgres.port),
      "database.user": postgres.user,
      "database.password": postgres.password,
      "database.dbname": "postgres",
    });
    await create("s3-sink.json", {
      "store.url": store.store.endpoint,
      "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
      "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
    });
    const workload = new DemoWorkload({
      connectionString: postgres.connectionString,
      clients: 2,
      rate: 150,
      durationMs: WORKLOAD_MS,
      clock,
      random: new SeededRandom(20261121),
    });
    await workload.run(over.signal);

    const rows = await withClient(postgres, (connection) => readFinalRows(connection, "demo"));
    const objects = new StoredObjects(store.client, "shop");
    const judge = () => judgePipeline(rows, observer.events, objects.contents);
    const complete = deferred();
    let looking = Promise.resolve();
    const lookNext = () => {
      looking = looking.then(async () => {
        await objects.refresh();
        // Counting is cheap, judging is not: look closer only where the counts agree.
        const records = observer.events.filter(({ kind }) => kind !== "tombstone").length;
        if (objects.records >= records && judge().every(isComplete)) complete.resolve();
      });
      looking.catch(complete.reject);
    };
    // Reads are reported, too, and each look reads objects: it would start the next one.
    const isWrite = (operation: string) => /^(PutObject|CompleteMultipartUpload)$/.test(operation);
    const forgets = [
      store.store.onApplied(({ operation }) => isWrite(operation) && lookNext()),
      observer.onRead(lookNext),
    ];
    lookNext();
    const timeUp = new AbortController();
    await Promise.race([complete.promise, clock.delay(COMPLETE_WITHIN_MS, timeUp.signal)]);
    timeUp.abort();
    for (const forget of forgets) forget();
    await looking;
    over.abort();
    await observing;
    await client.close();

    const flawed = judge().filter((verdict) => !isFlawless(verdict));
    expect(flawed, worker.process.log).toEqual([]);
    expect(observer.events.length).toBeGreaterThan(100_000);
  });
});
