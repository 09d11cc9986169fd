import type pg from "pg";
import { queryRows } from "../server/query-rows.js";
import { resolveType, type TypeInfo } from "../types/type-info.js";
import type { ColumnDefinition, TableDefinition } from "./table-definition.js";

/** The current catalog entry of a table, found by its oid. */
export interface CatalogTable {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly CatalogColumn[];
  readonly keyColumns: readonly string[];
}

interface CatalogColumn {
  readonly name: string;
  readonly typeOid: number;
  readonly typmod: number;
  readonly isNullable: boolean;
  readonly defaultExpression: string | null;
}

const COLUMNS = `
SELECT a.attname AS name, a.atttypid AS type_oid, a.atttypmod AS typmod,
       (a.attnotnull OR (t.typtype = 'd' AND t.typnotnull)) AS not_null,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default_expression
FROM pg_attribute a
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum`;

/** The primary key; without one, the first by name of the unique indexes without expressions. */
const KEY = `
SELECT array_to_json(array(
         SELECT a.attname FROM generate_series(0, i.indnkeyatts - 1) AS k(at)
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.at]
         ORDER BY k.at)) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = $1 AND (i.indisprimary OR (i.indisunique AND NOT (0 = ANY(i.indkey::int2[]))))
  AND i.indisvalid
ORDER BY i.indisprimary DESC, c.relname
LIMIT 1`;

const TYPES = `
WITH RECURSIVE wanted(oid) AS (
  SELECT unnest($1::oid[])
  UNION
  SELECT part.oid FROM wanted JOIN pg_type t ON t.oid = wanted.oid,
    LATERAL (VALUES (t.typelem), (t.typbasetype)) AS part(oid)
  WHERE part.oid <> 0
)
SELECT t.oid, t.typname AS name, t.typtype AS kind, (t.typcategory = 'A' AND t.typelem <> 0 AND t.typlen = -1) AS is_array,
       t.typelem AS element_oid, t.typbasetype AS base_oid, t.typtypmod AS base_typmod,
       (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) AS labels
FROM wanted JOIN pg_type t ON t.oid = wanted.oid`;

/** @returns undefined if the table is gone. */
export async function readCatalogTable(client: pg.Client, oid: number): Promise<CatalogTable | undefined> {
  const [names] = await queryRows(
    client,
    "SELECT n.nspname AS schema, c.relname AS table FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1",
    [oid],
  );
  if (!names) return undefined;
  const columns = await queryRows(client, COLUMNS, [oid]);
  const [key] = await queryRows(client, KEY, [oid]);
  return {
    oid,
    schema: names["schema"]!,
    table: names["table"]!,
    columns: columns.map((row) => ({
      name: row["name"]!,
      typeOid: Number(row["type_oid"]),
      typmod: Number(row["typmod"]),
      isNullable: row["not_null"] !== "t",
      defaultExpression: row["default_expression"] ?? null,
    })),
    keyColumns: key ? (JSON.parse(key["columns"]!) as string[]) : [],
  };
}

/** These types, with the element and base types they depend on. */
export async function readTypes(client: pg.Client, oids: readonly number[]): Promise<Map<number, TypeInfo>> {
  const found = await queryRows(client, TYPES, [`{${[...new Set(oids)].join(",")}}`]);
  return new Map(
    found.map((row) => [
      Number(row["oid"]),
      {
        oid: Number(row["oid"]),
        name: row["name"]!,
        kind: row["kind"]!,
        isArray: row["is_array"] === "t",
        elementOid: Number(row["element_oid"]),
        baseOid: Number(row["base_oid"]),
        baseTypmod: Number(row["base_typmod"]),
        labels: row["labels"] ? (JSON.parse(row["labels"]) as string[]) : [],
      },
    ]),
  );
}

/** The table's definition, with its columns in catalog order. */
export function defineTable(table: CatalogTable, types: ReadonlyMap<number, TypeInfo>): TableDefinition {
  return {
    schema: table.schema,
    table: table.table,
    keyColumns: table.keyColumns,
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
