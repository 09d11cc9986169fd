import { join } from "node:path";

/** Of the index of a segment that is written, up to where it is on disk. */
export const INDEX_SNAPSHOT = "index-snapshot";
/** Of the index files of a sealed segment. `.index` is written last: recovery trusts the segment once it exists. */
export const INDEX_SUFFIXES = ["txnindex", "timeindex", "index"] as const;

/** The name of a segment's file of that suffix. Kafka's names: the base offset in 20 digits, as in `….log`. */
export function segmentName(baseOffset: number, suffix: string): string {
  return `${String(baseOffset).padStart(20, "0")}.${suffix}`;
}

/**
 * The offsets, rising, of the files of one suffix in a partition's folder: with `log` the base offsets of its segments.
 * @param names all in the folder.
 */
export function offsetsOf(names: Iterable<string>, suffix: "log" | "snapshot"): number[] {
  return [...names]
    .filter((name) => name.endsWith(`.${suffix}`) && /^\d{20}\.\w+$/.test(name))
    .map((name) => Number(name.slice(0, 20)))
    .sort((a, b) => a - b);
}

/** The path of a segment's file of that suffix. */
export function segmentPath(folder: string, baseOffset: number, suffix: string): string {
  return join(folder, segmentName(baseOffset, suffix));
}
