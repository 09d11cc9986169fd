import type { ColumnAction } from "../config/column-rules.js";
import type { Pattern } from "../config/patterns.js";
import type { Selection, Settings } from "../config/settings.js";
import type { TableDefinition } from "./table-definition.js";

const SYSTEM_SCHEMA = /^(pg_catalog|information_schema)$|^pg_temp|^pg_toast/i;

/** Selects the captured tables and columns, and the key columns. */
export class TableFilter {
  readonly #settings: Pick<Settings, "filter" | "keyColumns" | "columnRules" | "signalTable">;

  constructor(settings: Pick<Settings, "filter" | "keyColumns" | "columnRules" | "signalTable">) {
    this.#settings = settings;
  }

  capturesTable(schema: string, table: string): boolean {
    const { filter, signalTable } = this.#settings;
    if (`${schema}.${table}` === signalTable) return true;
    if (filter.ignoreBuiltin && (SYSTEM_SCHEMA.test(schema) || table === "spatial_ref_sys")) return false;
    return selects(filter.schemas, schema) && selects(filter.tables, `${schema}.${table}`);
  }

  keepsColumn(schema: string, table: string, column: string): boolean {
    return selects(this.#settings.filter.columns, `${schema}.${table}.${column}`);
  }

  /** The action of the first rule that matches a column by its name or type. */
  columnAction(schema: string, table: string, column: string, type: string): ColumnAction | undefined {
    return this.#settings.columnRules.find(({ patterns, isByType }) =>
      matchesAny(patterns, `${schema}.${table}.${isByType ? type : column}`),
    )?.action;
  }

  /** Names of the key columns: those matched by message.key.columns, in its order, otherwise the table's own key. */
  keyColumns({ schema, table, columns, keyColumns }: TableDefinition): readonly string[] {
    const chosen = this.#settings.keyColumns
      .flatMap((rule) => rule.columns)
      .flatMap((pattern) => columns.filter(({ name }) => pattern.matches(`${schema}.${table}.${name}`)))
      .map(({ name }) => name);
    return chosen.length > 0 ? [...new Set(chosen)] : keyColumns;
  }

  /** A table's rank in the snapshot: the index of its pattern in the include list. Equal ranks are ordered by name. */
  includePosition(schema: string, table: string): number {
    const include = this.#settings.filter.tables.include;
    return include ? include.findIndex((pattern) => pattern.matches(`${schema}.${table}`)) : 0;
  }
}

export function selects({ include, exclude }: Selection, name: string): boolean {
  if (include) return matchesAny(include, name);
  return !exclude || !matchesAny(exclude, name);
}

export function matchesAny(patterns: readonly Pattern[], name: string): boolean {
  return patterns.some((pattern) => pattern.matches(name));
}
