import { Readable } from "node:stream";
import { crc32, inflateRawSync } from "node:zlib";
import avsc from "avsc";
import fc from "fast-check";
import { snappyUncompress } from "hyparquet";
import { describe, expect, test } from "vitest";
import { compressSnappy, decompressSnappy } from "../../../../connectors/s3/formats/compression/snappy-block.js";
import { S3SinkTask } from "../../../../connectors/s3/s3-sink-task.js";
import { ArrayStruct, type Props, primitive, SinkRecord, STRING, structOf } from "../../../../src/api/index.js";
import { MemoryStore } from "./memory-store.js";
import { SINK_PROPS, SinkDriver } from "./sink-driver.js";

const ORDERS = [{ topic: "orders", partition: 0 }];
const AVRO = {
  ...SINK_PROPS,
  "format.class": "io.confluent.connect.s3.format.avro.AvroFormat",
  "flush.size": "1000",
};
const VALUE = structOf(
  [
    ["id", primitive("int32")],
    ["note", primitive("string", { optional: true })],
  ],
  { name: "shop.Order" },
);
const KEY = "topics/orders/partition=0/orders+0+0000000000.avro";

function recordOf(offset: number, note: string | null = `note ${offset}`): SinkRecord {
  const value = new ArrayStruct(VALUE, [offset, note]);
  return new SinkRecord("orders", 0, STRING, `k${offset}`, VALUE, value, offset, 0, "CreateTime");
}

function driverOf(store: MemoryStore, props: Props): SinkDriver {
  return new SinkDriver(() => new S3SinkTask(() => store), ORDERS, { props: { ...AVRO, ...props } });
}

async function run(store: MemoryStore, props: Props, count: number, note?: string): Promise<SinkDriver> {
  const driver = driverOf(store, props);
  for (let offset = 0; offset < count; offset++) driver.append(recordOf(offset, note));
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  return driver;
}

/** The records of a file, as avsc reads it. */
async function read(bytes: Buffer): Promise<unknown[]> {
  const codecs = {
    null: (block: Buffer, done: (error: Error | null, plain: Buffer) => void) => done(null, block),
    deflate: (block: Buffer, done: (error: Error | null, plain: Buffer) => void) => done(null, inflateRawSync(block)),
    snappy: (block: Buffer, done: (error: Error | null, plain: Buffer) => void) => {
      const plain = decompressSnappy(block.subarray(0, -4));
      done(crc32(plain) === block.readUInt32BE(block.length - 4) ? null : new Error("checksum"), plain);
    },
  };
  const decoder = new avsc.streams.BlockDecoder({ codecs } as ConstructorParameters<
    typeof avsc.streams.BlockDecoder
  >[0]);
  const records: unknown[] = [];
  Readable.from([bytes]).pipe(decoder);
  for await (const record of decoder) records.push({ ...(record as object) });
  return records;
}

describe.each(["null", "deflate", "snappy"])("an Avro file with codec %s", (codec) => {
  test("holds the records in blocks, and is the same after a crash", async () => {
    const store = new MemoryStore();
    const driver = await run(store, { "avro.codec": codec }, 1000, "n".repeat(200));
    expect(driver.committed.get("orders-0")).toBe(1000);
    const bytes = store.objects.get(KEY)!;
    const records = await read(bytes);
    expect(records).toHaveLength(1000);
    expect(records[999]).toEqual({ id: 999, note: "n".repeat(200) });
    const again = await run(store, { "avro.codec": codec }, 1000, "n".repeat(200));
    expect(again.committed.get("orders-0")).toBe(1000);
    expect(store.objects.get(KEY)).toEqual(bytes);
  });

  test("that exists is continued where rotation is scheduled", async () => {
    const store = new MemoryStore();
    const props = { "avro.codec": codec, "rotate.idle.interval.ms": "1000" };
    await run(store, { ...props, "flush.size": "3" }, 3);
    const second = await run(store, { ...props, "flush.size": "4" }, 7);
    expect(second.committed.get("orders-0")).toBe(7);
    expect(store.keys()).toEqual([KEY, KEY.replace("0.avro", "3.avro")]);
    expect(await read(store.objects.get(store.keys()[1]!)!)).toHaveLength(4);
  });

  test("of another topic is not overwritten", async () => {
    const store = new MemoryStore();
    await run(store, { "avro.codec": codec, "flush.size": "3" }, 3, "old");
    const second = await run(store, { "avro.codec": codec, "flush.size": "3" }, 3, "new");
    await expect(second.deliver(0)).rejects.toMatchObject({ code: "S3_OBJECT_CONFLICT" });
  });

  test("is replaced by a longer one of the same records", async () => {
    const store = new MemoryStore();
    await run(store, { "avro.codec": codec, "flush.size": "3" }, 3);
    const second = await run(store, { "avro.codec": codec, "flush.size": "5" }, 5);
    expect(second.committed.get("orders-0")).toBe(5);
    expect(await read(store.objects.get(KEY)!)).toHaveLength(5);
  });
});

test.each([
  ["another format's", Buffer.from('{"id":0}\n')],
  ["cut off", undefined],
])("an object that is %s is not taken for an Avro file of ours", async (_name, given) => {
  const store = new MemoryStore();
  await run(store, { "flush.size": "3" }, 3);
  store.objects.set(KEY, given ?? store.objects.get(KEY)!.subarray(0, -5));
  const second = await run(store, { "flush.size": "3" }, 3);
  await expect(second.deliver(0)).rejects.toThrow(/is not a complete Avro file that this sink wrote/);
});

test("keys are stored in Avro, too, and an object of keys holds keys of one schema", async () => {
  const store = new MemoryStore();
  const driver = driverOf(store, { "store.kafka.keys": "true", "flush.size": "3" });
  for (let offset = 0; offset < 3; offset++) driver.append(recordOf(offset));
  const number = primitive("int64");
  for (let offset = 3; offset < 6; offset++) driver.append(recordOf(offset).with({ keySchema: number, key: offset }));
  driver.append(recordOf(6));
  await driver.start();
  await driver.deliverAll();
  await driver.commit();
  expect(driver.committed.get("orders-0")).toBe(6);
  expect(store.keys().filter((key) => key.includes(".keys."))).toEqual([
    KEY.replace(".avro", ".keys.avro"),
    KEY.replace("0.avro", "3.keys.avro"),
  ]);
});

test("a codec that Node cannot write is refused by name", async () => {
  await expect(driverOf(new MemoryStore(), { "avro.codec": "bzip2" }).start()).rejects.toThrow(/avro\.codec: bzip2/);
});

describe("snappy", () => {
  const texts = fc
    .array(fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(Buffer.from("again and again "))), { maxLength: 60 })
    .map((parts) => Buffer.concat(parts));

  test("is read as another implementation reads it", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const packed = compressSnappy(text);
        expect(decompressSnappy(packed).equals(text)).toBe(true);
        const theirs = new Uint8Array(text.length);
        if (text.length > 0) snappyUncompress(packed, theirs);
        expect(Buffer.from(theirs).equals(text)).toBe(true);
      }),
    );
  });

  test("that is damaged is refused, not read beyond its end", () => {
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(255), (text, at, byte) => {
        const packed = compressSnappy(text);
        packed[at % packed.length] = byte;
        try {
          decompressSnappy(packed);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
