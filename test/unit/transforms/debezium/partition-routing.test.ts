import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  arrayOf,
  BOOLEAN,
  BYTES,
  FLOAT32,
  FLOAT64,
  INT64,
  LOGICAL,
  mapOf,
  type Props,
  primitive,
  STRING,
  structOf,
} from "../../../../src/api/index.js";
import { javaHash } from "../../../../src/transforms/record/java-hash.js";
import { murmurIntHash, murmurTextHash } from "../../../../src/transforms/record/murmur-hash.js";
import { sinkRecord, sourceRecord, transformation } from "../transformed.js";
import { event, row } from "./change-events.js";

const route = (props: Props = {}) =>
  transformation("io.debezium.transforms.partitions.PartitionRouting", {
    "partition.payload.fields": "change.id,source.table",
    "partition.topic.num": "1000",
    ...props,
  });
const created = sourceRecord({ value: event("c", null, row(7, "Ulm")) });

describe("PartitionRouting", () => {
  test("chooses the partition by values in the event", () => {
    // "orders".hashCode() is -1008770331.
    expect(route().apply(created)!.partition).toBe(((-1008770331 + 7) & 0x7fffffff) % 1000);
    const deleted = sourceRecord({ value: event("d", row(7, "Ulm"), null) });
    expect(route().apply(deleted)!.partition).toBe(route().apply(created)!.partition);
    expect(route({ "partition.hash.function": "Murmur" }).apply(created)!.partition).toBe(
      ((murmurIntHash(7) + murmurTextHash("orders")) & 0x7fffffff) % 1000,
    );
    expect(route().apply(sinkRecord({ value: created.value }))!.partition).toBe(route().apply(created)!.partition);
  });

  test("leaves records without the fields, truncates and tombstones", () => {
    const bare = route({ "partition.payload.fields": "after.nothing,before.id,nothing.id" });
    expect(bare.apply(created)).toBe(created);
    const truncated = sourceRecord({ value: event("t", null, null) });
    expect(route().apply(truncated)).toBe(truncated);
    const tombstone = sourceRecord();
    expect(route().apply(tombstone)).toBe(tombstone);
  });

  test("fails for a struct, which hashes differently in each process", () => {
    expect(() => route({ "partition.payload.fields": "change" }).apply(created)).not.toThrow();
    expect(() => route({ "partition.payload.fields": "after" }).apply(created)).toThrow(/after, which is a struct/);
  });

  test.each([
    [{ "partition.payload.fields": "" }, "partition.payload.fields"],
    [{ "partition.payload.fields": "a,,b" }, "partition.payload.fields"],
    [{ "partition.topic.num": "0" }, "partition.topic.num"],
  ])("refuses %j", (props, key) => {
    expect(() => route(props)).toThrow(expect.objectContaining({ key }));
  });
});

test("hashes are Java's", () => {
  const decimal = primitive("bytes", { name: LOGICAL.decimal, parameters: { scale: "2" } });
  const date = primitive("int32", { name: LOGICAL.date });
  expect([
    javaHash(INT64, 2n ** 40n + 5n),
    javaHash(FLOAT64, 1.5),
    javaHash(FLOAT32, 1.5),
    javaHash(BOOLEAN, true),
    javaHash(BYTES, Buffer.from([1, 2, 255])),
    javaHash(decimal, Buffer.from("ff38", "hex")),
    javaHash(date, 1),
    javaHash(arrayOf(STRING), ["a", "b"]),
    javaHash(mapOf(STRING, STRING), new Map([["a", "b"]])),
    javaHash(null, 5),
    javaHash(null, 0.5),
  ]).toEqual([261, 1073217536, 1069547520, 1231, 28893, -6198, 86400000, 4066, 3, 5, 1071644672]);
  const inner = structOf([["a", STRING]]);
  expect(() => javaHash(inner, new ArrayStruct(inner, ["x"]))).toThrow(/no hash/);
});
