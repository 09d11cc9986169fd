import type { RowGroup, SchemaElement } from "hyparquet";
import { unconvertMinMax } from "hyparquet-writer/src/unconvert.js";

/** The writer shortens bounds to 16 bytes where it can; of others it keeps all. */
const LONGEST = 16;

/**
 * Shortens the bounds of a row group's texts and bytes now, as the writer does in the footer: until then the values
 * themselves would stay in memory, two of each column in each row group of an open file.
 *
 * @param leaves the schema's columns, in its order.
 */
export function shortenStatistics(group: RowGroup, leaves: readonly SchemaElement[]): void {
  for (const [at, { meta_data }] of group.columns.entries()) {
    const statistics = meta_data?.statistics;
    const leaf = leaves[at];
    if (!statistics || leaf?.type !== "BYTE_ARRAY") continue;
    const { min_value, max_value } = statistics;
    const [min, max] = [unconvertMinMax(min_value, leaf, false), unconvertMinMax(max_value, leaf, true)];
    // Copied: a short value may be a part of a large buffer.
    if (min) statistics.min_value = new Uint8Array(min);
    if (max && max.length <= LONGEST) statistics.max_value = new Uint8Array(max);
    // Without a short bound above it there is none.
    else delete statistics.max_value;
    if (isLonger(min_value)) statistics.is_min_value_exact = false;
    if (isLonger(max_value) && statistics.max_value !== undefined) statistics.is_max_value_exact = false;
  }
}

function isLonger(value: unknown): boolean {
  if (typeof value === "string") return Buffer.byteLength(value) > LONGEST;
  return value instanceof Uint8Array && value.length > LONGEST;
}
