import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type AsyncBuffer, parquetMetadata, parquetReadObjects } from "hyparquet";
import { type ByteWriter, ParquetWriter } from "hyparquet-writer";
import { describe, expect, test, vi } from "vitest";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  encodeUnscaled,
  INT32,
  LOGICAL,
  mapOf,
  OPTIONAL_STRING,
  type Props,
  primitive,
  type Schema,
  SinkRecord,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { MemoryStore } from "./memory-store.js";
import { SINK_PROPS, SinkDriver } from "./sink-driver.js";

const ORDERS = [{ topic: "orders", partition: 0 }];
const PARQUET = {
  ...SINK_PROPS,
  "format.class": "io.confluent.connect.s3.format.parquet.ParquetFormat",
  "parquet.codec": "none",
};
const KEY = (offset: number, extension = ".parquet") =>
  `topics/orders/partition=0/orders+0+${String(offset).padStart(10, "0")}${extension}`;
const SMALL = structOf([
  ["id", INT32],
  ["note", OPTIONAL_STRING],
]);

function recordOf(offset: number, schema: Schema | null, value: ConnectValue): SinkRecord {
  return new SinkRecord("orders", 0, STRING, `k${offset}`, schema, value, offset, 0, "CreateTime", [
    { key: "h", schema: STRING, value: "v" },
  ]);
}

function small(offset: number, note = `note ${offset}`): SinkRecord {
  return recordOf(offset, SMALL, new ArrayStruct(SMALL, [offset, note]));
}

async function run(store: MemoryStore, props: Props, records: readonly SinkRecord[], tolerant = false) {
  const driver = new SinkDriver(() => new S3SinkTask(() => store), ORDERS, {
    props: { ...PARQUET, ...props },
    tolerant,
  });
  for (const record of records) driver.append(record);
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  return driver;
}

function fileOf(store: MemoryStore, key: string): AsyncBuffer {
  const bytes = store.objects.get(key)!;
  const file = new Uint8Array(bytes).buffer;
  return { byteLength: bytes.length, slice: (start, end) => file.slice(start, end) };
}

function rowsOf(store: MemoryStore, key: string): Promise<Record<string, unknown>[]> {
  const compressors = { GZIP: (bytes: Uint8Array) => gunzipSync(bytes) };
  return parquetReadObjects({ file: fileOf(store, key), compressors });
}

const records = (count: number, note?: string) => Array.from({ length: count }, (_, offset) => small(offset, note));

test("every type of Connect's is written, nested ones too", async () => {
  const item = structOf([["sku", OPTIONAL_STRING]]);
  const schema = structOf([
    ["small", primitive("int8")],
    ["long", primitive("int64")],
    ["float", primitive("float32")],
    ["double", primitive("float64")],
    ["flag", primitive("boolean")],
    ["text", STRING],
    ["bytes", primitive("bytes")],
    ["price", primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters: { scale: "2" } })],
    ["day", primitive("int32", { name: LOGICAL.date, version: 1 })],
    ["time", primitive("int32", { name: LOGICAL.time, version: 1 })],
    ["at", primitive("int64", { name: LOGICAL.timestamp, version: 1 })],
    ["items", arrayOf(item, { optional: true })],
    ["tags", mapOf(STRING, OPTIONAL_STRING)],
    ["counts", mapOf(INT32, STRING)],
    ["inner", structOf([["city", item]], { optional: true })],
    ["matrix", arrayOf(arrayOf(INT32))],
  ]);
  const of = (...skus: (string | null)[]) => skus.map((sku) => new ArrayStruct(item, [sku]));
  const value = (price: bigint, items: ConnectValue, inner: ConnectValue) =>
    new ArrayStruct(schema, [
      -5,
      9007199254740993n,
      0.5,
      0.1,
      true,
      "Köln 🙂",
      Buffer.from([0, 255]),
      encodeUnscaled(price),
      -1,
      47_105_006,
      1_700_000_000_000,
      items,
      new Map([
        ["a", "x"],
        ["b", null],
      ]),
      new Map([[1, "one"]]),
      inner,
      [[1, 2], [], [3]],
    ]);
  const inner = new ArrayStruct(schema.field("inner")!.schema, of("y"));
  const store = new MemoryStore();
  await run(store, {}, [
    recordOf(0, schema, value(12_345n, of("s", null), inner)),
    recordOf(1, schema, value(0n, [], null)),
    recordOf(2, schema, value(-1n, null, inner)),
  ]);
  const [first, second, third] = await rowsOf(store, KEY(0));
  expect(first).toEqual({
    small: -5,
    long: 9007199254740993n,
    float: 0.5,
    double: 0.1,
    flag: true,
    text: "Köln 🙂",
    bytes: expect.anything(),
    price: 123.45,
    day: new Date("1969-12-31"),
    time: 47_105_006,
    at: new Date(1_700_000_000_000),
    items: [{ sku: "s" }, { sku: null }],
    tags: { a: "x", b: null },
    counts: [{ key: 1, value: "one" }],
    inner: { city: { sku: "y" } },
    matrix: [[1, 2], [], [3]],
  });
  expect(second).toMatchObject({ price: 0, items: [] });
  expect(second!["inner"] ?? null).toBeNull();
  expect(third).toMatchObject({ price: -0.01 });
  expect(third!["items"] ?? null).toBeNull();
  const { key_value_metadata: metadata, schema: elements } = parquetMetadata(await fileOf(store, KEY(0)).slice(0));
  expect(metadata?.map(({ key }) => key)).toEqual(["parquet.avro.schema", "writer.model.name", "millrace.rows"]);
  expect(elements.find(({ name }) => name === "price")).toMatchObject({
    converted_type: "DECIMAL",
    scale: 2,
    precision: 64,
  });
});

test.each([
  ["none", ".parquet"],
  ["snappy", ".snappy.parquet"],
  ["gzip", ".gz.parquet"],
])("codec %s names its objects %s", async (codec, extension) => {
  const store = new MemoryStore();
  await run(store, { "parquet.codec": codec }, records(3, "again and again and again"));
  expect(store.keys()).toEqual([KEY(0, extension)]);
  expect(await rowsOf(store, KEY(0, extension))).toHaveLength(3);
});

test.each([
  ["brotli", ".br.parquet"],
  ["zstd", ".zstd.parquet"],
  ["lz4_raw", ".lz4raw.parquet"],
  ["lz4", ".lz4hadoop.parquet"],
])("codec %s names its objects %s, or names the package it lacks", async (codec, extension) => {
  const store = new MemoryStore();
  const driver = await run(store, { "parquet.codec": codec }, records(3)).catch((error: Error) => error);
  if (driver instanceof Error)
    expect(driver).toMatchObject({ code: "S3_CODEC_MISSING", message: expect.stringContaining("npm install") });
  else expect(store.keys()).toEqual([KEY(0, extension)]);
});

test("a file has a row group for so many bytes, all of which hold whole records in order", async () => {
  const store = new MemoryStore();
  const props = { "flush.size": "500", "parquet.row.group.bytes": "65536", "s3.buffer.memory.bytes": "1048576" };
  await run(store, props, records(500, "n".repeat(1000)));
  const groups = parquetMetadata(await fileOf(store, KEY(0)).slice(0)).row_groups.map(({ num_rows }) =>
    Number(num_rows),
  );
  expect(groups).toEqual([66, 66, 66, 66, 66, 66, 66, 38]);
  expect((await rowsOf(store, KEY(0))).map(({ id }) => id)).toEqual(Array.from({ length: 500 }, (_, id) => id));
});

test("a file larger than a part is uploaded in parts, and waits on disk meanwhile", async () => {
  const noise = (offset: number) =>
    createHash("shake256", { outputLength: 150_000 }).update(`${offset}`).digest("base64");
  const store = new MemoryStore();
  const props = { "flush.size": "40", "parquet.row.group.bytes": "1048576", "s3.buffer.memory.bytes": "1048576" };
  const all = Array.from({ length: 40 }, (_, offset) => small(offset, noise(offset)));
  const driver = await run(store, { ...props, "s3.part.size": "5242880" }, all);
  expect(driver.committed.get("orders-0")).toBe(40);
  expect(store.requests.filter((request) => request.startsWith("UploadPart"))).toHaveLength(2);
  expect((await rowsOf(store, KEY(0))).map(({ id, note }) => note === noise(Number(id)))).toEqual(Array(40).fill(true));
});

describe("an object that exists", () => {
  test("is ours if it holds the same records", async () => {
    const store = new MemoryStore();
    await run(store, {}, records(3));
    const bytes = store.objects.get(KEY(0));
    const again = await run(store, {}, records(6));
    expect(again.committed.get("orders-0")).toBe(6);
    expect(store.objects.get(KEY(0))).toEqual(bytes);
  });

  test.each(["2", "6"])("is replaced if flush.size is %s now", async (flushSize) => {
    const store = new MemoryStore();
    await run(store, { "flush.size": "4" }, records(4));
    const again = await run(store, { "flush.size": flushSize }, records(6));
    await again.task.put([]);
    await again.commit();
    expect(again.committed.get("orders-0")).toBe(6);
    expect(await rowsOf(store, KEY(0))).toHaveLength(Number(flushSize));
  });

  test("is continued where rotation depends on the clock, however many records it holds", async () => {
    const store = new MemoryStore();
    const props = { "rotate.idle.interval.ms": "1000" };
    await run(store, { ...props, "flush.size": "5" }, records(5));
    const second = await run(store, { ...props, "flush.size": "2" }, records(9));
    expect(second.committed.get("orders-0")).toBe(9);
    expect(store.keys()).toEqual([KEY(0), KEY(5), KEY(7)]);
  });

  test.each([{}, { "rotate.idle.interval.ms": "1000" }])("of another topic stops the task: %j", async (props) => {
    const store = new MemoryStore();
    await run(store, props, records(3, "old"));
    const second = run(store, props, records(3, "new")).then((driver) => driver.task.put([]));
    await expect(second).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
  });

  test("and is none of ours stops the task", async () => {
    const store = new MemoryStore();
    store.objects.set(KEY(0), Buffer.from("PAR1 of somebody else PAR1"));
    const second = run(store, {}, records(3)).then((driver) => driver.task.put([]));
    await expect(second).rejects.toThrow(/not a complete Parquet file that this sink wrote/);
  });
});

test("keys and headers are structs of their own", async () => {
  const store = new MemoryStore();
  const format = PARQUET["format.class"];
  const props = { "keys.format.class": format, "headers.format.class": format };
  await run(store, { ...props, "store.kafka.keys": "true", "store.kafka.headers": "true" }, records(3));
  expect(await rowsOf(store, KEY(0, ".keys.parquet"))).toEqual([{ key: "k0" }, { key: "k1" }, { key: "k2" }]);
  expect((await rowsOf(store, KEY(0, ".headers.parquet")))[0]).toEqual({ headers: [{ key: "h", value: "v" }] });
});

describe("a record that has no columns goes to the dead letter queue", () => {
  const empty = structOf([]);
  test.each<[string, Schema | null, ConnectValue, RegExp]>([
    ["without a schema", null, new Map([["a", 1]]), /values with schemas/],
    ["a text", STRING, "x", /values of type struct/],
    ["an empty struct", empty, new ArrayStruct(empty, []), /has no fields/],
  ])("%s", async (_name, schema, value, message) => {
    const store = new MemoryStore();
    const driver = await run(store, {}, [recordOf(0, schema, value), small(1), small(2), small(3)], true);
    expect(driver.reported).toEqual([{ offset: 0, message: expect.stringMatching(message) }]);
    expect(store.keys()).toEqual([KEY(1)]);
  });
});

test("lzo is refused by name", async () => {
  await expect(run(new MemoryStore(), { "parquet.codec": "lzo" }, [])).rejects.toThrow(
    /parquet\.codec: lzo is not supported/,
  );
});

test("of a row group no more than short bounds stay in memory", async () => {
  const schema = structOf([
    ["text", STRING],
    ["bytes", primitive("bytes")],
    ["top", primitive("bytes")],
    ["number", INT32],
  ]);
  const store = new MemoryStore();
  const finish = vi.spyOn(ParquetWriter.prototype, "finish");
  const size = 60_000;
  const values = (offset: number) => [
    `${offset}${"é".repeat(size)}`,
    Buffer.alloc(size, offset),
    Buffer.alloc(size, 255),
    offset,
  ];
  const long = [0, 1, 2].map((offset) => recordOf(offset, schema, new ArrayStruct(schema, values(offset))));
  await run(store, { "flush.size": "3", "parquet.row.group.bytes": "65536" }, long);
  const [writer] = finish.mock.contexts as ParquetWriter[];
  finish.mockRestore();
  expect((writer!.writer as ByteWriter).buffer.byteLength).toBeLessThan(size);
  expect(writer!.row_groups).toHaveLength(3);
  for (const { columns } of writer!.row_groups) {
    const [text, bytes, top, number] = columns.map(({ meta_data }) => meta_data!.statistics!);
    for (const bound of [text, bytes, top].flatMap((of) => [of!.min_value, of!.max_value]))
      expect(bound === undefined || (bound as Uint8Array).length <= 16).toBe(true);
    expect(text!.is_max_value_exact).toBe(false);
    expect(top!.max_value).toBeUndefined();
    expect(number!.max_value).toEqual(expect.any(Number));
  }
  const { row_groups } = parquetMetadata(await fileOf(store, KEY(0)).slice(0));
  const { min_value, max_value } = row_groups[1]!.columns[0]!.meta_data!.statistics!;
  expect((min_value as string) <= `1${"é".repeat(size)}`).toBe(true);
  expect((max_value as string) >= `1${"é".repeat(size)}`).toBe(true);
});

test("a nested field may have the name of an object's prototype", async () => {
  const schema = structOf([["nested", structOf([["__proto__", INT32]])]]);
  const value = new ArrayStruct(schema, [new ArrayStruct(schema.field("nested")!.schema, [7])]);
  const store = new MemoryStore();
  await run(store, { "flush.size": "1" }, [recordOf(0, schema, value)]);
  const { row_groups } = parquetMetadata(await fileOf(store, KEY(0)).slice(0));
  expect(row_groups[0]!.columns[0]!.meta_data!.statistics!.min_value).toBe(7);
});
