import type { SourceMap } from "../../../src/api/index.js";
import { sourcePartition } from "./source-offset.js";

type Rule = (value: SourceMap[string]) => string | undefined;

const position: Rule = (value) =>
  (typeof value === "number" || typeof value === "bigint") && Number.isSafeInteger(Number(value)) && value >= 0
    ? undefined
    : "a WAL position: an integer of bytes, such as SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') returns";
const integer: Rule = (value) => (typeof value === "bigint" || Number.isInteger(value) ? undefined : "an integer");
const text: Rule = (value) => (typeof value === "string" ? undefined : "a text");
const flag: Rule = (value) =>
  typeof value === "boolean" || /^(true|false)$/.test(String(value)) ? undefined : "true or false";

/** The keys of Debezium's offsets, and those added here. Others, such as those of an incremental snapshot, may hold anything. */
const RULES: Readonly<Record<string, Rule>> = {
  lsn: position,
  lsn_proc: position,
  lsn_commit: position,
  lsn_events_processed: integer,
  txId: integer,
  ts_usec: integer,
  messageType: text,
  last_snapshot_record: flag,
  snapshot_completed: flag,
  system_id: text,
  timeline: integer,
  slot_start: position,
  xmin: integer,
};

/**
 * Why a connector with that topic.prefix could not continue from an offset that a user wants stored; undefined if it
 * could. Debezium stores any offset. Its task then ignores one of another server, and one without `lsn` stops it or
 * makes it start over.
 */
export function offsetFault(topicPrefix: string, partition: SourceMap, offset: SourceMap): string | undefined {
  const { server } = sourcePartition(topicPrefix);
  if (partition["server"] !== server || Object.keys(partition).length > 1) {
    return `The partition of an offset must be {"server":"${server}"}, the connector's topic.prefix`;
  }
  if (!Object.hasOwn(offset, "lsn")) return "The offset must be null or contain the key 'lsn', a WAL position";
  for (const [key, value] of Object.entries(offset)) {
    const expected = value === null && key !== "lsn" ? undefined : RULES[key]?.(value);
    if (expected !== undefined) return `The value of the key '${key}' in the offset must be ${expected}`;
  }
  return undefined;
}
