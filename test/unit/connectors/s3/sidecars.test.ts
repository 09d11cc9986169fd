import { describe, expect, test } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import {
  ArrayStruct,
  arrayOf,
  BYTES,
  type ConnectValue,
  FLOAT64,
  type Header,
  INT32,
  type Props,
  type Schema,
  SinkRecord,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { MemoryStore } from "./memory-store.js";
import { SINK_PROPS, SinkDriver } from "./sink-driver.js";

const JSON_CLASS = "io.confluent.connect.s3.format.json.JsonFormat";
const VALUE = structOf([["n", INT32]]);
const KEYS = { "store.kafka.keys": "true", "keys.format.class": JSON_CLASS };
const HEADERS = { "store.kafka.headers": "true", "headers.format.class": JSON_CLASS };
const FOLDER = "topics/orders/partition=0/orders+0+";

interface Parts {
  readonly key?: string | null;
  readonly value?: number | null;
  readonly headers?: readonly Header[];
}

const header = (key: string, value: ConnectValue = "v", schema: Schema | null = STRING): Header => ({
  key,
  schema,
  value,
});

function recordOf(offset: number, { key = `k${offset}`, value = offset, headers = [header("h")] }: Parts = {}) {
  const struct = value === null ? null : new ArrayStruct(VALUE, [value]);
  return new SinkRecord("orders", 0, STRING, key, VALUE, struct, offset, 0, "CreateTime", headers);
}

async function run(records: readonly SinkRecord[], props: Props, tolerant = false) {
  const store = new MemoryStore();
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    props: { ...SINK_PROPS, ...props },
    tolerant,
  });
  for (const record of records) driver.append(record);
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  return { store, driver };
}

test("keys and headers are stored beside their values, named like them", async () => {
  const records = [0, 1, 2].map((offset) => recordOf(offset));
  const { store, driver } = await run(records, { ...KEYS, ...HEADERS });
  expect([...store.rows()]).toEqual([
    [`${FOLDER}0000000000.headers.json`, Array(3).fill('{"headers":[{"key":"h","value":"v"}]}')],
    [`${FOLDER}0000000000.json`, ['{"n":0}', '{"n":1}', '{"n":2}']],
    [`${FOLDER}0000000000.keys.json`, ['"k0"', '"k1"', '"k2"']],
  ]);
  expect(driver.committed.get("orders-0")).toBe(3);
});

test("a header's value is its text; one without a value has none", async () => {
  const headers = [
    header("bytes", Buffer.from([1, 2]), BYTES),
    header("number", 1.5, FLOAT64),
    header("list", [1, 2], arrayOf(INT32)),
    header("nothing", null, null),
  ];
  const { store } = await run([recordOf(0, { headers })], { ...HEADERS, "flush.size": "1" });
  const [row] = store.rows().get(`${FOLDER}0000000000.headers.json`)!;
  expect(JSON.parse(row!)).toEqual({
    headers: [
      { key: "bytes", value: "AQI=" },
      { key: "number", value: "1.5" },
      { key: "list", value: "[1,2]" },
      { key: "nothing", value: null },
    ],
  });
});

describe("a record that lacks what is to be stored is refused whole", () => {
  test.each([
    ["a key", KEYS, { key: null }, /^Key cannot be null.*Set store.kafka.keys=false/],
    ["headers", HEADERS, { headers: [] }, /^Headers cannot be null/],
  ] as const)("%s", async (_name, props, parts, message) => {
    const { store, driver } = await run([recordOf(0), recordOf(1, parts), recordOf(2), recordOf(3)], props, true);
    expect(driver.reported).toEqual([{ offset: 1, message: expect.stringMatching(message) }]);
    for (const rows of store.rows().values()) expect(rows).toHaveLength(3);
    expect(driver.committed.get("orders-0")).toBe(4);
  });
});

test("of records without a value only keys are stored, in a directory of their own", async () => {
  const records = [recordOf(0), recordOf(1, { value: null }), recordOf(2, { value: null }), recordOf(3)];
  const props = {
    ...KEYS,
    "behavior.on.null.values": "write",
    "flush.size": "4",
    "s3.schema.partition.affix.type": "PREFIX",
  };
  const { store, driver } = await run(records, props);
  expect([...store.rows()]).toEqual([
    ["topics/orders/schema_name=null/partition=0/orders+0+0000000000.json", ['{"n":0}', '{"n":3}']],
    ["topics/orders/schema_name=null/partition=0/orders+0+0000000000.keys.json", ['"k0"', '"k3"']],
    ["topics/orders/tombstone/orders+0+0000000001.keys.json", ['"k1"', '"k2"']],
  ]);
  expect(driver.committed.get("orders-0")).toBe(4);
});

test("a set of which only some objects were stored is completed by the next run", async () => {
  const store = new MemoryStore();
  store.refuses = (key) => key.endsWith(".keys.json");
  const driver = new SinkDriver(() => new S3SinkTask(() => store), [{ topic: "orders", partition: 0 }], {
    props: { ...SINK_PROPS, ...KEYS, "s3.part.retries": "1" },
  });
  for (const offset of [0, 1, 2]) driver.append(recordOf(offset));
  await driver.start();
  await driver.deliver(3);
  await driver.commit();
  expect(driver.committed.get("orders-0") ?? 0).toBe(0);
  expect(store.keys()).toEqual([`${FOLDER}0000000000.json`]);
  store.refuses = () => false;
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(3);
  expect(store.rows().get(`${FOLDER}0000000000.keys.json`)).toHaveLength(3);
});
