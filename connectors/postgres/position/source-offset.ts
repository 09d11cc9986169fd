import type { SourceMap } from "../../../src/api/index.js";
import { type Lsn, NO_LSN } from "../wal/lsn.js";

/** The type of the last message in the stream, in Debezium's words. */
export type MessageType = "BEGIN" | "COMMIT" | "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE" | "MESSAGE";

/** A parsed stored offset. The stored keys and values are Debezium's. */
export interface StoredOffset {
  readonly lsn: Lsn | null;
  /** Position of the last completely handed over event. */
  readonly lsnProc: Lsn | null;
  /** End of the last completely handed over transaction. */
  readonly lsnCommit: Lsn | null;
  readonly messageType: string | null;
  readonly txId: number | null;
  readonly timeUs: number | null;
  /** Number of events handed over at `lsnProc`: several may share it. */
  readonly eventsProcessed: number;
  /** A snapshot had started and not ended. */
  readonly isSnapshotRunning: boolean;
}

export function sourcePartition(topicPrefix: string): SourceMap {
  return { server: topicPrefix };
}

/**
 * Offset of a streamed event. Omits keys without a value, as Debezium does. Nearly every event has a commit and a
 * transaction: such objects have the same keys in the same order, and so one hidden class.
 */
export function streamedOffset(
  lsn: Lsn,
  lastCommit: Lsn | null,
  messageType: MessageType,
  txId: number | null,
  timeUs: number,
  eventsAtLsn: number,
): SourceMap {
  if (eventsAtLsn <= 1 && lastCommit !== null && txId !== null)
    return { lsn_proc: lsn, messageType, lsn_commit: lastCommit, lsn, txId, ts_usec: timeUs };
  return {
    lsn_proc: lsn,
    messageType,
    ...(lastCommit !== null && { lsn_commit: lastCommit }),
    lsn,
    ...(txId !== null && { txId }),
    ts_usec: timeUs,
    // Debezium 3.6.1 has no such key, so it is written only if several events share the position.
    ...(eventsAtLsn > 1 && { lsn_events_processed: eventsAtLsn }),
  };
}

/** Offset before any event, for streaming that starts without a snapshot. */
export function startOffset(lsn: Lsn, timeUs: number): SourceMap {
  return { lsn, ts_usec: timeUs };
}

/** Offset of a snapshot's rows: resuming after any but the last repeats the snapshot. */
export function snapshotOffset(lsn: Lsn, txId: number | null, timeUs: number, isLast: boolean): SourceMap {
  return {
    last_snapshot_record: isLast,
    lsn,
    ...(txId !== null && { txId }),
    ts_usec: timeUs,
    snapshot: "INITIAL",
    snapshot_completed: isLast,
  };
}

/** Parses an offset written by Millrace or Debezium. */
export function readOffset(map: SourceMap): StoredOffset {
  const isCompleted = isTrue(map["last_snapshot_record"]) || isTrue(map["snapshot_completed"]);
  const snapshot = map["snapshot"];
  const isSnapshot = isTrue(snapshot) || (typeof snapshot === "string" && /^initial/i.test(snapshot));
  return {
    lsn: position(map["lsn"]),
    lsnProc: position(map["lsn_proc"]),
    lsnCommit: position(map["lsn_commit"]),
    messageType: typeof map["messageType"] === "string" ? map["messageType"] : null,
    txId: number(map["txId"]),
    timeUs: number(map["ts_usec"]),
    eventsProcessed: number(map["lsn_events_processed"]) ?? 1,
    isSnapshotRunning: isSnapshot && !isCompleted,
  };
}

/** The tables of an unfinished incremental snapshot, in Debezium's form; undefined: none. */
export function unfinishedIncremental(map: SourceMap): string | undefined {
  const tables = map["incremental_snapshot_collections"];
  return typeof tables === "string" && tables !== "" && tables !== "[]" ? tables : undefined;
}

/** The offset's furthest position. The WAL of the server it came from reaches at least this far. */
export function furthestOf({ lsn, lsnProc, lsnCommit }: StoredOffset): Lsn {
  return Math.max(lsn ?? NO_LSN, lsnProc ?? NO_LSN, lsnCommit ?? NO_LSN) as Lsn;
}

function number(value: unknown): number | null {
  return typeof value === "number" || typeof value === "bigint" ? Number(value) : null;
}

function position(value: unknown): Lsn | null {
  return number(value) as Lsn | null;
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}
