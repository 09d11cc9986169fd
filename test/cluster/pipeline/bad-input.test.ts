import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PostgresServer } from "../../../src/emulators/postgres/postgres-server.js";
import { kafkaClient } from "../../support/kafka-client.js";
import { startTestObjectStore, TEST_CREDENTIALS, type TestObjectStore } from "../../support/object-store.js";
import { execute, startTestPostgres } from "../../support/postgres.js";
import { TestStack } from "../../support/stack.js";

type Config = Readonly<Record<string, string>>;

let stack: TestStack;
let postgres: PostgresServer;
let store: TestObjectStore;

beforeAll(async () => {
  [stack, postgres, store] = await Promise.all([
    TestStack.start(),
    startTestPostgres(),
    startTestObjectStore({ buckets: ["shop"] }),
  ]);
  await execute(
    postgres,
    "create table t (id int primary key)",
    "create role plain login password 'plain'",
    "grant select on t to plain",
    "create role replicator login replication password 'replicator'",
    "grant select on t to replicator",
  );
});

afterAll(async () => {
  await stack?.close();
  await postgres?.stop();
  await store?.stop();
});

const demo = (file: string): Config =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../../config/demo/${file}`, import.meta.url)), "utf8")).config;

const source = (changes: Config): Config => ({
  ...demo("postgres-source.json"),
  "database.port": String(postgres.port),
  "database.user": postgres.user,
  "database.password": postgres.password,
  "database.dbname": "postgres",
  "schema.include.list": "public",
  ...changes,
});

const sink = (changes: Config): Config => ({
  ...demo("s3-sink.json"),
  topics: "lines",
  "store.url": store.store.endpoint,
  "aws.access.key.id": TEST_CREDENTIALS.accessKeyId,
  "aws.secret.access.key": TEST_CREDENTIALS.secretAccessKey,
  ...changes,
});

async function refused(config: Config): Promise<string> {
  const { status, body } = await stack.rest.post("/connectors", { name: "bad", config });
  const { error_code, message } = body as { error_code: number; message: string };
  expect([status, error_code], message).toEqual([400, 400]);
  expect(message).not.toMatch(/\n\s+at /);
  return message;
}

describe("POST of a Postgres source is answered 400", () => {
  test("for a wrong password, naming user and key, not the password", async () => {
    const message = await refused(source({ "database.password": "swordfish-guess" }));
    expect(message).toContain("database.password");
    expect(message).toContain("postgres");
    expect(message).not.toContain("swordfish");
  });

  test("for an unreachable server, naming its address", async () => {
    expect(await refused(source({ "database.port": "1" }))).toContain("127.0.0.1:1");
  });

  test("for a role without REPLICATION, naming the missing privilege", async () => {
    const message = await refused(source({ "database.user": "plain", "database.password": "plain" }));
    expect(message).toContain("plain");
    expect(message).toMatch(/REPLICATION/);
  });

  test("for a role that may not create the publication, naming it", async () => {
    const message = await refused(source({ "database.user": "replicator", "database.password": "replicator" }));
    expect(message).toContain("shop_publication");
  });

  test("for a server with wal_level=replica, naming the setting", async () => {
    const replica = await startTestPostgres({ wal_level: "replica" });
    try {
      const message = await refused(
        source({ "database.port": String(replica.port), "database.password": replica.password }),
      );
      expect(message).toContain("wal_level");
      expect(message).toContain("logical");
    } finally {
      await replica.stop();
    }
  });

  test("for missing or invalid settings, naming each key", async () => {
    const { "topic.prefix": _, ...rest } = source({ "snapshot.mode": "sometimes", "max.batch.size": "many" });
    const message = await refused(rest);
    for (const key of ["topic.prefix", "snapshot.mode", "max.batch.size"]) expect(message).toContain(key);
  });
});

describe("POST of an S3 sink is answered 400", () => {
  test("for a missing bucket, naming it and the store", async () => {
    const message = await refused(sink({ "s3.bucket.name": "nobody-made-this" }));
    expect(message).toContain("nobody-made-this");
    expect(message).toContain(store.store.endpoint);
  });

  test("for a wrong secret, without showing it", async () => {
    const message = await refused(sink({ "aws.secret.access.key": "swordfish-guess" }));
    expect(message).toContain("shop");
    expect(message).not.toContain("swordfish");
  });

  test("for a flush.size that is not a number", async () => {
    expect(await refused(sink({ "flush.size": "lots" }))).toContain("flush.size");
  });
});

test("a record that cannot be parsed fails its task, naming its position but not its content; the worker continues", async () => {
  const kafka = kafkaClient(stack.kafka);
  try {
    await kafka.admin.createTopics([{ name: "lines", partitions: 1, replicationFactor: 1 }]);
    const ignore = { acknowledged: () => {}, failed: () => {} };
    const value = Buffer.from("swordfish is no JSON");
    const record = { topic: "lines", partition: 0, key: null, value, timestampMs: Date.now(), headers: [] };
    await kafka.producer({}, ignore).send([record]);
    await stack.rest.create("strict", sink({}));
    const failed = await stack.statuses.until("strict", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
    const trace = failed.tasks[0]?.[1].trace ?? "";
    expect(trace).toContain("topic='lines', partition=0, offset=0");
    expect(trace).toContain("VALUE_CONVERTER");
    expect(trace).not.toContain("swordfish");
    expect((await stack.rest.get("/connectors/strict/status")).status).toBe(200);
    const offsets = await kafka.admin.listGroupOffsets("connect-strict");
    expect(offsets.filter(({ offset }) => offset > 0)).toEqual([]);

    const tolerant = {
      "errors.tolerance": "all",
      "errors.deadletterqueue.topic.name": "dead-lines",
      "errors.deadletterqueue.topic.replication.factor": "1",
      "errors.deadletterqueue.context.headers.enable": "true",
    };
    await stack.rest.create("tolerant", sink(tolerant));
    await stack.statuses.running("tolerant");
    const dead = kafka.consumer({ properties: { "auto.offset.reset": "earliest" } });
    dead.assign([{ topic: "dead-lines", partition: 0 }]);
    const signal = AbortSignal.timeout(30_000);
    let letters: Awaited<ReturnType<typeof dead.poll>> = [];
    while (letters.length === 0 && !signal.aborted) letters = await dead.poll(5_000, signal);
    await dead.close();
    const letter = letters[0]?.records[0];
    expect(letter?.value?.toString()).toBe("swordfish is no JSON");
    const stage = letter?.headers.find(({ key }) => key === "__connect.errors.stage");
    expect(stage?.value?.toString()).toBe("VALUE_CONVERTER");
  } finally {
    await kafka.close();
  }
});
