import type { Lsn } from "./lsn.js";
import { isIdleConfirmation } from "./lsn.js";
import type { SlotState } from "./replication-slot.js";
import { judgeAvailability } from "./resume-point.js";
import type { SnapshotMode } from "./settings.js";
import type { StoredOffset } from "./source-offset.js";

/** What a start, or a new connection after a failure, begins with. */
export type StartPlan =
  /** `slot`: create makes one and reads from its snapshot; keep reads in a transaction of its own; none needs none. */
  | { readonly kind: "snapshot"; readonly slot: "create" | "keep" | "recreate" | "none" }
  | { readonly kind: "stream"; readonly slot: "create" | "keep" }
  /** There is nothing to do, now or later. */
  | { readonly kind: "idle" }
  | { readonly kind: "refuse"; readonly reason: string };

export interface StartScene {
  readonly mode: SnapshotMode;
  /** The stored offset, or where this process got to. */
  readonly offset: StoredOffset | null;
  readonly slot: SlotState | undefined;
  readonly slotName: string;
  /** This task has taken its snapshot already: `always` means at each start, not at each connection. */
  readonly hasSnapshot: boolean;
}

export function planStart(scene: StartScene): StartPlan {
  const { mode, offset, slot } = scene;
  const isUnfinished = offset === null || offset.isSnapshotRunning;
  if (mode === "initial_only") return isUnfinished ? { kind: "snapshot", slot: "none" } : { kind: "idle" };
  if (mode === "no_data" && offset?.isSnapshotRunning)
    return {
      kind: "refuse",
      reason:
        "The connector previously stopped while taking a snapshot, but now the connector is configured to never allow snapshots. Reconfigure the connector to use snapshots initially or when needed.",
    };
  if (slot?.isLost && mode !== "when_needed")
    return {
      kind: "refuse",
      reason: `Replication slot ${scene.slotName} has been invalidated (wal_status=lost): changes that it was to keep are gone. Drop it, remove the connector's offsets and start again to take a new snapshot (snapshot.mode=when_needed does so by itself), and raise max_slot_wal_keep_size.`,
    };
  if (isUnfinished) {
    if (mode === "no_data") return { kind: "stream", slot: slot ? "keep" : "create" };
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  }
  const isLost = !slot || slot.isLost || judgeAvailability(offset, slot, isIdleConfirmation) === "lost";
  if (isLost && mode === "when_needed")
    return { kind: "snapshot", slot: slot ? (slot.isLost ? "recreate" : "keep") : "create" };
  if (mode === "always" && !scene.hasSnapshot) return { kind: "snapshot", slot: slot ? "keep" : "create" };
  if (isLost) return { kind: "refuse", reason: unavailable(scene) };
  return { kind: "stream", slot: "keep" };
}

function unavailable({ offset, slot, slotName }: StartScene): string {
  const position = (lsn: Lsn | null | undefined) => (lsn === null || lsn === undefined ? "none" : String(lsn));
  const why = slot
    ? `replication slot ${slotName} begins at ${position(slot.restartLsn)}, behind it`
    : `replication slot ${slotName} does not exist`;
  return `The connector is trying to read change stream starting at PostgresOffsetContext [lsn_proc=${position(offset?.lsnProc)}, lsn=${position(offset?.lsn)}], but this is no longer available on the server: ${why}. Reconfigure the connector to use a snapshot mode when needed.`;
}
