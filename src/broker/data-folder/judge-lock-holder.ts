import type { LockHolder, ProcessSight } from "./lock-holder.js";

/** held: it lives. stale: it is gone. watch: its process cannot be checked from here, so its heartbeat decides. */
export type HolderVerdict = "held" | "stale" | "watch";

/**
 * Judges whether the process named in a lock file still lives.
 *
 * @param holder undefined when the file cannot be read (yet).
 * @param place this process's `LockHolder.place`.
 * @param sight the state of the holder's process id here; it counts only if the holder runs in the same place.
 */
export function judgeLockHolder(
  holder: LockHolder | undefined,
  place: string | null,
  sight: ProcessSight,
): HolderVerdict {
  if (!holder || holder.place === null || holder.place !== place) return "watch";
  if (sight.kind === "gone") return "stale";
  if (holder.started === null || sight.started === null) return "watch";
  return holder.started === sight.started ? "held" : "stale";
}
