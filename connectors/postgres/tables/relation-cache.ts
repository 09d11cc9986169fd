import type pg from "pg";
import { resolveType, type TypeLookup } from "../types/type-info.js";
import type { RelationMessage, TypeMessage } from "../wal/pgoutput-decoder.js";
import { relationKey } from "./relation-key.js";
import { type CatalogTable, readCatalog } from "./table-catalog.js";
import { type TableDefinition, withNullable } from "./table-definition.js";
import type { TableFilter } from "./table-filter.js";
import type { TableSchema } from "./table-schema.js";
import type { TableSchemas } from "./table-schemas.js";

/** The meaning of a relation id: a captured table, or one whose events are counted and dropped. */
export type Relation = TableSchema | "filtered";

/**
 * The tables of one replication connection by relation id. A relation message defines the columns of the following
 * rows, their types, and under the default replica identity the key; nullability, defaults and other keys come from the
 * current catalog.
 */
export class RelationCache {
  readonly #schemas: TableSchemas;
  readonly #filter: TableFilter;
  readonly #relations = new Map<number, Relation>();
  readonly #definitions = new Map<number, TableDefinition>();

  constructor(schemas: TableSchemas, filter: TableFilter) {
    this.#schemas = schemas;
    this.#filter = filter;
  }

  get(oid: number): Relation | undefined {
    return this.#relations.get(oid);
  }

  /** Applies a relation message. @param client connects for the catalog; not the replication connection. */
  async learn(message: RelationMessage, client: () => Promise<pg.Client>): Promise<void> {
    if (!this.#filter.capturesTable(message.schema, message.table)) {
      this.#relations.set(message.oid, "filtered");
      return;
    }
    const { types } = this.#schemas;
    const columnTypes = message.columns.map(({ typeOid }) => typeOid);
    const entry = await readCatalog(await client(), message.oid, columnTypes);
    types.see(entry.types);
    const lastKey = this.#schemas.lastKey(message.oid);
    this.#define(message.oid, combine(message, entry.table, types, lastKey));
  }

  /** Applies a type message. */
  learnType(message: TypeMessage): void {
    this.#schemas.types.name(message);
  }

  /** A row has NULL in these columns, which the catalog has since declared NOT NULL. @returns the table as it was. */
  loosen(oid: number, names: readonly string[]): TableSchema {
    return this.#define(oid, withNullable(this.#definitions.get(oid)!, names));
  }

  #define(oid: number, definition: TableDefinition): TableSchema {
    const schema = this.#schemas.get(definition);
    this.#definitions.set(oid, definition);
    this.#relations.set(oid, schema);
    return schema;
  }
}

/** Names, order and types come from the message; a column no longer in the catalog counts as nullable. */
export function combine(
  message: RelationMessage,
  catalog: CatalogTable | undefined,
  types: TypeLookup,
  lastKey: readonly string[] | undefined,
): TableDefinition {
  const known = new Map(catalog?.columns.map((column) => [column.name, column]));
  return {
    oid: message.oid,
    schema: message.schema,
    table: message.table,
    columns: message.columns.map((column) => {
      const now = known.get(column.name);
      return {
        name: column.name,
        type: resolveType(column.typeOid, column.typmod, types),
        isNullable: now?.isNullable ?? true,
        defaultExpression: now?.defaultExpression ?? null,
      };
    }),
    keyColumns: relationKey(message, catalog, lastKey),
  };
}
