import { type ConfigDef, ConfigError, type Props, parseConfig } from "../../api/index.js";

const tasksConfig = {
  "tasks.max": { type: "int", default: 1, doc: "The most tasks the connector may have." },
  "tasks.max.enforce": { type: "boolean", default: true, doc: "Whether a connector that gives more fails (KIP-1004)." },
} as const satisfies ConfigDef;

/** `tasks.max` of a connector. @throws ConfigError */
export function tasksMax(props: Props): number {
  return parseConfig(tasksConfig, props)["tasks.max"];
}

/**
 * Holds a number of tasks against `tasks.max` (KIP-1004).
 *
 * @throws ConfigError when there are more and `tasks.max.enforce` holds.
 * @returns a warning when there are more and they are let through.
 */
export function checkTaskCount(name: string, props: Props, count: number): string | undefined {
  const { "tasks.max": max, "tasks.max.enforce": enforced } = parseConfig(tasksConfig, props);
  if (count <= max) return undefined;
  const found = `The connector ${name} has generated ${count} tasks, which is greater than tasks.max=${max}`;
  if (enforced)
    throw new ConfigError("tasks.max", `${found}; raise tasks.max, or set tasks.max.enforce=false to let it pass`);
  return `${found}; they are let through because tasks.max.enforce=false`;
}
