import { describe, expect, test } from "vitest";
import { sinkOffsetsOf } from "../../../../src/herder/offsets/sink-alteration.js";

const T0 = { kafka_topic: "t", kafka_partition: 0 };
const one = (partition: object | null, offset: object | null) =>
  sinkOffsetsOf([{ partition, offset }] as Parameters<typeof sinkOffsetsOf>[0]);

describe("submitted offsets of a sink", () => {
  test.each([
    [T0, { kafka_offset: 7 }, { topic: "t", partition: 0, offset: 7 }],
    [{ kafka_topic: "t", kafka_partition: "0" }, { kafka_offset: "7" }, { topic: "t", partition: 0, offset: 7 }],
    [
      { ...T0, x: 1 },
      { kafka_offset: 7, x: 1 },
      { topic: "t", partition: 0, offset: 7 },
    ],
    [{ ...T0, kafka_topic: 1 }, null, { topic: "1", partition: 0, offset: null }],
  ])("%o at %o is accepted", (partition, offset, expected) => {
    expect(one(partition, offset)).toEqual([expected]);
  });

  test("of one partition: the last one counts, however the partition is written", () => {
    const offsets = [
      { partition: T0, offset: { kafka_offset: 1 } },
      { partition: { ...T0, kafka_partition: 1 }, offset: { kafka_offset: 2 } },
      { partition: { ...T0, kafka_partition: "0" }, offset: { kafka_offset: 3 } },
    ];
    expect(sinkOffsetsOf(offsets)).toEqual([
      { topic: "t", partition: 0, offset: 3 },
      { topic: "t", partition: 1, offset: 2 },
    ]);
  });

  const partitionValue = (shown: string) =>
    `Failed to parse the following Kafka partition value in the provided offsets: '${shown}'. Partition values for sink connectors need to be integers.`;
  const offsetValue = (shown: string) =>
    `Failed to parse the following Kafka offset value in the provided offsets: '${shown}'. Offset values for sink connectors need to be integers.`;

  test.each([
    [null, {}, "The partition for a sink connector offset cannot be null or missing"],
    [{}, {}, "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'"],
    [{ kafka_topic: null, kafka_partition: 0 }, {}, "Kafka topic names must be valid strings and may not be null"],
    [{ kafka_topic: "t", kafka_partition: null }, {}, "Kafka partitions must be valid numbers and may not be null"],
    [{ kafka_topic: "t", kafka_partition: "x" }, {}, partitionValue("x")],
    [{ kafka_topic: "t", kafka_partition: 1.5 }, {}, partitionValue("1.5")],
    [{ kafka_topic: "t", kafka_partition: 3_000_000_000 }, {}, partitionValue("3000000000")],
    [{ kafka_topic: "t", kafka_partition: [] }, {}, partitionValue("[]")],
    [T0, {}, "The offset for a sink connector should either be null or contain the key 'kafka_offset'"],
    [T0, { kafka_offset: null }, offsetValue("null")],
    [T0, { kafka_offset: true }, offsetValue("true")],
    [T0, { kafka_offset: "" }, offsetValue("")],
    [T0, { kafka_offset: 9223372036854775808n }, offsetValue("9223372036854775808")],
    [T0, { kafka_offset: -1 }, "Kafka offsets must not be negative, but that for partition 0 of topic t is -1"],
  ])("%o at %o is refused", (partition, offset, message) => {
    expect(() => one(partition, offset)).toThrow(expect.objectContaining({ code: "OFFSET_INVALID", message }));
  });
});
