import { ConfigError, type Props, parseConfig } from "../../api/index.js";
import { TASK_COUNT_KEYS } from "../../contract/connector-keys.js";

/** `tasks.max` of a connector. @throws ConfigError */
export function tasksMax(props: Props): number {
  return parseConfig(TASK_COUNT_KEYS, props)["tasks.max"];
}

/**
 * Holds a number of tasks against `tasks.max` (KIP-1004).
 *
 * @throws ConfigError when there are more and `tasks.max.enforce` holds.
 * @returns a warning when there are more and they are let through.
 */
export function checkTaskCount(name: string, props: Props, count: number): string | undefined {
  const { "tasks.max": max, "tasks.max.enforce": enforced } = parseConfig(TASK_COUNT_KEYS, props);
  if (count <= max) return undefined;
  const found = `The connector ${name} has generated ${count} tasks, which is greater than tasks.max=${max}`;
  if (enforced)
    throw new ConfigError("tasks.max", `${found}; raise tasks.max, or set tasks.max.enforce=false to let it pass`);
  return `${found}; they are let through because tasks.max.enforce=false`;
}
