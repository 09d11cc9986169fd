import { type ConfigAtom, type ConfigCheck, invalidValue } from "./config-def.js";

/** ConfigDef.Range.atLeast. */
export function atLeast(low: number): ConfigCheck {
  return between(low, Number.POSITIVE_INFINITY);
}

/** ConfigDef.Range.between, both ends included. */
export function between(low: number, high: number): ConfigCheck {
  return (key, value) => {
    if (value === null) return invalidValue(key, value, "Value must be non-null");
    if (typeof value !== "number") return undefined;
    if (value < low) return invalidValue(key, value, `Value must be at least ${low}`);
    if (value > high) return invalidValue(key, value, `Value must be no more than ${high}`);
    return undefined;
  };
}

/** ConfigDef.ValidString. */
export function oneOf(...allowed: readonly string[]): ConfigCheck {
  return (key, value) =>
    typeof value === "string" && allowed.includes(value)
      ? undefined
      : invalidValue(key, value, `String must be one of: ${allowed.join(", ")}`);
}

/** ConfigDef.CaseInsensitiveValidString. The message lists the allowed values in their original case. */
export function oneOfIgnoringCase(...allowed: readonly string[]): ConfigCheck {
  const upper = allowed.map((text) => text.toUpperCase());
  return (key, value) =>
    typeof value === "string" && upper.includes(value.toUpperCase())
      ? undefined
      : invalidValue(key, value, `String must be one of (case insensitive): ${allowed.join(", ")}`);
}

/** ConfigDef.NonEmptyString: accepts null but not the empty string. */
export const nonEmpty: ConfigCheck = (key, value: ConfigAtom) =>
  value === "" ? invalidValue(key, value, "String must be non-empty") : undefined;

/** All of these checks; the first complaint counts. */
export function allOf(...checks: readonly ConfigCheck[]): ConfigCheck {
  return (key, value) => {
    for (const check of checks) {
      const complaint = check(key, value);
      if (complaint !== undefined) return complaint;
    }
    return undefined;
  };
}
