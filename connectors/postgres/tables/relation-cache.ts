import type pg from "pg";
import { resolveType, type TypeInfo } from "../types/type-info.js";
import type { RelationMessage } from "../wal/pgoutput-decoder.js";
import { type CatalogTable, readCatalogTable, readTypes } from "./table-catalog.js";
import type { TableDefinition } from "./table-definition.js";
import type { TableFilter } from "./table-filter.js";
import type { TableSchema } from "./table-schema.js";
import type { TableSchemas } from "./table-schemas.js";

/** The meaning of a relation id: a captured table, or one whose events are counted and dropped. */
export type Relation = TableSchema | "filtered";

/**
 * The tables of one replication connection by relation id. A relation message defines the columns of the following rows
 * and their types; nullability, defaults and the key come from the current catalog.
 */
export class RelationCache {
  readonly #schemas: TableSchemas;
  readonly #filter: TableFilter;
  readonly #relations = new Map<number, Relation>();

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
    const connection = await client();
    const catalog = await readCatalogTable(connection, message.oid);
    const types = await readTypes(
      connection,
      message.columns.map(({ typeOid }) => typeOid),
    );
    const lastKey = this.#schemas.lastKey(message.schema, message.table);
    const definition = combine(message, catalog, types, lastKey);
    this.#relations.set(message.oid, this.#schemas.get(definition));
  }
}

/** Names, order and types come from the message; a column no longer in the catalog counts as nullable. */
export function combine(
  message: RelationMessage,
  catalog: CatalogTable | undefined,
  types: ReadonlyMap<number, TypeInfo>,
  lastKey: readonly string[] | undefined,
): TableDefinition {
  const known = new Map(catalog?.columns.map((column) => [column.name, column]));
  return {
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
    keyColumns: keyOf(message, catalog, lastKey),
  };
}

function keyOf(
  message: RelationMessage,
  catalog: CatalogTable | undefined,
  lastKey: readonly string[] | undefined,
): readonly string[] {
  const present = new Set(message.columns.map(({ name }) => name));
  const now = catalog?.keyColumns ?? [];
  if (now.length > 0) return now.filter((name) => present.has(name));
  // The key was dropped, perhaps to be recreated: rows written before and in between keep their key.
  if (lastKey && lastKey.length > 0) return lastKey.filter((name) => present.has(name));
  if (catalog) return [];
  // The table is gone and has no earlier version here: its default replica identity is its primary key.
  if (message.replicaIdentity !== "default") return [];
  return message.columns.filter(({ isIdentity }) => isIdentity).map(({ name }) => name);
}
