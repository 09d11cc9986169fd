import type { TaskId } from "../contract/task-id.js";

/** Connectors and tasks that a worker has or should have. */
export interface Work {
  readonly connectors: ReadonlySet<string>;
  /** By `taskKey`. */
  readonly tasks: ReadonlyMap<string, TaskId>;
}

export const NO_WORK: Work = { connectors: new Set(), tasks: new Map() };

/** A task's name in sets, maps and Kafka Connect's messages: `orders-sink-0`. The number follows the last hyphen. */
export function taskKey({ connector, task }: TaskId): string {
  return `${connector}-${task}`;
}

/** Work from lists. */
export function workOf(connectors: Iterable<string>, tasks: Iterable<TaskId>): Work {
  const byKey = new Map<string, TaskId>();
  for (const task of tasks) byKey.set(taskKey(task), task);
  return { connectors: new Set(connectors), tasks: byKey };
}

/** The work in `a` or `b`. */
export function union(a: Work, b: Work): Work {
  return { connectors: new Set([...a.connectors, ...b.connectors]), tasks: new Map([...a.tasks, ...b.tasks]) };
}

/** The work in `a` but not in `b`. */
export function minus(a: Work, b: Work): Work {
  return {
    connectors: new Set([...a.connectors].filter((name) => !b.connectors.has(name))),
    tasks: new Map([...a.tasks].filter(([key]) => !b.tasks.has(key))),
  };
}

/** The work in both `a` and `b`. */
export function intersection(a: Work, b: Work): Work {
  return {
    connectors: new Set([...a.connectors].filter((name) => b.connectors.has(name))),
    tasks: new Map([...a.tasks].filter(([key]) => b.tasks.has(key))),
  };
}

export function isEmpty(work: Work): boolean {
  return work.connectors.size === 0 && work.tasks.size === 0;
}
