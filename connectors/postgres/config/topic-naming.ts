import {
  ConfigError,
  type ConfigValues,
  invalidValue,
  javaReplacer,
  type SubmittedProps,
} from "../../../src/api/index.js";
import type { CONNECTOR_KEYS } from "./connector-keys.js";

/** How topics are named: `topic.naming.strategy` and its keys. */
export interface TopicNaming {
  readonly prefix: string;
  readonly delimiter: string;
  /** Whether the name holds the table's schema. */
  readonly hasSchema: boolean;
  /** Whether a character that Kafka does not allow becomes its code, not `_`. */
  readonly isUnicode: boolean;
  /** The topic that replaces one of that name; undefined: none. */
  readonly route: (topic: string) => string | undefined;
  /** The key's additional field, which tells the tables of one topic apart. */
  readonly keyField: KeyField | null;
}

interface KeyField {
  readonly name: string;
  /** @returns undefined where the topic's own name identifies the table. */
  identify(topic: string): string | undefined;
}

/** Debezium's own classes, with what tells them apart. */
const STRATEGIES: Readonly<
  Record<string, Pick<TopicNaming, "hasSchema" | "isUnicode"> & { readonly isRegex: boolean }>
> = Object.fromEntries(
  [true, false].flatMap((hasSchema) =>
    ["", "Unicode", "Regex"].map((kind) => [
      `io.debezium.schema.${hasSchema ? "Schema" : "Default"}${kind}TopicNamingStrategy`,
      { hasSchema, isUnicode: kind === "Unicode", isRegex: kind === "Regex" },
    ]),
  ),
);

const NO_ROUTE = () => undefined;

/** The complaint about a strategy's class, or undefined. */
export function strategyFault(name: string): string | undefined {
  return Object.hasOwn(STRATEGIES, name)
    ? undefined
    : `Java classes are not loaded, only Debezium's own strategies are known here: ${Object.keys(STRATEGIES).join(", ")}`;
}

/** The complaints about the keys of strategies with patterns, by key. */
export function regexFaults(props: SubmittedProps): [string, string][] {
  const { isRegex } = STRATEGIES[props["topic.naming.strategy"]?.trim() ?? ""] ?? { isRegex: false };
  if (!isRegex) return [];
  const setting = (key: string) => props[key]?.trim() || null;
  const [regex, replacement] = [setting("topic.regex"), setting("topic.replacement")];
  const [keyRegex, keyReplacement] = [setting("topic.key.field.regex"), setting("topic.key.field.replacement")];
  const faults: [string, string][] = [];
  if (regex === null) faults.push(["topic.regex", "A value is required"]);
  if (replacement === null)
    faults.push([
      "topic.replacement",
      regex === null ? "A value is required" : "topic.replacement must be non-empty if topic.regex is set.",
    ]);
  if (keyRegex !== null && keyReplacement === null)
    faults.push([
      "topic.key.field.replacement",
      "topic.key.field.replacement must be non-empty if topic.key.field.regex is set.",
    ]);
  const pairs = [
    ["topic.regex", regex, "topic.replacement", replacement],
    ["topic.key.field.regex", keyRegex, "topic.key.field.replacement", keyReplacement],
  ] as const;
  for (const [pattern, source, key, text] of pairs) {
    if (source === null || text === null) continue;
    try {
      javaReplacer({ pattern, replacement: key }, source, text);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push([error.key, error.cause instanceof Error ? error.cause.message : error.message]);
    }
  }
  return faults;
}

/** @throws ConfigError */
export function parseTopicNaming(config: ConfigValues<typeof CONNECTOR_KEYS>): TopicNaming {
  const className = config["topic.naming.strategy"];
  const strategy = STRATEGIES[className];
  if (!strategy)
    throw new ConfigError(
      "topic.naming.strategy",
      invalidValue("topic.naming.strategy", className, strategyFault(className) ?? ""),
    );
  const { hasSchema, isUnicode, isRegex } = strategy;
  const named = {
    prefix: config["topic.prefix"] ?? "",
    delimiter: config["topic.delimiter"],
    hasSchema,
    isUnicode,
  };
  if (!isRegex) return { ...named, route: NO_ROUTE, keyField: null };
  const identifies = (config["topic.key.field.regex"] ?? "").trim() !== "";
  return {
    ...named,
    route: javaReplacer(
      { pattern: "topic.regex", replacement: "topic.replacement" },
      config["topic.regex"] ?? "",
      config["topic.replacement"] ?? "",
    ),
    keyField: config["topic.key.enforce.uniqueness"]
      ? {
          name: config["topic.key.field.name"],
          identify: identifies
            ? javaReplacer(
                { pattern: "topic.key.field.regex", replacement: "topic.key.field.replacement" },
                config["topic.key.field.regex"] ?? "",
                config["topic.key.field.replacement"] ?? "",
              )
            : NO_ROUTE,
        }
      : null,
  };
}
