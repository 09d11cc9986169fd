import { type Lsn, NO_LSN } from "../wal/lsn.js";
import type { StoredOffset } from "./source-offset.js";

/**
 * Where a stream resumes, and which of its events were handed over before.
 *
 * Postgres sends whole transactions in commit order, and the changes of each in their own order. So these were handed
 * over: the transactions that ended at or before `committed`, the changes of transaction `txId` before `processed`, and
 * the first `eventsAt` changes at `processed` (rows of one COPY share a position).
 */
export interface ResumePoint {
  /** The position for START_REPLICATION. */
  readonly startLsn: Lsn;
  readonly committed: Lsn;
  /** The transaction that was handed over in part, or null. */
  readonly txId: number | null;
  readonly processed: Lsn;
  readonly eventsAt: number;
}

/** The resume point of a stored offset. Without an offset, starts at `fallback`, the slot's own position. */
export function planResume(offset: StoredOffset | null, fallback: Lsn): ResumePoint {
  if (offset === null || offset.lsnProc === null) {
    // Before the first streamed event: send everything the slot holds.
    const startLsn = offset?.lsn ?? fallback;
    return { startLsn, committed: NO_LSN, txId: null, processed: NO_LSN, eventsAt: 0 };
  }
  // A message outside a transaction counts as one that ends at its own position.
  const endsTransaction =
    offset.messageType === "COMMIT" || (offset.messageType === "MESSAGE" && offset.lsnCommit === offset.lsnProc);
  const committed = offset.lsnCommit ?? (endsTransaction ? offset.lsnProc : NO_LSN);
  return {
    // No commit seen yet: the slot's first transaction was handed over in part, so the server must resend all of it.
    startLsn: offset.lsnCommit ?? (endsTransaction ? offset.lsnProc : NO_LSN),
    committed,
    txId: endsTransaction ? null : offset.txId,
    processed: offset.lsnProc,
    eventsAt: isEvent(offset.messageType) ? offset.eventsProcessed : 0,
  };
}

/**
 * Debezium also stores the position of a BEGIN (with provide.transaction.metadata). In PostgreSQL 15 and later that is
 * the position of the first change, which was not handed over yet. For an unknown type, a repeated change is better
 * than a lost one.
 */
function isEvent(messageType: string | null): boolean {
  return messageType !== null && /^(INSERT|UPDATE|DELETE|TRUNCATE|MESSAGE|COMMIT)$/.test(messageType);
}

/** How much of a transaction to skip. */
export type Skip = "nothing" | "whole" | "part";

/** Decides at BEGIN. `finalLsn` is the start of the commit record; a later commit starts at or after `committed`. */
export function judgeTransaction(point: ResumePoint, xid: number, finalLsn: Lsn): Skip {
  if (finalLsn < point.committed) return "whole";
  // Transaction ids wrap at 2^32: a later transaction of the same id has all its changes after `processed`.
  return point.txId !== null && point.txId === xid ? "part" : "nothing";
}

/** Whether an event of a "part" transaction was handed over; `ordinal` counts the events at this position from 1. */
export function wasHandedOver(point: ResumePoint, lsn: Lsn, ordinal: number): boolean {
  return lsn < point.processed || (lsn === point.processed && ordinal <= point.eventsAt);
}

/** The slot's positions before a stream resumes from an offset. */
export interface SlotPosition {
  readonly restartLsn: Lsn | null;
  readonly confirmedLsn: Lsn | null;
}

/** Whether changes between a complete offset and the slot's confirmed position are missing. */
export type Gap = "none" | "possible" | "certain";

/**
 * Judges whether another process moved the slot past the offset: pg_replication_slot_advance, or another reader. We
 * ourselves confirm no further than the stored `lsn_commit`, or leave the idle mark.
 *
 * Only possible: a transaction that was open while the slot was created has changes before the slot's first position,
 * and an offset among them does not always say where that was. And Debezium, whose offsets name no server, confirms the
 * last record that Kafka acknowledged, whose offset may be newer than the one stored when it was killed.
 */
export function judgeGap(offset: StoredOffset, confirmed: Lsn | null, isIdleMark: (confirmed: Lsn) => boolean): Gap {
  const covered = offset.lsnCommit ?? offset.lsnProc ?? offset.lsn;
  if (covered === null || confirmed === null || isIdleMark(confirmed)) return "none";
  if (confirmed <= Math.max(covered, offset.slotStart ?? NO_LSN)) return "none";
  if (offset.identity === null) return "possible";
  return offset.lsnCommit === null && offset.lsnProc !== null && offset.slotStart === null ? "possible" : "certain";
}

/**
 * Whether the slot still has everything after the offset. A slot that was dropped and recreated starts past the offset,
 * which leaves a gap. A slot we advanced on an idle source starts past it, too, without a gap: it has the idle mark.
 */
export function judgeAvailability(
  offset: StoredOffset,
  slot: SlotPosition,
  isIdleMark: (confirmed: Lsn) => boolean,
): "available" | "lost" {
  const stored = offset.lsnProc ?? offset.lsn;
  if (stored === null || slot.restartLsn === null || slot.restartLsn <= stored) return "available";
  return slot.confirmedLsn !== null && isIdleMark(slot.confirmedLsn) ? "available" : "lost";
}
