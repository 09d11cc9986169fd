import { ConfigError, type Props, parseConfig } from "../../api/index.js";
import { TASK_COUNT_KEYS } from "../../contract/connector-keys.js";

/** `tasks.max` of a connector. @throws ConfigError */
export function tasksMax(props: Props): number {
  return parseConfig(TASK_COUNT_KEYS, props)["tasks.max"];
}

/**
 * Checks the number of tasks against `tasks.max` (KIP-1004).
 *
 * @throws ConfigError for too many tasks under `tasks.max.enforce`.
 * @returns a warning for too many tasks without it.
 */
export function checkTaskCount(name: string, props: Props, count: number): string | undefined {
  const { "tasks.max": max, "tasks.max.enforce": enforced } = parseConfig(TASK_COUNT_KEYS, props);
  if (count <= max) return undefined;
  const found = `The connector ${name} has generated ${count} tasks, which is greater than tasks.max=${max}`;
  if (enforced)
    throw new ConfigError("tasks.max", `${found}; raise tasks.max, or set tasks.max.enforce=false to allow them`);
  return `${found}; allowed because tasks.max.enforce=false`;
}
