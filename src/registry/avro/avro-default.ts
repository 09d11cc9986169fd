import { isArray, isObject, type Json, JsonNumber } from "../json/json-value.js";
import type { AvroSchema } from "./avro-schema.js";

/** Whether a JSON value can be the default of a field of this schema; of a union, of any of its branches. */
export function isValidDefault(schema: AvroSchema, value: Json): boolean {
  switch (schema.type) {
    case "string":
    case "bytes":
    case "enum":
    case "fixed":
      return typeof value === "string";
    case "int":
      return isIntegerWithin(value, 31n);
    case "long":
      return isIntegerWithin(value, 63n);
    case "float":
    case "double":
      return value instanceof JsonNumber;
    case "boolean":
      return typeof value === "boolean";
    case "null":
      return value === null;
    case "array":
      return isArray(value) && value.every((item) => isValidDefault(schema.items, item));
    case "map":
      return isObject(value) && [...value.values()].every((item) => isValidDefault(schema.values, item));
    case "union":
      return schema.branches.some((branch) => isValidDefault(branch, value));
    case "record":
      return (
        isObject(value) &&
        schema.fields.every((field) => {
          const item = value.has(field.name) ? value.get(field.name) : field.default;
          return item !== undefined && isValidDefault(field.schema, item);
        })
      );
  }
}

function isIntegerWithin(value: Json, bits: bigint): boolean {
  if (!(value instanceof JsonNumber) || !value.isInteger) return false;
  const number = BigInt(value.literal);
  return number >= -(1n << bits) && number < 1n << bits;
}
