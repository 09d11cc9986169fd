import type { ConnectValue, Schema, Struct } from "../../api/index.js";

/** `replace.null.with.default` of most transformations (KIP-1040). */
export const REPLACE_NULL = {
  "replace.null.with.default": {
    type: "boolean",
    default: true,
    importance: "medium",
    doc: "Whether a field that is null and has a default is set to it.",
  },
} as const;

/** The default that stands in for a null of this schema, or null. */
export function defaultOf(schema: Schema, replacesNull: boolean): ConnectValue {
  return replacesNull && schema.hasDefault ? (schema.defaultValue as ConnectValue) : null;
}

/** A field's value, or its default in place of null. */
export function fieldValue(struct: Struct, index: number, replacesNull: boolean): ConnectValue {
  const value = struct.at(index);
  return value === null ? defaultOf(struct.schema.fields[index]!.schema, replacesNull) : value;
}
