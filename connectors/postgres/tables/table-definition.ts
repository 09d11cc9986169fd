import type { ResolvedType } from "../types/type-info.js";

export interface ColumnDefinition {
  readonly name: string;
  /** undefined: the type is no longer in the catalog, and was not seen before. */
  readonly type: ResolvedType | undefined;
  readonly isNullable: boolean;
  /** In the form of pg_get_expr. */
  readonly defaultExpression: string | null;
}

/** One version of a table, the source of its schemas. */
export interface TableDefinition {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** In the order of a row's values. */
  readonly columns: readonly ColumnDefinition[];
  /** Column names of the primary key, or of the first usable unique index, in index order. Empty: no key. */
  readonly keyColumns: readonly string[];
}

/** The definition, but these columns are nullable: a row with a NULL proves that the catalog is ahead of it. */
export function withNullable(definition: TableDefinition, names: readonly string[]): TableDefinition {
  const columns = definition.columns.map((column) =>
    names.includes(column.name) ? { ...column, isNullable: true } : column,
  );
  return { ...definition, columns };
}
