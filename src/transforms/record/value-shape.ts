import { type ConnectValue, DataError, type Schema, Struct } from "../../api/index.js";
import { javaClass } from "./java-class.js";

/** A map without a schema. */
export type PlainMap = ReadonlyMap<ConnectValue, ConnectValue>;

/** @throws DataError naming `purpose` if the value is not a map. */
export function requireMap(value: ConnectValue, purpose: string): PlainMap {
  if (value instanceof Map) return value;
  throw new DataError(
    "VALUE_INVALID",
    `Only Map objects supported in absence of schema for [${purpose}], found: ${javaClass(null, value)}`,
  );
}

/** @throws DataError naming `purpose` if the value is not a struct. */
export function requireStruct(schema: Schema | null, value: ConnectValue, purpose: string): Struct {
  if (value instanceof Struct) return value;
  throw new DataError(
    "VALUE_INVALID",
    `Only Struct objects supported for [${purpose}], found: ${javaClass(schema, value)}`,
  );
}

/** @throws DataError naming `purpose` if the record has no schema. */
export function requireSchema(schema: Schema | null, purpose: string): Schema {
  if (schema) return schema;
  throw new DataError("VALUE_INVALID", `Schema required for [${purpose}]`);
}
