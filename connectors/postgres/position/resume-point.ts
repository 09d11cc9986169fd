import { type Lsn, NO_LSN } from "../wal/lsn.js";
import type { StoredOffset } from "./source-offset.js";

/**
 * Where a stream goes on, and what of it was handed over before.
 *
 * Postgres sends whole transactions, in the order of their commits, and within one in the order of its changes. So all
 * that was handed over is: the transactions that ended at or before `committed`, and of transaction `txId` the changes
 * before `processed`, and of those at `processed` the first `eventsAt` ones (rows of one COPY share a position).
 */
export interface ResumePoint {
  /** What START_REPLICATION asks for. */
  readonly startLsn: Lsn;
  readonly committed: Lsn;
  /** The transaction that was handed over in part; null: none was. */
  readonly txId: number | null;
  readonly processed: Lsn;
  readonly eventsAt: number;
}

/** From a stored offset. `fallback` is where to start when there is none: the slot's own position. */
export function planResume(offset: StoredOffset | null, fallback: Lsn): ResumePoint {
  if (offset === null || offset.lsnProc === null) {
    // Before the first streamed event: all that the slot has is to be sent.
    const startLsn = offset?.lsn ?? fallback;
    return { startLsn, committed: NO_LSN, txId: null, processed: NO_LSN, eventsAt: 0 };
  }
  // A message outside a transaction counts as one that ends at its own position.
  const endsTransaction =
    offset.messageType === "COMMIT" || (offset.messageType === "MESSAGE" && offset.lsnCommit === offset.lsnProc);
  const committed = offset.lsnCommit ?? (endsTransaction ? offset.lsnProc : NO_LSN);
  return {
    // Without a commit seen, the first transaction of the slot was handed over in part: it must come again, whole.
    startLsn: offset.lsnCommit ?? (endsTransaction ? offset.lsnProc : NO_LSN),
    committed,
    txId: endsTransaction ? null : offset.txId,
    processed: offset.lsnProc,
    eventsAt: isEvent(offset.messageType) ? offset.eventsProcessed : 0,
  };
}

/**
 * Debezium also stores the position of a BEGIN (with provide.transaction.metadata), and PostgreSQL 15 and later give it
 * that of the first change, which was not handed over then. Of a type that is unknown a repeated change is the lesser evil.
 */
function isEvent(messageType: string | null): boolean {
  return messageType !== null && /^(INSERT|UPDATE|DELETE|TRUNCATE|MESSAGE|COMMIT)$/.test(messageType);
}

/** How much of a transaction is to be left out. */
export type Skip = "nothing" | "whole" | "part";

/** Decided at BEGIN. `finalLsn` is where the commit record starts, which is before its end and after `committed`'s. */
export function judgeTransaction(point: ResumePoint, xid: number, finalLsn: Lsn): Skip {
  if (finalLsn < point.committed) return "whole";
  // Transaction ids come round again after 2^32: a later namesake has all its changes after `processed`.
  return point.txId !== null && point.txId === xid ? "part" : "nothing";
}

/** Whether an event of a transaction judged "part" was handed over; `ordinal` counts events at this position from 1. */
export function wasHandedOver(point: ResumePoint, lsn: Lsn, ordinal: number): boolean {
  return lsn < point.processed || (lsn === point.processed && ordinal <= point.eventsAt);
}

/** What the slot says when a stream is to go on from an offset. */
export interface SlotPosition {
  readonly restartLsn: Lsn | null;
  readonly confirmedLsn: Lsn | null;
}

/**
 * Whether the slot was moved past a complete offset by somebody else: by pg_replication_slot_advance, or another reader.
 * We confirm no further than the `lsn_commit` that is stored, or else leave the idle mark.
 *
 * Not certain: while another worker still reads, it stores and confirms more than the offset that this task was started
 * with; and a transaction that was under way while the slot was made has changes before the slot's first position.
 */
export function wasMovedPast(
  offset: StoredOffset,
  confirmed: Lsn | null,
  isIdleMark: (confirmed: Lsn) => boolean,
): boolean {
  const covered = offset.lsnCommit ?? offset.lsnProc ?? offset.lsn;
  return covered !== null && confirmed !== null && confirmed > covered && !isIdleMark(confirmed);
}

/**
 * Whether all that comes after the offset is still there. A slot that was dropped and made again starts behind it, with
 * a gap; so does one that we moved on while the source was idle, without a gap, and that one bears a mark.
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
