import type { SourceMap } from "../../../src/api/index.js";
import { type Lsn, NO_LSN } from "../wal/lsn.js";

/** What stood last in the stream, in Debezium's words. */
export type MessageType = "BEGIN" | "COMMIT" | "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE" | "MESSAGE";

/** A stored offset, read. Its keys and values are Debezium's. */
export interface StoredOffset {
  readonly lsn: Lsn | null;
  /** Position of the last event that was handed over whole. */
  readonly lsnProc: Lsn | null;
  /** End of the last transaction that was handed over whole. */
  readonly lsnCommit: Lsn | null;
  readonly messageType: string | null;
  readonly txId: number | null;
  readonly timeUs: number | null;
  /** Events handed over at `lsnProc`, where several share it. */
  readonly eventsProcessed: number;
  /** A snapshot was under way and had not ended. */
  readonly isSnapshotRunning: boolean;
}

export function sourcePartition(topicPrefix: string): SourceMap {
  return { server: topicPrefix };
}

/**
 * Offset of a streamed event. Keys that have no value are left out, as Debezium's are; with a commit and a transaction
 * seen, which is nearly always, the object has the same keys in the same order, and so one hidden class.
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
    // 3.6.1 has no count: it is written only where it says something.
    ...(eventsAtLsn > 1 && { lsn_events_processed: eventsAtLsn }),
  };
}

/** Offset of a position before any event: where streaming begins without a snapshot. */
export function startOffset(lsn: Lsn, timeUs: number): SourceMap {
  return { lsn, ts_usec: timeUs };
}

/** Offset of a snapshot's rows: going on after any but the last means doing the snapshot again. */
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

/** Reads an offset of ours or of Debezium's. */
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

/** Tables of an incremental snapshot that Debezium had not finished, as it wrote them; undefined: none. */
export function unfinishedIncremental(map: SourceMap): string | undefined {
  const tables = map["incremental_snapshot_collections"];
  return typeof tables === "string" && tables !== "" && tables !== "[]" ? tables : undefined;
}

/** The furthest of its positions: no server can have shown anything behind its own end. */
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
