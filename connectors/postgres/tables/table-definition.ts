import type { ResolvedType } from "../types/type-info.js";

export interface ColumnDefinition {
  readonly name: string;
  /** undefined: the type is gone from the catalog. */
  readonly type: ResolvedType | undefined;
  readonly isNullable: boolean;
  /** As pg_get_expr prints it. */
  readonly defaultExpression: string | null;
}

/** One version of a table: what its schemas are made from. */
export interface TableDefinition {
  readonly schema: string;
  readonly table: string;
  /** In the order in which rows bring them. */
  readonly columns: readonly ColumnDefinition[];
  /** Names of the primary key's columns, or of the first usable unique index, in its order. Empty: no key. */
  readonly keyColumns: readonly string[];
}
