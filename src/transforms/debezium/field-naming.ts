import { adjustedFieldName, type NameAdjustment } from "../../api/index.js";
import { oneIn } from "./config-rules.js";

/** The key that Debezium reads beside a transformation's own. */
export const FIELD_NAMES = {
  "field.name.adjustment.mode": {
    type: "string",
    default: "none",
    check: oneIn("none", "avro", "avro_unicode"),
    doc: "How the names of fields are adjusted: none, avro or avro_unicode.",
  },
} as const;

/** The name of a JSON member's field. */
export type FieldNaming = (name: string) => string;

export function fieldNaming(mode: string): FieldNaming {
  const adjustment = mode.trim().toLowerCase() as NameAdjustment;
  return (name) => adjustedFieldName(adjustment, name);
}
