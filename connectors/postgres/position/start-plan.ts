import type { SnapshotMode } from "../config/settings.js";
import { formatLsn, isIdleConfirmation, type Lsn, NO_LSN } from "../wal/lsn.js";
import type { SlotState } from "../wal/replication-slot.js";
import { judgeAvailability, wasMovedPast } from "./resume-point.js";
import { furthestOf, type StoredOffset } from "./source-offset.js";

/** The first step of a start, or of a new connection after a failure. */
export type StartPlan =
  /** `slot`: create and recreate read from the new slot's exported snapshot; keep and none from a plain transaction. */
  | { readonly kind: "snapshot"; readonly slot: "create" | "keep" | "recreate" | "none" }
  | { readonly kind: "stream"; readonly slot: "create" | "keep" }
  /** Nothing to do, now or later. */
  | { readonly kind: "idle" }
  /** The obstacle will pass: retry. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly reason: string };

/** The end of the server's WAL. */
export interface WalEnd {
  /** Flushed on a primary; received or replayed, whichever is further, on a standby. */
  readonly lsn: Lsn;
  readonly isStandby: boolean;
}

export interface StartScene {
  readonly mode: SnapshotMode;
  /** The stored offset, or the progress of this process. */
  readonly offset: StoredOffset | null;
  readonly slot: SlotState | undefined;
  readonly slotName: string;
  /** The end of the server's WAL; null: not queried, because no slot exists. */
  readonly wal: WalEnd | null;
  /** False: lsn.flush.mode=manual, another process moves the slot. */
  readonly confirmsLsn: boolean;
  /** This task has already taken its snapshot: `always` means at each start, not at each connection. */
  readonly hasSnapshot: boolean;
}

export function planStart(scene: StartScene): StartPlan {
  const { mode, offset, wal } = scene;
  const isUnfinished = offset === null || offset.isSnapshotRunning;
  if (mode === "initial_only") return isUnfinished ? { kind: "snapshot", slot: "none" } : { kind: "idle" };
  const isOffsetAhead = !isUnfinished && wal !== null && furthestOf(offset) > wal.lsn;
  const isSlotAhead = wal !== null && (scene.slot?.confirmedLsn ?? NO_LSN) > wal.lsn;
  // A restarted standby must first replay the WAL it had already sent.
  if ((isOffsetAhead || isSlotAhead) && wal?.isStandby) return { kind: "wait", reason: ahead(scene) };
  // Streaming from a slot past the end of the WAL would skip everything written up to the slot's position.
  const slot = scene.slot && { ...scene.slot, isLost: scene.slot.isLost || isSlotAhead };
  if (mode === "no_data" && offset?.isSnapshotRunning)
    return {
      kind: "refuse",
      reason:
        "The connector previously stopped while taking a snapshot, but now the connector is configured to never allow snapshots. Reconfigure the connector to use snapshots initially or when needed.",
    };
  if (isSlotAhead && mode !== "when_needed") return { kind: "refuse", reason: ahead(scene) };
  if (slot?.isLost && mode !== "when_needed")
    return {
      kind: "refuse",
      reason: `Replication slot ${scene.slotName} has been invalidated (wal_status=lost): it no longer holds its changes. Drop it and take a new snapshot (snapshot.mode=when_needed does both), and raise max_slot_wal_keep_size.`,
    };
  if (isUnfinished) {
    if (mode === "no_data") return { kind: "stream", slot: slot ? "keep" : "create" };
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  }
  const isLost =
    isOffsetAhead || !slot || slot.isLost || judgeAvailability(offset, slot, isIdleConfirmation) === "lost";
  // The gap is not certain. when_needed takes a snapshot, which at worst is only slow; the other modes only warn.
  const isSkipping = !isLost && scene.confirmsLsn && wasMovedPast(offset, slot.confirmedLsn, isIdleConfirmation);
  if ((isLost || isSkipping) && mode === "when_needed")
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  if (mode === "always" && !scene.hasSnapshot) return { kind: "snapshot", slot: slot ? "keep" : "create" };
  if (isOffsetAhead) return { kind: "refuse", reason: ahead(scene) };
  if (isLost) return { kind: "refuse", reason: unavailable(scene) };
  return { kind: "stream", slot: "keep" };
}

function ahead({ offset, slot, slotName, wal }: StartScene): string {
  const end = wal!.lsn;
  const confirmed = slot?.confirmedLsn ?? NO_LSN;
  const position =
    confirmed > end
      ? `Replication slot ${slotName} is confirmed up to ${formatLsn(confirmed)} (${confirmed})`
      : `The stored offset is at ${formatLsn(furthestOf(offset!))} (${furthestOf(offset!)})`;
  const where = `${position}, which is ahead of the server: its WAL ends at ${formatLsn(end)} (${end})`;
  if (wal!.isStandby) return `${where}. Waiting for the standby to catch up`;
  return `${where}. The database was restored to an earlier point, or it is a different one: changes up to that position would be skipped. To take a new snapshot, set snapshot.mode=when_needed${confirmed > end ? ", which recreates the slot" : ""}.`;
}

function unavailable({ offset, slot, slotName }: StartScene): string {
  const position = (lsn: Lsn | null | undefined) => (lsn === null || lsn === undefined ? "none" : String(lsn));
  const why = slot
    ? `replication slot ${slotName} begins at ${position(slot.restartLsn)}, behind it`
    : `replication slot ${slotName} does not exist`;
  return `The connector is trying to read change stream starting at PostgresOffsetContext [lsn_proc=${position(offset?.lsnProc)}, lsn=${position(offset?.lsn)}], but this is no longer available on the server: ${why}. To take a new snapshot, set snapshot.mode=when_needed.`;
}
