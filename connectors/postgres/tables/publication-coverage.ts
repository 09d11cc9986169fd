import type pg from "pg";
import type { Logger } from "../../../src/api/index.js";
import type { Settings } from "../config/settings.js";
import { queryRows } from "../server/query-rows.js";
import type { CapturedTable } from "./captured-tables.js";
import { publishedTables } from "./publication.js";

const OPERATIONS = [
  ["c", "insert"],
  ["u", "update"],
  ["d", "delete"],
  ["t", "truncate"],
] as const;

/** A message lists this many names and counts the rest. */
const MOST_NAMES = 10;

/**
 * Warns about captured changes that the publication leaves out: the server skips them silently. Only a warning, because
 * Debezium accepts a publication narrower than the filters.
 */
export async function warnOfUnpublished(
  client: pg.Client,
  {
    publication: { name },
    skippedOperations,
    signalTable,
  }: Pick<Settings, "publication" | "skippedOperations" | "signalTable">,
  captured: readonly CapturedTable[],
  logger: Logger,
): Promise<void> {
  const [found] = await queryRows(
    client,
    `SELECT concat_ws(',', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
                      CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) AS publish
     FROM pg_publication WHERE pubname = $1`,
    [name],
  );
  const needless = new Set(skippedOperations);
  // Signals are inserts.
  if (signalTable !== null) needless.delete("c");
  const operations = unpublishedOperations((found?.["publish"] ?? "").split(","), needless);
  if (operations.length > 0)
    logger.warn(
      `Publication ${name} does not publish ${operations.join(", ")}: these changes are not captured. Set its publish option (ALTER PUBLICATION … SET (publish = …)), or list them in skipped.operations`,
      { publication: name },
    );
  const published = new Set((await publishedTables(client, name)).map(({ schema, table }) => `${schema}.${table}`));
  // A partitioned table without partitions is never listed, even if published. It has no rows to miss.
  const hollow = await queryRows(
    client,
    "SELECT oid FROM pg_class c WHERE relkind = 'p' AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid)",
  );
  const hollowOids = new Set(hollow.map((row) => Number(row["oid"])));
  const tables = unpublishedTables(captured, published).filter(({ oid }) => !hollowOids.has(oid));
  const { missing, split } = splitByAdvice(tables, await rootsOfPublished(client, name));
  if (missing.length > 0)
    logger.warn(
      `Publication ${name} lacks captured tables: changes of ${namesOf(missing)} are not captured. Add them (ALTER PUBLICATION … ADD TABLE …), or narrow table.include.list`,
      { publication: name },
    );
  if (split.length > 0)
    logger.warn(
      `Publication ${name} publishes the partitions of captured tables under their own names, which are not captured: changes of ${namesOf(split)} are lost. Publish them under their root (ALTER PUBLICATION … SET (publish_via_partition_root = true); publish.via.partition.root=true for a publication that the connector creates), or add the partitions to table.include.list`,
      { publication: name },
    );
}

/** Oids of the partitioned tables with a direct or indirect partition published under its own name. */
async function rootsOfPublished(client: pg.Client, name: string): Promise<ReadonlySet<number>> {
  const found = await queryRows(
    client,
    `SELECT DISTINCT a.relid::oid::int8 AS oid
     FROM pg_publication_tables p
     JOIN pg_namespace n ON n.nspname = p.schemaname
     JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = p.tablename,
     LATERAL pg_partition_ancestors(c.oid) a
     WHERE p.pubname = $1 AND c.relispartition AND a.relid <> c.oid`,
    [name],
  );
  return new Set(found.map((row) => Number(row["oid"])));
}

/**
 * Splits unpublished tables into those that can be added to the publication (`missing`) and those it already covers
 * under their partitions' names (`split`).
 *
 * @param roots oids of partitioned tables with a published partition.
 */
export function splitByAdvice(
  tables: readonly CapturedTable[],
  roots: ReadonlySet<number>,
): { readonly missing: CapturedTable[]; readonly split: CapturedTable[] } {
  const isSplit = ({ oid, isPartitioned }: CapturedTable) => isPartitioned && roots.has(oid);
  return { missing: tables.filter((table) => !isSplit(table)), split: tables.filter(isSplit) };
}

/** The operations that are neither published nor skipped. */
export function unpublishedOperations(published: readonly string[], skipped: ReadonlySet<string>): string[] {
  return OPERATIONS.filter(([letter, word]) => !skipped.has(letter) && !published.includes(word)).map(
    ([, word]) => word,
  );
}

/** Captured tables published neither under their own name nor under that of a captured partition or root. */
export function unpublishedTables(captured: readonly CapturedTable[], published: ReadonlySet<string>): CapturedTable[] {
  const isPublished = ({ schema, table }: CapturedTable) => published.has(`${schema}.${table}`);
  const covered = new Set<number>();
  for (const table of captured) {
    if (!isPublished(table)) continue;
    covered.add(table.oid);
    for (const ancestor of table.ancestors) covered.add(ancestor);
  }
  const roots = new Set(captured.filter(isPublished).map(({ oid }) => oid));
  return captured.filter(({ oid, ancestors }) => !covered.has(oid) && !ancestors.some((above) => roots.has(above)));
}

/** Table names for a message; a long list is cut. */
export function namesOf(tables: readonly { readonly schema: string; readonly table: string }[]): string {
  const names = tables.slice(0, MOST_NAMES).map(({ schema, table }) => `${schema}.${table}`);
  const more = tables.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
