import {
  type ConfigCheck,
  ConfigError,
  type ConfigKey,
  type ConnectRecord,
  invalidValue,
  javaPattern,
} from "../../api/index.js";
import { parseExpression } from "../expression/expression.js";
import { isPattern } from "../record/pattern-check.js";
import { oneIn, required } from "./config-rules.js";

const LANGUAGES = ["millrace", "jsr223.groovy"];

const isLanguage: ConfigCheck = (key, value) =>
  required(key, value) ??
  (LANGUAGES.includes(String(value))
    ? undefined
    : invalidValue(
        key,
        value,
        `the languages are ${LANGUAGES.join(" and ")}, both the subset of Groovy that docs/transforms.md describes`,
      ));

const isExpression: ConfigCheck = (key, value) => {
  const missing = required(key, value);
  if (missing !== undefined) return missing;
  try {
    parseExpression(key, String(value));
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
};

const LOW = { type: "string", importance: "low", order: 1 } as const satisfies Partial<ConfigKey>;

export const TOPICS = {
  "topic.regex": {
    ...LOW,
    default: null,
    width: "long",
    displayName: "Topic regex",
    check: isPattern,
    doc: "A Java regular expression for the whole names of the topics whose records are looked at. Without it, all are.",
  },
  language: {
    type: "string",
    importance: "high",
    width: "medium",
    order: 1,
    displayName: "Expression language",
    check: isLanguage,
    doc: "The language of the expression: `jsr223.groovy` or `millrace`, both [a subset of Groovy](../transforms.md).",
  },
} as const satisfies Record<string, ConfigKey>;

/** The expression's own key. */
export const EXPRESSION = {
  type: "string",
  importance: "high",
  width: "medium",
  order: 1,
  check: isExpression,
} as const satisfies Partial<ConfigKey>;

export const NULLS = {
  "null.handling.mode": {
    ...LOW,
    default: "keep",
    width: "short",
    displayName: "Handle null records",
    check: oneIn("drop", "keep", "evaluate"),
    doc: "Records without a value: `keep` passes them on, `drop` leaves them out, `evaluate` evaluates the expression.",
  },
} as const satisfies Record<string, ConfigKey>;

/** Whether a record's expression is evaluated; if not, whether the record goes on as it is or is dropped. */
export type Handling = "evaluate" | "keep" | "drop";

/** Judges records before their expression is evaluated, by `topic.regex` and `null.handling.mode`. */
export function handlingOf(topicPattern: string | null, nulls: string): (record: ConnectRecord) => Handling {
  const pattern = topicPattern === null || topicPattern === "" ? undefined : javaPattern("topic.regex", topicPattern);
  const ofNulls = nulls.trim().toLowerCase() as Handling;
  return ({ topic, value }) => {
    if (pattern && !pattern.test(topic)) return "keep";
    return value === null ? ofNulls : "evaluate";
  };
}
