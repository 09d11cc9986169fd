import { DataError, type Schema } from "../api/index.js";

/** The scale of a Decimal schema. @throws DataError SCHEMA_INVALID when the parameter is missing or not an integer. */
export function decimalScale(schema: Schema): number {
  const text = schema.parameters?.["scale"];
  if (text === undefined) throw new DataError("SCHEMA_INVALID", "Invalid Decimal schema: scale parameter not found.");
  if (!/^[+-]?\d{1,9}$/.test(text)) {
    throw new DataError("SCHEMA_INVALID", `Invalid Decimal schema: scale parameter ${text} is not an integer.`);
  }
  return Number(text);
}
