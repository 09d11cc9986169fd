import { type ConfigCheck, ConfigError, invalidValue } from "../../api/index.js";

/** Debezium's rule for a key that must have a value. */
export const required: ConfigCheck = (key, value) =>
  value === null || (Array.isArray(value) && value.length === 0) || String(value).trim() === ""
    ? invalidValue(key, Array.isArray(value) ? null : value, "A value is required")
    : undefined;

/** Debezium's rule for a key with a list of values, in any case. */
export const oneIn =
  (...allowed: readonly string[]): ConfigCheck =>
  (key, value) =>
    allowed.includes(String(value).trim().toLowerCase())
      ? undefined
      : invalidValue(key, value, `Value must be one of ${allowed.join(", ")}`);

/** @throws ConfigError in Kafka's form */
export function refuse(key: string, value: string | null | undefined, detail: string): never {
  throw new ConfigError(key, invalidValue(key, value ?? null, detail));
}
