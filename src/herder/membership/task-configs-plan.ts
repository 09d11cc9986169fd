import type { ConnectorEntry } from "../../stores/config-fold.js";
import type { StoredProps } from "../../stores/config-records.js";

/**
 * Whether new task configs must be published: their number or content differs, or the connector's config has changed
 * since the last commit (converter and errors.* keys are in no task config, but its tasks must still restart).
 *
 * Also if the connector's record is newer than the last commit, although its config is the same: once compaction has
 * removed the older records, a worker that starts reads a commit before its connector, and has to ignore it as that of
 * a deleted one. It would never run a task of this connector. A commit that repeats the tasks restarts none.
 */
export function judgeTaskConfigs(entry: ConnectorEntry, fresh: readonly StoredProps[]): "publish" | "unchanged" {
  if (entry.inconsistent || fresh.length !== entry.taskConfigs.length) return "publish";
  if (entry.appliedConfig && !sameProps(entry.appliedConfig, entry.config)) return "publish";
  if (!entry.appliedConfig || entry.configOffset > entry.commitOffset) return "publish";
  return fresh.every((props, task) => sameProps(props, entry.taskConfigs[task]!)) ? "unchanged" : "publish";
}

/**
 * Whether a PAUSED connector's tasks must be committed again as they are: its config was written after their commit, and
 * the connector computes no new ones before it is resumed. A reader of the compacted topic would ignore that commit, as
 * in `judgeTaskConfigs`.
 */
export function mustRepeat({ taskConfigs, configOffset, commitOffset }: ConnectorEntry): boolean {
  return taskConfigs.length > 0 && configOffset > commitOffset;
}

/** Same keys and values, in any order. */
function sameProps(a: StoredProps, b: StoredProps): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && a[key] === b[key]);
}
