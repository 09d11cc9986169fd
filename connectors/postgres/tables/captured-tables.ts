import type pg from "pg";
import type { Settings } from "../config/settings.js";
import { queryRows } from "../server/query-rows.js";
import { publishedTables, type TableName } from "./publication.js";
import { matchesAny, type TableFilter } from "./table-filter.js";

/** A table that the filters select. */
export interface CapturedTable extends TableName {
  readonly oid: number;
  readonly isPartitioned: boolean;
  /** Oids of its direct and indirect parents, if it is a partition. */
  readonly ancestors: readonly number[];
}

const TABLES = `
SELECT c.oid, n.nspname AS schema, c.relname AS table, c.relkind AS kind,
       CASE WHEN c.relispartition
         THEN (SELECT json_agg(a.relid::oid::int8) FROM pg_partition_ancestors(c.oid) a WHERE a.relid <> c.oid)
       END AS ancestors
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p'
ORDER BY n.nspname, c.relname`;

/** The tables and partitioned tables that the filters select, ordered by name. */
export async function capturedTables(client: pg.Client, filter: TableFilter): Promise<CapturedTable[]> {
  const found = await queryRows(client, TABLES);
  return found
    .map((row) => ({
      oid: Number(row["oid"]),
      schema: row["schema"]!,
      table: row["table"]!,
      isPartitioned: row["kind"] === "p",
      ancestors: row["ancestors"] ? (JSON.parse(row["ancestors"]) as number[]) : [],
    }))
    .filter(({ schema, table }) => filter.capturesTable(schema, table));
}

/**
 * The tables to snapshot, in order. Of a partitioned table and its partitions, only those the publication names: the
 * others would send every row a second time, to a topic that never receives changes.
 */
export async function snapshotTables(
  client: pg.Client,
  settings: Settings,
  filter: TableFilter,
): Promise<CapturedTable[]> {
  const captured = await capturedTables(client, filter);
  const published = new Set(
    (await publishedTables(client, settings.publication.name)).map(({ schema, table }) => `${schema}.${table}`),
  );
  // A signal is an event, not a row to keep.
  const data = captured.filter(({ schema, table }) => `${schema}.${table}` !== settings.signalTable);
  return planSnapshotTables(data, published, settings.snapshotTables, filter);
}

export function planSnapshotTables(
  captured: readonly CapturedTable[],
  published: ReadonlySet<string>,
  included: Settings["snapshotTables"],
  filter: Pick<TableFilter, "includePosition">,
): CapturedTable[] {
  const nameOf = ({ schema, table }: TableName) => `${schema}.${table}`;
  const oids = new Set(captured.map(({ oid }) => oid));
  const coveredAbove = (table: CapturedTable) =>
    table.ancestors.some((oid) => oids.has(oid)) && !published.has(nameOf(table));
  const coveredBelow = (table: CapturedTable) =>
    table.isPartitioned &&
    !published.has(nameOf(table)) &&
    captured.some((other) => other.ancestors.includes(table.oid) && published.has(nameOf(other)));
  return captured
    .filter((table) => !coveredBelow(table))
    .filter((table, _, left) => !(coveredAbove(table) && left.some(({ oid }) => table.ancestors.includes(oid))))
    .filter((table) => !included || matchesAny(included, nameOf(table)) || matchesAny(included, quotedName(table)))
    .map((table) => ({ table, position: filter.includePosition(table.schema, table.table) }))
    .sort((a, b) => a.position - b.position || (nameOf(a.table) < nameOf(b.table) ? -1 : 1))
    .map(({ table }) => table);
}

function quotedName({ schema, table }: TableName): string {
  return `"${schema}"."${table}"`;
}
