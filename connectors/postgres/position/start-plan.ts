import type { SnapshotRules } from "../config/snapshot-rules.js";
import { formatLsn, isIdleConfirmation, type Lsn, NO_LSN } from "../wal/lsn.js";
import type { SlotState } from "../wal/replication-slot.js";
import type { WalEnd } from "../wal/wal-end.js";
import type { Lineage } from "./lineage.js";
import { type Gap, judgeAvailability, judgeGap } from "./resume-point.js";
import { furthestOf, type StoredOffset } from "./source-offset.js";

/** The first step of a start, or of a new connection after a failure. */
export type StartPlan =
  /** `slot`: create and recreate read from the new slot's exported snapshot; keep and none from a plain transaction. */
  | { readonly kind: "snapshot"; readonly slot: "create" | "keep" | "recreate" | "none" }
  /** `warning`: changes that are, or may be, skipped. */
  | { readonly kind: "stream"; readonly slot: "create" | "keep"; readonly warning?: string }
  /** Nothing to do, now or later. */
  | { readonly kind: "idle" }
  /** The obstacle will pass: retry. */
  | { readonly kind: "wait"; readonly reason: string }
  | { readonly kind: "refuse"; readonly reason: string };

export interface StartScene {
  readonly rules: SnapshotRules;
  /** The stored offset, or the progress of this process. */
  readonly offset: StoredOffset | null;
  readonly slot: SlotState | undefined;
  readonly slotName: string;
  readonly wal: WalEnd;
  /** How the offset's WAL relates to the server's; "same" without an offset. */
  readonly lineage: Lineage;
  /** False: lsn.flush.mode=manual, another process moves the slot. */
  readonly confirmsLsn: boolean;
  /** offset.mismatch.strategy: skip what the slot no longer has. */
  readonly trustsSlot: boolean;
  /** This task has already taken its snapshot: at each start does not mean at each connection. */
  readonly hasSnapshot: boolean;
}

export function planStart(scene: StartScene): StartPlan {
  const { rules, offset, wal, lineage } = scene;
  const { takes, retakesWhenLost } = rules;
  const isUnfinished = offset === null || offset.isSnapshotRunning;
  const isDue = takes === "at each start" ? !scene.hasSnapshot : takes === "once" && isUnfinished;
  if (!rules.streams) return isDue ? { kind: "snapshot", slot: "none" } : { kind: "idle" };
  // Another database's rows beside those already sent: no mode may decide that by itself.
  if (lineage.kind === "foreign") return { kind: "refuse", reason: `${lineage.reason}.` };
  const isOffsetAhead = !isUnfinished && furthestOf(offset) > wal.lsn;
  const isSlotAhead = (scene.slot?.confirmedLsn ?? NO_LSN) > wal.lsn;
  if (wal.isStandby) {
    const obstacle = standbyObstacle(scene, isOffsetAhead || isSlotAhead);
    if (obstacle !== undefined) return { kind: "wait", reason: obstacle };
  }
  // Streaming from a slot past the end of the WAL would skip everything written up to the slot's position.
  const slot = scene.slot && { ...scene.slot, isLost: scene.slot.isLost || isSlotAhead };
  if (takes === "never" && offset?.isSnapshotRunning)
    return {
      kind: "refuse",
      reason:
        "The connector previously stopped while taking a snapshot, but now the connector is configured to never allow snapshots. Reconfigure the connector to use snapshots initially or when needed.",
    };
  if (isSlotAhead && !retakesWhenLost) return { kind: "refuse", reason: ahead(scene) };
  if (slot?.isLost && !retakesWhenLost)
    return {
      kind: "refuse",
      reason: `Replication slot ${scene.slotName} has been invalidated (wal_status=lost): it no longer holds its changes. Drop it and take a new snapshot (snapshot.mode=when_needed does both), and raise max_slot_wal_keep_size.`,
    };
  if (isUnfinished) {
    if (takes === "never" && !slot?.isLost) return { kind: "stream", slot: slot ? "keep" : "create" };
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  }
  const hasDiverged = lineage.kind !== "same";
  const isLost =
    hasDiverged ||
    isOffsetAhead ||
    !slot ||
    slot.isLost ||
    judgeAvailability(offset, slot, isIdleConfirmation) === "lost";
  const gap = isLost ? "none" : judgeGap(offset, slot.confirmedLsn, isIdleConfirmation);
  // Even a possible gap is worth a snapshot, which at worst is only slow.
  if ((isLost || (gap !== "none" && scene.confirmsLsn)) && retakesWhenLost)
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  if (takes === "at each start" && isDue) return { kind: "snapshot", slot: slot ? "keep" : "create" };
  if (hasDiverged) return { kind: "refuse", reason: `${lineage.reason}. ${TO_SNAPSHOT}` };
  if (isOffsetAhead) return { kind: "refuse", reason: ahead(scene) };
  if (isLost) return { kind: "refuse", reason: unavailable(scene) };
  return planThroughGap(scene, gap);
}

const TO_SNAPSHOT = "To take a new snapshot, set snapshot.mode=when_needed.";

/** START_REPLICATION never starts before the slot's confirmed position. Debezium skips such changes silently. */
function planThroughGap(scene: StartScene, gap: Gap): StartPlan {
  if (gap === "none") return { kind: "stream", slot: "keep" };
  const stored = furthestOf(scene.offset!);
  const confirmed = scene.slot!.confirmedLsn!;
  const positions = `Replication slot ${scene.slotName} was moved to ${formatLsn(confirmed)} (${confirmed}), past the stored offset ${formatLsn(stored)} (${stored}), by ${scene.offset!.identity === null ? "the Debezium that stored it, or " : ""}another process: changes between the two ${gap === "certain" ? "are" : "may be"} lost to this connector`;
  const remedy = "use a separate slot for each reader";
  // Under manual, the process that moves the slot knows of what was sent more than the stored offset does.
  if (gap === "possible" || !scene.confirmsLsn || scene.trustsSlot)
    return {
      kind: "stream",
      slot: "keep",
      warning: `${positions}. To get them, take a new snapshot (snapshot.mode=always at the next start), and ${remedy}`,
    };
  return {
    kind: "refuse",
    reason: `${positions}. ${TO_SNAPSHOT} To go on without them, set offset.mismatch.strategy=trust_slot. And ${remedy}.`,
  };
}

/** Why a standby cannot serve the connector yet, although it may later, or once it is promoted. */
function standbyObstacle(scene: StartScene, isAhead: boolean): string | undefined {
  const { offset, slot, slotName, lineage } = scene;
  if (isAhead) return ahead(scene);
  if (lineage.kind === "earlier") return `${lineage.reason}. Waiting for the standby to follow`;
  if (slot?.isSynced)
    return `Replication slot ${slotName} is synchronized from the primary, and cannot be read on the standby. Waiting for its promotion; or connect to the primary`;
  if (!slot && offset !== null && !offset.isSnapshotRunning)
    return `Replication slot ${slotName} does not exist on the standby. Waiting for it to be synchronized (slot.failover), or connect to the server that has it`;
  return undefined;
}

function ahead({ offset, slot, slotName, wal }: StartScene): string {
  const end = wal.lsn;
  const confirmed = slot?.confirmedLsn ?? NO_LSN;
  const position =
    confirmed > end
      ? `Replication slot ${slotName} is confirmed up to ${formatLsn(confirmed)} (${confirmed})`
      : `The stored offset is at ${formatLsn(furthestOf(offset!))} (${furthestOf(offset!)})`;
  const where = `${position}, which is ahead of the server: its WAL ends at ${formatLsn(end)} (${end})`;
  if (wal.isStandby) return `${where}. Waiting for the standby to catch up`;
  return `${where}. The database was restored to an earlier point, or it is a different one: changes up to that position would be skipped. To take a new snapshot, set snapshot.mode=when_needed${confirmed > end ? ", which recreates the slot" : ""}.`;
}

function unavailable({ offset, slot, slotName }: StartScene): string {
  const position = (lsn: Lsn | null | undefined) => (lsn === null || lsn === undefined ? "none" : String(lsn));
  const why = slot
    ? `replication slot ${slotName} begins at ${position(slot.restartLsn)}, behind it`
    : `replication slot ${slotName} does not exist`;
  return `The connector is trying to read change stream starting at PostgresOffsetContext [lsn_proc=${position(offset?.lsnProc)}, lsn=${position(offset?.lsn)}], but this is no longer available on the server: ${why}. To take a new snapshot, set snapshot.mode=when_needed.`;
}
