import type { ResolvedType } from "../types/type-info.js";

export interface ColumnDefinition {
  readonly name: string;
  /** undefined: the type is no longer in the catalog. */
  readonly type: ResolvedType | undefined;
  readonly isNullable: boolean;
  /** In the form of pg_get_expr. */
  readonly defaultExpression: string | null;
}

/** One version of a table, the source of its schemas. */
export interface TableDefinition {
  readonly schema: string;
  readonly table: string;
  /** In the order of a row's values. */
  readonly columns: readonly ColumnDefinition[];
  /** Column names of the primary key, or of the first usable unique index, in index order. Empty: no key. */
  readonly keyColumns: readonly string[];
}
