import { DataError, type SourceMap, type SourceOffset } from "../../api/index.js";
import { sourceMapKey } from "../../base/exact-json.js";
import type { SubmittedOffset } from "../../contract/connector-info.js";

/**
 * The source offsets that a request submitted, the last one of each partition. (KIP-875)
 *
 * @throws DataError OFFSET_INVALID in Kafka Connect's words: a partition is null, or a value is not a single text,
 *   number or boolean.
 */
export function sourceOffsetsOf(submitted: readonly SubmittedOffset[]): SourceOffset[] {
  const byPartition = new Map<string, SourceOffset>();
  for (const { partition, offset } of submitted) {
    if (partition === null) throw new DataError("OFFSET_INVALID", "Partition objects cannot be null");
    const parsed = { partition: flatMap(partition), offset: offset && flatMap(offset) };
    byPartition.set(sourceMapKey(parsed.partition), parsed);
  }
  return [...byPartition.values()];
}

function flatMap(map: Readonly<Record<string, unknown>>): SourceMap {
  for (const [field, value] of Object.entries(map)) {
    const fault = faultOf(value);
    if (fault === undefined) continue;
    const message = `Offsets may only contain primitive types as values, but field ${field} contains ${fault}`;
    throw new DataError("OFFSET_INVALID", message);
  }
  return map as SourceMap;
}

function faultOf(value: unknown): string | undefined {
  if (Array.isArray(value)) return "ARRAY";
  if (typeof value === "object" && value !== null) return "MAP";
  if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) return "an integer of more than 64 bits";
  return undefined;
}
