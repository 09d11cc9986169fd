import { expect, test } from "vitest";
import { S3SinkTask } from "../../../../../connectors/s3/s3-sink-task.js";
import { ArrayStruct, SinkRecord, STRING, structOf } from "../../../../../src/api/index.js";
import { MemoryStore } from "../memory-store.js";
import { rowRecord, SINK_PROPS, SinkDriver } from "../sink-driver.js";

const PROPS = {
  ...SINK_PROPS,
  "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
  "partition.field.name": "country",
};

async function setUp(tolerant: boolean) {
  const store = new MemoryStore();
  const partitions = [{ topic: "orders", partition: 0 }];
  const driver = new SinkDriver(() => new S3SinkTask(() => store), partitions, { props: PROPS, tolerant });
  driver.append(rowRecord(7));
  await driver.start();
  return driver;
}

test("a record that fails the task is named by topic, partition and offset", async () => {
  const driver = await setUp(false);
  await expect(driver.deliver(1)).rejects.toMatchObject({
    name: "DataError",
    code: "S3_PARTITION_UNKNOWN",
    message: expect.stringMatching(/^orders-0 offset 7: .*country \(partition\.field\.name\)/),
    cause: expect.objectContaining({ code: "S3_PARTITION_UNKNOWN" }),
  });
});

test("a record that is reported keeps the plain message: its place is in the report", async () => {
  const driver = await setUp(true);
  await driver.deliver(1);
  expect(driver.reported).toEqual([{ offset: 7, message: expect.stringMatching(/^Error encoding partition/) }]);
});

const ORDER = structOf([["country", STRING]]);

function orderFrom(country: string, offset: number): SinkRecord {
  return new SinkRecord("orders", 0, null, null, ORDER, new ArrayStruct(ORDER, [country]), offset, 0, "CreateTime");
}

test.each([
  ["beyond 1,024 bytes", "ä".repeat(600), /1247 bytes.* at most 1024/],
  ["with half of a character", "a\ud83d", /surrogate/],
])(
  "a directory that makes a key %s is the record's fault, and the records after it are written",
  async (_name, country, why) => {
    const store = new MemoryStore();
    const partitions = [{ topic: "orders", partition: 0 }];
    const props = { ...PROPS, "flush.size": "2" };
    const driver = new SinkDriver(() => new S3SinkTask(() => store), partitions, { props, tolerant: true });
    await driver.start();
    driver.append(orderFrom(country, 0));
    driver.append(orderFrom("de", 1));
    driver.append(orderFrom("de", 2));
    await driver.deliverAll();
    await driver.commit();
    expect(driver.reported).toEqual([{ offset: 0, message: expect.stringMatching(why) }]);
    expect(store.keys()).toEqual(["topics/orders/country=de/orders+0+0000000001.json"]);
    expect(driver.committed.get("orders-0")).toBe(3);
  },
);
