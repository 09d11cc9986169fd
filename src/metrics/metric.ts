import type { TaskSnapshot } from "../worker/worker.js";

/** The values of a metric's labels. */
export type Labels = Readonly<Record<string, string>>;

/** One metric of /metrics, computed from a report of type R. */
export interface Metric<R> {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly labels: readonly string[];
  readonly help: string;
  samples(report: R): Iterable<readonly [labels: Labels, value: number]>;
}

/** The labels of a task. */
export function labelsOf({ connector, task }: TaskSnapshot["id"]): Labels {
  return { connector, task: String(task) };
}
