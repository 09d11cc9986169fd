import { ConfigError, DataError } from "../../api/index.js";
import { STRATEGIES } from "./registry-converter-keys.js";

/**
 * The subject of a record's schema.
 * @throws DataError SCHEMA_INVALID when the strategy needs a record's name and there is none.
 */
export type SubjectName = (topic: string, recordName: string | undefined) => string;

/**
 * The subjects of a strategy, by its class.
 * @throws ConfigError for another class.
 */
export function subjectNames(key: string, className: string, isKey: boolean): SubjectName {
  const named = (recordName: string | undefined) => {
    if (recordName !== undefined) return recordName;
    const part = isKey ? "key" : "value";
    throw new DataError(
      "SCHEMA_INVALID",
      `In configuration ${key} = ${className}, the message ${part} must only be a record schema`,
    );
  };
  switch (className) {
    case STRATEGIES.topic:
      return (topic) => `${topic}-${isKey ? "key" : "value"}`;
    case STRATEGIES.record:
      return (_topic, recordName) => named(recordName);
    case STRATEGIES.topicRecord:
      return (topic, recordName) => `${topic}-${named(recordName)}`;
  }
  throw new ConfigError(
    key,
    `Invalid value ${className} for configuration ${key}: it must be one of ${Object.values(STRATEGIES).join(", ")}; Java classes cannot be loaded`,
    { code: "CONFIG_UNSUPPORTED" },
  );
}
