import type { SourceMap } from "../../../src/api/index.js";
import { type Lsn, NO_LSN } from "../wal/lsn.js";
import type { ServerIdentity } from "../wal/server-identity.js";

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
  /** The server that the positions belong to; null in offsets of Debezium, which does not store it. */
  readonly identity: ServerIdentity | null;
  /** Where the slot began. Stored until the first transaction has ended; null otherwise. */
  readonly slotStart: Lsn | null;
}

/** What an offset says of its server beside Debezium's keys. Debezium ignores keys that it does not know. */
export interface OffsetOrigin {
  readonly identity: ServerIdentity | null;
  /** The slot's own position when streaming began. */
  readonly slotStart: Lsn;
}

export function sourcePartition(topicPrefix: string): SourceMap {
  return { server: topicPrefix };
}

/**
 * Offset of a streamed event. Omits keys without a value, as Debezium does. Nearly every event has a commit, a
 * transaction and an identity: such objects have the same keys in the same order, and so one hidden class.
 */
export function streamedOffset(
  { identity, slotStart }: OffsetOrigin,
  lsn: Lsn,
  lastCommit: Lsn | null,
  messageType: MessageType,
  txId: number | null,
  timeUs: number,
  eventsAtLsn: number,
): SourceMap {
  if (eventsAtLsn <= 1 && lastCommit !== null && txId !== null && identity !== null)
    return {
      lsn_proc: lsn,
      messageType,
      lsn_commit: lastCommit,
      lsn,
      txId,
      ts_usec: timeUs,
      system_id: identity.systemId,
      timeline: identity.timeline,
    };
  return {
    lsn_proc: lsn,
    messageType,
    ...(lastCommit !== null && { lsn_commit: lastCommit }),
    lsn,
    ...(txId !== null && { txId }),
    ts_usec: timeUs,
    // Debezium 3.6.1 has no such key, so it is written only if several events share the position.
    ...(eventsAtLsn > 1 && { lsn_events_processed: eventsAtLsn }),
    // A transaction that was open while the slot was made has changes before the slot's first position.
    ...(lastCommit === null && slotStart !== NO_LSN && { slot_start: slotStart }),
    ...identityKeys(identity),
  };
}

function identityKeys(identity: ServerIdentity | null): SourceMap {
  return identity === null ? {} : { system_id: identity.systemId, timeline: identity.timeline };
}

/** Offset before any event, for streaming that starts without a snapshot. */
export function startOffset(lsn: Lsn, timeUs: number, identity: ServerIdentity | null): SourceMap {
  return { lsn, ts_usec: timeUs, ...identityKeys(identity) };
}

/** Offset of notifications where nothing was read, and nothing will be. Debezium stores the same. */
export const NOTHING_READ: SourceMap = {};

/** The stored offset to go on from; null if nothing was read, as if none were stored. */
export function offsetOfReading(stored: SourceMap | null | undefined): SourceMap | null {
  return stored && Object.keys(stored).length > 0 ? stored : null;
}

/** Offset of a snapshot's rows: resuming after any but the last repeats the snapshot. */
export function snapshotOffset(
  identity: ServerIdentity | null,
  lsn: Lsn,
  txId: number | null,
  timeUs: number,
  isLast: boolean,
): SourceMap {
  return {
    last_snapshot_record: isLast,
    lsn,
    ...(txId !== null && { txId }),
    ts_usec: timeUs,
    snapshot: "INITIAL",
    snapshot_completed: isLast,
    ...identityKeys(identity),
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
    identity: readIdentity(map),
    slotStart: position(map["slot_start"]),
  };
}

function readIdentity(map: SourceMap): ServerIdentity | null {
  const systemId = map["system_id"];
  const timeline = number(map["timeline"]);
  return typeof systemId === "string" && timeline !== null ? { systemId, timeline } : null;
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
