import type { ConnectValue, Schema, SchemaAttributes } from "../../../src/api/index.js";
import type { Decode } from "./number-text.js";

/** How the columns of one type, modifier and configuration are described and read. Compiled once per table version. */
export interface ColumnCodec {
  /** The schema with `optional` and `defaultValue` as the column has them. */
  schema(attributes: SchemaAttributes): Schema;
  /** Reads the text that Postgres sends. @throws DataError when the value has no form in the schema. */
  readonly decode: Decode<ConnectValue>;
  /** Stands for an unchanged out-of-line value; undefined: the schema has no room for a placeholder. */
  readonly placeholder: ConnectValue | undefined;
  /** Stands for a value of a NOT NULL column that was not sent (the old row of a delete). */
  readonly fallback: ConnectValue;
  /** The schema is optional whatever the column says. */
  readonly isAlwaysOptional?: boolean;
}
