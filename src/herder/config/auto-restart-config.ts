import {
  type ConfigCheck,
  type ConfigDef,
  type ConfigValues,
  type ErrorKind,
  invalidValue,
  type Props,
  parseConfig,
  validateConfig,
} from "../../api/index.js";

/** The classes of errors: the kinds of src/api/errors, and `other` for everything else (a plugin's bug, Kafka's errors). */
const ERROR_CLASSES = ["retriable", "data", "config", "not-found", "conflict", "unsupported", "other"] as const;

const knownClasses: ConfigCheck = (key, value) => {
  const unknown = Array.isArray(value)
    ? value.find((name) => !ERROR_CLASSES.some((known) => known === name))
    : undefined;
  return unknown === undefined ? undefined : invalidValue(key, unknown, `Must be one of: ${ERROR_CLASSES.join(", ")}`);
};

const atLeastMs =
  (least: number): ConfigCheck =>
  (key, value) =>
    typeof value === "number" && value < least
      ? invalidValue(key, value, `Value must be at least ${least}`)
      : undefined;

/** Keys of a connector for automatic restarts. Kafka Connect has none: a FAILED task stays FAILED. */
export const autoRestartConfigDef = {
  "errors.restart.max.attempts": {
    type: "int",
    default: 0,
    doc: "The most automatic restarts of a failed connector or task in a row. 0: none, -1: no limit.",
    check: (key, value) =>
      typeof value === "number" && value < -1
        ? invalidValue(key, value, "Value must be -1 (no limit) or at least 0")
        : undefined,
  },
  "errors.restart.classes": {
    type: "list",
    default: ["retriable", "other"],
    doc: `Classes of errors that are restarted: ${ERROR_CLASSES.join(", ")}.`,
    check: knownClasses,
  },
  "errors.restart.delay.ms": {
    type: "long",
    default: 1_000,
    doc: "Delay before the first restart, in ms. Each further one waits twice as long.",
    check: atLeastMs(100),
  },
  "errors.restart.delay.max.ms": {
    type: "long",
    default: 60_000,
    doc: "The longest delay before a restart, in ms.",
    check: atLeastMs(100),
  },
  "errors.restart.reset.ms": {
    type: "long",
    default: 600_000,
    doc: "Time without a failure after which restarts are counted anew, in ms.",
    check: atLeastMs(1_000),
  },
} as const satisfies ConfigDef;

export type AutoRestartPolicy = ConfigValues<typeof autoRestartConfigDef>;

/** The errors in a connector's `errors.restart.*` keys, by key. */
export function autoRestartFaults(connector: Props): ReadonlyMap<string, readonly string[]> {
  const values = validateConfig(autoRestartConfigDef, autoRestartProps(connector));
  const faults = new Map(values.filter(({ errors }) => errors.length > 0).map(({ name, errors }) => [name, errors]));
  if (faults.size > 0) return faults;
  const [first, longest] = ["errors.restart.delay.ms", "errors.restart.delay.max.ms"] as const;
  const policy = parseAutoRestartPolicy(connector);
  if (policy[first] <= policy[longest]) return faults;
  const [key, detail] =
    connector[first] === undefined
      ? ([longest, `Value must be at least ${first}, ${policy[first]}`] as const)
      : ([first, `Value must be at most ${longest}, ${policy[longest]}`] as const);
  return faults.set(key, [invalidValue(key, policy[key], detail)]);
}

/** @throws ConfigError */
export function parseAutoRestartPolicy(connector: Props): AutoRestartPolicy {
  return parseConfig(autoRestartConfigDef, autoRestartProps(connector));
}

/** A connector's keys for automatic restarts. */
export function autoRestartProps<P extends Readonly<Record<string, string | null>>>(connector: P): P {
  return Object.fromEntries(Object.entries(connector).filter(([key]) => key in autoRestartConfigDef)) as P;
}

/** The class of an error of this kind. */
export function errorClass(kind: ErrorKind | null): (typeof ERROR_CLASSES)[number] {
  return kind ?? "other";
}
