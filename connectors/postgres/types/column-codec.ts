import type { ConnectValue, Schema, SchemaAttributes } from "../../../src/api/index.js";
import type { Decode } from "./number-text.js";

/** The schema and the parser for columns of one type, modifier and configuration. Made once per table version. */
export interface ColumnCodec {
  /** The schema with the column's own `optional` and `defaultValue`. */
  schema(attributes: SchemaAttributes): Schema;
  /** Reads the text that Postgres sends. @throws DataError if the schema cannot represent the value. */
  readonly decode: Decode<ConnectValue>;
  /** Replaces an unchanged out-of-line value; undefined: the schema cannot represent a placeholder. */
  readonly placeholder: ConnectValue | undefined;
  /** Replaces a value of a NOT NULL column that was not sent (the old row of a delete). */
  readonly fallback: ConnectValue;
  /** The schema is optional even for a NOT NULL column. */
  readonly isAlwaysOptional?: boolean;
}
