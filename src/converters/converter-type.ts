import { type ConfigKey, oneOf } from "../api/index.js";

/** The key that every built-in converter lists first; the worker says it, users need not. */
export const converterType = {
  type: "string",
  doc: "What the converter is used for: a record's key, its value, or a header.",
  importance: "low",
  check: oneOf("key", "value", "header"),
} as const satisfies ConfigKey;

/** The properties with `converter.type` as it follows from how the converter is used. */
export function withConverterType(
  props: Readonly<Record<string, string>>,
  use: "key" | "value" | "header",
): Record<string, string> {
  return { ...props, "converter.type": use };
}
