import { DataError, type SinkOffset } from "../../api/index.js";
import { writeExactJson } from "../../base/exact-json.js";
import type { SubmittedOffset } from "../../contract/connector-info.js";

const TOPIC = "kafka_topic";
const PARTITION = "kafka_partition";
const OFFSET = "kafka_offset";
const INTEGER = /^[+-]?\d{1,19}$/;

/**
 * The sink offsets that a request submitted, the last one of each partition. Integers may be text. (KIP-875)
 *
 * @throws DataError OFFSET_INVALID in Kafka Connect's words.
 */
export function sinkOffsetsOf(submitted: readonly SubmittedOffset[]): SinkOffset[] {
  const byPartition = new Map<string, SinkOffset>();
  for (const { partition, offset } of submitted) {
    const parsed = { ...partitionOf(partition), offset: null as number | null };
    if (offset !== null) parsed.offset = offsetOf(offset, `partition ${parsed.partition} of topic ${parsed.topic}`);
    byPartition.set(`${parsed.topic} ${parsed.partition}`, parsed);
  }
  return [...byPartition.values()];
}

function partitionOf(map: SubmittedOffset["partition"]): { readonly topic: string; readonly partition: number } {
  if (map === null) throw invalid("The partition for a sink connector offset cannot be null or missing");
  if (!Object.hasOwn(map, TOPIC) || !Object.hasOwn(map, PARTITION)) {
    throw invalid(`The partition for a sink connector offset must contain the keys '${TOPIC}' and '${PARTITION}'`);
  }
  if (map[TOPIC] === null) throw invalid("Kafka topic names must be valid strings and may not be null");
  if (map[PARTITION] === null) throw invalid("Kafka partitions must be valid numbers and may not be null");
  const partition = integerOf(map[PARTITION]);
  if (partition === undefined || Math.abs(partition) > 0x7fff_ffff) {
    throw invalid(
      `Failed to parse the following Kafka partition value in the provided offsets: '${textOf(map[PARTITION])}'. Partition values for sink connectors need to be integers.`,
    );
  }
  return { topic: textOf(map[TOPIC]), partition };
}

function offsetOf(map: NonNullable<SubmittedOffset["offset"]>, place: string): number {
  if (!Object.hasOwn(map, OFFSET)) {
    throw invalid(`The offset for a sink connector should either be null or contain the key '${OFFSET}'`);
  }
  const offset = integerOf(map[OFFSET]);
  if (offset === undefined) {
    throw invalid(
      `Failed to parse the following Kafka offset value in the provided offsets: '${textOf(map[OFFSET])}'. Offset values for sink connectors need to be integers.`,
    );
  }
  if (offset < 0) throw invalid(`Kafka offsets must not be negative, but that for ${place} is ${offset}`);
  return offset;
}

function integerOf(value: unknown): number | undefined {
  const text = textOf(value);
  const number = Number(text);
  return INTEGER.test(text) && Number.isSafeInteger(number) ? number : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : writeExactJson(value);
}

function invalid(message: string): DataError {
  return new DataError("OFFSET_INVALID", message);
}
