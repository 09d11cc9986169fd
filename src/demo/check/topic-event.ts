import type { Digest, ObjectContents, TopicEvent } from "./judge-pipeline.js";
import { textHash } from "./text-hash.js";

/** The parts of a Debezium change event (JSON without schemas) that are checked. */
interface ChangeEvent {
  readonly op: string;
  readonly before: JsonRow | null;
  readonly after: JsonRow | null;
  readonly source: { readonly lsn: number; readonly txId: number | null };
}

/** A row as JSON: column values by name. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** A topic's record and its transaction, for latency. */
export interface ReadEvent {
  readonly event: TopicEvent;
  /** The transaction it belongs to; null for snapshot events and tombstones. */
  readonly txId: number | null;
}

const KINDS: Readonly<Record<string, TopicEvent["kind"]>> = { r: "read", c: "create", u: "update", d: "delete" };

/**
 * Reads a record of a change topic written by JsonConverter with `schemas.enable=false`.
 *
 * @param key,value the record's bytes; a null value is a tombstone.
 * @throws Error where they are no change event.
 */
export function readTopicEvent(
  topic: string,
  partition: number,
  offset: number,
  key: Buffer | null,
  value: Buffer | null,
): ReadEvent {
  const place = { topic, partition, offset, key: canonicalKey(JSON.parse(key?.toString() ?? "{}") as JsonRow) };
  if (value === null) {
    const event = { ...place, kind: "tombstone", position: 0, row: null, version: undefined, digest: "" } as const;
    return { event, txId: null };
  }
  const change = JSON.parse(value.toString()) as ChangeEvent;
  const kind = KINDS[change.op];
  if (!kind)
    throw new Error(`${topic}-${partition}@${offset} is no change event: its op is ${JSON.stringify(change.op)}`);
  const { after, source } = change;
  const row = after && rowDigest(after);
  const version = typeof after?.["version"] === "number" ? after["version"] : undefined;
  const event = { ...place, kind, position: source.lsn, row, version, digest: eventDigest(change, row) };
  return { event, txId: kind === "read" ? null : source.txId };
}

/** The digest by which a line of an object is recognised as a topic's record. */
export function lineDigest(line: string): Digest {
  const change = JSON.parse(line) as ChangeEvent;
  return eventDigest(change, change.after && rowDigest(change.after));
}

/** A key in one form, independent of the order of its fields. */
export function canonicalKey(key: JsonRow): string {
  return canonical(key);
}

/** The digest of a row, independent of the order of its columns. */
export function rowDigest(row: JsonRow): Digest {
  return textHash(canonical(row));
}

/** Reads `topic+partition+startOffset.extension`, the end of an object's key by the default partitioner. */
export function readObjectKey(
  key: string,
): Pick<ObjectContents, "object" | "topic" | "partition" | "startOffset"> | undefined {
  const parts = /([^/]+)\+(\d+)\+(\d+)\.[^/]+$/.exec(key);
  if (!parts) return undefined;
  return { object: key, topic: parts[1] ?? "", partition: Number(parts[2]), startOffset: Number(parts[3]) };
}

function eventDigest({ op, before, source }: ChangeEvent, row: Digest | null): Digest {
  return textHash(`${op}@${source.lsn}:${row ?? (before && rowDigest(before))}`);
}

/** Columns are flat but for arrays, whose order counts: sorting the names of the row itself is enough. */
function canonical(row: JsonRow): string {
  let text = "";
  for (const name of Object.keys(row).sort()) text += `${name}=${JSON.stringify(row[name])},`;
  return text;
}
