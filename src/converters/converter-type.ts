import { type ConfigKey, oneOf } from "../api/index.js";

/** The first key of every built-in converter. The worker sets it, so users need not. */
export const converterType = {
  type: "string",
  doc: "The use of the converter: for a record's key, its value, or a header.",
  importance: "low",
  check: oneOf("key", "value", "header"),
} as const satisfies ConfigKey;

/** `props` with `converter.type` set to `use`. */
export function withConverterType(
  props: Readonly<Record<string, string>>,
  use: "key" | "value" | "header",
): Record<string, string> {
  return { ...props, "converter.type": use };
}
