import type pg from "pg";
import { queryRows } from "../server/query-rows.js";
import { resolveType, type TypeInfo, type TypeLookup } from "../types/type-info.js";
import type { ColumnDefinition, TableDefinition } from "./table-definition.js";

/** The current catalog entry of a table, found by its oid. */
export interface CatalogTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly CatalogColumn[];
  readonly primaryKey: CatalogKey | null;
  /** The first by name of the unique indexes without expressions, the primary key aside. */
  readonly uniqueKey: CatalogKey | null;
}

interface CatalogKey {
  /** In index order. */
  readonly columns: readonly string[];
  /** A deferrable key is no replica identity. */
  readonly isDeferrable: boolean;
  /** Only some rows are unique: the index has a WHERE. */
  readonly isPartial: boolean;
}

interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly isNullable: boolean;
  readonly defaultExpression: string | null;
}

/** What one query reads of a table. */
export interface CatalogEntry {
  /** undefined if the table is gone. */
  readonly table: CatalogTable | undefined;
  /** The types of its columns and those asked for, with the element and base types they depend on. */
  readonly types: ReadonlyMap<number, TypeInfo>;
}

const COLUMNS = `
SELECT json_agg(json_build_object(
         'name', a.attname, 'typeOid', a.atttypid::oid::int8, 'typmod', a.atttypmod,
         'isNullable', NOT (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)),
         'defaultExpression', CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END)
       ORDER BY a.attnum)
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped`;

const keyWhere = (condition: string) => `
SELECT json_build_object('isDeferrable', NOT i.indimmediate, 'isPartial', i.indpred IS NOT NULL, 'columns', array(
         SELECT a.attname FROM generate_series(0, i.indnkeyatts - 1) AS k(at)
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.at]
         ORDER BY k.at))
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indrelid = $1 AND i.indisvalid AND ${condition}
ORDER BY x.relname
LIMIT 1`;

const TYPES = `
WITH RECURSIVE wanted(oid) AS (
  SELECT unnest($2::oid[])
  UNION
  SELECT atttypid FROM pg_attribute WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped
  UNION
  SELECT part.oid FROM wanted JOIN pg_type t ON t.oid = wanted.oid,
    LATERAL (VALUES (t.typelem), (t.typbasetype)) AS part(oid)
  WHERE part.oid <> 0
)
SELECT json_agg(json_build_object(
         'oid', t.oid::int8, 'name', t.typname, 'kind', t.typtype,
         'isArray', t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1,
         'elementOid', t.typelem::int8, 'baseOid', t.typbasetype::int8, 'baseTypmod', t.typtypmod,
         'labels', array(SELECT e.enumlabel FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)))
FROM wanted JOIN pg_type t ON t.oid = wanted.oid`;

/** One query, because a reconnect reads every table again. */
const ENTRY = `
SELECT (SELECT json_build_object('schema', n.nspname, 'table', c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1) AS names,
       (${COLUMNS}) AS columns,
       (${keyWhere("i.indisprimary")}) AS primary_key,
       (${keyWhere("i.indisunique AND NOT i.indisprimary AND NOT (0 = ANY(i.indkey::int2[]))")}) AS unique_key,
       (${TYPES}) AS types`;

/** @param typeOids types to read beside those of the table's columns. */
export async function readCatalog(
  client: pg.Client,
  oid: number,
  typeOids: readonly number[] = [],
): Promise<CatalogEntry> {
  const [row] = await queryRows(client, ENTRY, [oid, `{${[...new Set(typeOids)].join(",")}}`]);
  const parsed = <T>(name: string, otherwise: T): T => (row?.[name] ? (JSON.parse(row[name]) as T) : otherwise);
  const types = new Map(parsed<TypeInfo[]>("types", []).map((type) => [type.oid, type]));
  const names = parsed<Pick<CatalogTable, "schema" | "table"> | undefined>("names", undefined);
  if (!names) return { table: undefined, types };
  const table = {
    oid,
    ...names,
    columns: parsed<CatalogColumn[]>("columns", []),
    primaryKey: parsed<CatalogKey | null>("primary_key", null),
    uniqueKey: parsed<CatalogKey | null>("unique_key", null),
  };
  return { table, types };
}

/** The table's definition, with its columns in catalog order. */
export function defineTable(table: CatalogTable, types: TypeLookup): TableDefinition {
  return {
    oid: table.oid,
    schema: table.schema,
    table: table.table,
    keyColumns: (table.primaryKey ?? table.uniqueKey)?.columns ?? [],
    columns: table.columns.map(
      (column): ColumnDefinition => ({
        name: column.name,
        type: resolveType(column.typeOid, column.typmod, types),
        isNullable: column.isNullable,
        defaultExpression: column.defaultExpression,
      }),
    ),
  };
}
