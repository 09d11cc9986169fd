import { afterAll, beforeAll, expect, test } from "vitest";
import type { SchemaAndValue, Struct } from "../../../src/api/index.js";
import { NotPreparedError } from "../../../src/api/index.js";
import { AvroConverter } from "../../../src/converters/avro/avro-converter.js";
import type { PostgresServer } from "../../../src/emulators/postgres/postgres-server.js";
import type { Consumer } from "../../../src/kafka/client/consumer.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { kafkaClient } from "../../support/kafka-client.js";
import { LogLines } from "../../support/log-lines.js";
import { execute, startTestPostgres } from "../../support/postgres.js";
import { TestRegistry } from "../../support/registry-process.js";
import { TestStack } from "../../support/stack.js";

const TOPIC = "avro.public.t";

let stack: TestStack;
let postgres: PostgresServer;
let registry: TestRegistry;
let client: KafkaClient;
let consumer: Consumer;
const converter = new AvroConverter();

beforeAll(async () => {
  [stack, postgres] = await Promise.all([TestStack.start(), startTestPostgres({ wal_level: "logical" })]);
  const log = new LogLines();
  registry = await TestRegistry.start(stack.kafka, log, "registry");
  await registry.leader();
  converter.configure({ "schema.registry.url": registry.url }, false);
  client = kafkaClient(stack.kafka);
  await client.admin.createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 1 }]);
  consumer = client.consumer({ properties: { "auto.offset.reset": "earliest" } });
  consumer.assign([{ topic: TOPIC, partition: 0 }]);
});

afterAll(async () => {
  await client?.close();
  await stack?.close();
  await registry?.close();
  await postgres?.stop();
});

/** The rows of the next records of the topic. */
async function rows(count: number): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  while (found.length < count) {
    for (const { records } of await consumer.poll(10_000)) {
      for (const { value } of records) {
        const after = ((await decoded(Buffer.from(value!))).value as Struct).get("after") as Struct;
        found.push(Object.fromEntries(after.schema.fields.map(({ name, index }) => [name, after.at(index)])));
      }
    }
  }
  return found;
}

async function decoded(bytes: Buffer): Promise<SchemaAndValue> {
  try {
    return converter.toConnectData(TOPIC, [], bytes);
  } catch (error) {
    if (!(error instanceof NotPreparedError)) throw error;
    await converter.prepare(TOPIC, bytes, []);
    return converter.toConnectData(TOPIC, [], bytes);
  }
}

async function versions(): Promise<string> {
  return (await registry.call("GET", `/subjects/${TOPIC}-value/versions`)).text;
}

test("a table goes to Avro, through a change of its columns and one that the registry refuses", async () => {
  await execute(postgres, "create table t (id bigint primary key, name text)", "insert into t values (1, 'one')");
  const avro = "io.confluent.connect.avro.AvroConverter";
  const config = {
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": "127.0.0.1",
    "database.port": String(postgres.port),
    "database.user": postgres.user,
    "database.password": postgres.password,
    "database.dbname": "postgres",
    "topic.prefix": "avro",
    "plugin.name": "pgoutput",
    "slot.name": "avro_slot",
    "table.include.list": "public.t",
    "key.converter": avro,
    "key.converter.schema.registry.url": registry.url,
    "value.converter": avro,
    "value.converter.schema.registry.url": registry.url,
  };
  expect((await stack.rest.put("/connectors/avro/config", config)).status).toBe(201);
  expect(await rows(1)).toEqual([{ id: 1, name: "one" }]);
  expect(await versions()).toBe("[1]");

  await execute(
    postgres,
    "alter table t add column note text",
    "insert into t values (9007199254740993, 'two', 'new')",
  );
  expect(await rows(1)).toEqual([{ id: 9007199254740993n, name: "two", note: "new" }]);
  expect(await versions()).toBe("[1,2]");

  // A reader of the new schema could not read the old records: the column has no default.
  const failed = stack.statuses.until("avro", ({ tasks }) => tasks[0]?.[1].state === "FAILED");
  await execute(
    postgres,
    "alter table t add column amount int not null default 1",
    "alter table t alter column amount drop default",
    "insert into t values (3, 'three', null, 33)",
  );
  const trace = (await failed).tasks[0]![1].trace!;
  expect(trace).toContain(
    `Schema being registered is incompatible with an earlier schema for subject "${TOPIC}-value"`,
  );
  expect(trace).toContain(`PUT ${registry.url}/config/${TOPIC}-value`);
  expect(await versions()).toBe("[1,2]");

  await registry.call("PUT", `/config/${TOPIC}-value`, { compatibility: "NONE" });
  expect((await stack.rest.post("/connectors/avro/tasks/0/restart")).status).toBe(204);
  expect(await rows(1)).toEqual([{ id: 3, name: "three", note: null, amount: 33 }]);
  expect(await versions()).toBe("[1,2,3]");
});
