import type { FencingState } from "../../stores/config-fold.js";

/** The steps before the tasks of a connector's newest commit may write. */
export type FencingPlan =
  /** Nothing: it has happened. */
  | { readonly kind: "none" }
  /** Only the number of tasks is recorded: each task fences its own predecessor by itself. */
  | { readonly kind: "record" }
  /** The producers with these numbers are fenced, and then the number of tasks is recorded. */
  | { readonly kind: "fence"; readonly tasks: readonly number[] };

/**
 * Plans the fencing of the producers of a connector's earlier tasks (KIP-618). A task fences only its own predecessor,
 * of the same number, when it starts; another number of tasks may divide the source differently, so that then all
 * must be fenced before any starts.
 *
 * @param taskCount the number of tasks of the newest commit.
 */
export function planFencing(state: FencingState | undefined, taskCount: number): FencingPlan {
  if (state?.isPending === false) return { kind: "none" };
  const recorded = state?.recordedTasks;
  if (recorded === undefined || (recorded === 1 && taskCount === 1)) return { kind: "record" };
  return { kind: "fence", tasks: Array.from({ length: recorded }, (_, task) => task) };
}
