import type { Logger } from "../../../src/api/index.js";
import type { Settings } from "../config/settings.js";
import { ColumnWarnings } from "./column-warnings.js";
import { KnownTypes } from "./known-types.js";
import type { TableDefinition } from "./table-definition.js";
import type { TableFilter } from "./table-filter.js";
import { TableSchema } from "./table-schema.js";

/**
 * The latest version of each table. Postgres describes a table again for each connection and after many events that do
 * not change it. An equal definition returns the same Schema objects, for which converters have cached their writers.
 */
export class TableSchemas {
  readonly #latest = new Map<string, { readonly definition: string; readonly schema: TableSchema }>();
  readonly #lastKeys = new Map<number, readonly string[]>();
  readonly #warnings: ColumnWarnings;
  readonly types = new KnownTypes();

  constructor(
    private readonly settings: Settings,
    private readonly filter: TableFilter,
    logger: Logger,
  ) {
    this.#warnings = new ColumnWarnings(logger);
  }

  get(definition: TableDefinition): TableSchema {
    const name = nameOf(definition.schema, definition.table);
    const text = JSON.stringify(definition);
    const latest = this.#latest.get(name);
    if (latest?.definition === text) return latest.schema;
    const schema = new TableSchema(definition, this.settings, this.filter, this.#warnings);
    this.#latest.set(name, { definition: text, schema });
    this.#lastKeys.set(definition.oid, definition.keyColumns);
    return schema;
  }

  /** The key of a table's latest version; undefined if the task has not seen the table, perhaps one of the same name. */
  lastKey(oid: number): readonly string[] | undefined {
    return this.#lastKeys.get(oid);
  }
}

function nameOf(schema: string, table: string): string {
  return JSON.stringify([schema, table]);
}
