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

/** Names beyond these are only counted. */
const MOST_NAMES = 10;

/**
 * Says which captured changes the publication leaves out, which the server does without a word. Only a warning: one
 * that somebody made narrower than the filters is a configuration that Debezium takes.
 */
export async function warnOfUnpublished(
  client: pg.Client,
  { publication: { name }, skippedOperations }: Pick<Settings, "publication" | "skippedOperations">,
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
  const operations = unpublishedOperations((found?.["publish"] ?? "").split(","), skippedOperations);
  if (operations.length > 0)
    logger.warn(
      `Publication ${name} does not publish ${operations.join(", ")}: these changes are not captured. Set its publish option (ALTER PUBLICATION … SET (publish = …)), or list them in skipped.operations`,
      { publication: name },
    );
  const published = new Set((await publishedTables(client, name)).map(({ schema, table }) => `${schema}.${table}`));
  // One without partitions has no rows and is not listed, whatever publishes it.
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
      `Publication ${name} publishes the partitions of captured tables under their own names, which are not captured: changes of ${namesOf(split)} are lost. Publish them under their root (ALTER PUBLICATION … SET (publish_via_partition_root = true); publish.via.partition.root=true for a publication that is made here), or add the partitions to table.include.list`,
      { publication: name },
    );
}

/** Oids of the partitioned tables of which a partition, near or far, is published under its own name. */
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
 * Which unpublished tables can be added, and which are in the publication already, by their partitions' names.
 *
 * @param roots partitioned tables of which a partition is published.
 */
export function splitByAdvice(
  tables: readonly CapturedTable[],
  roots: ReadonlySet<number>,
): { readonly missing: CapturedTable[]; readonly split: CapturedTable[] } {
  const isSplit = ({ oid, isPartitioned }: CapturedTable) => isPartitioned && roots.has(oid);
  return { missing: tables.filter((table) => !isSplit(table)), split: tables.filter(isSplit) };
}

/** What is neither published nor skipped. */
export function unpublishedOperations(published: readonly string[], skipped: ReadonlySet<string>): string[] {
  return OPERATIONS.filter(([letter, word]) => !skipped.has(letter) && !published.includes(word)).map(
    ([, word]) => word,
  );
}

/** Captured tables whose changes come neither under their own name nor under that of a captured partition or root. */
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

/** For a message: not all, where they are many. */
export function namesOf(tables: readonly { readonly schema: string; readonly table: string }[]): string {
  const names = tables.slice(0, MOST_NAMES).map(({ schema, table }) => `${schema}.${table}`);
  const more = tables.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}
