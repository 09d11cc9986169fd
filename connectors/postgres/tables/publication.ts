import type pg from "pg";
import { ConfigError, type Logger } from "../../../src/api/index.js";
import type { PublicationSettings } from "../config/settings.js";
import { queryRows } from "../server/query-rows.js";
import { quoteIdentifier } from "../server/sql-text.js";

export interface TableName {
  readonly schema: string;
  readonly table: string;
}

const EXISTING = `
SELECT puballtables AS all_tables,
       concat_ws(', ', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
                 CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END) AS publish
FROM pg_publication WHERE pubname = $1`;

/**
 * Ensures that the publication exists, following publication.autocreate.mode. Must run before the slot is created: the
 * server looks the publication up as of the WAL position it decodes.
 *
 * @param captured every table that the filters select.
 * @returns the tables added to an existing filtered publication.
 * @throws ConfigError if it is missing or unusable; the server's error if a right is missing.
 */
export async function ensurePublication(
  client: pg.Client,
  settings: PublicationSettings,
  captured: readonly TableName[],
  logger: Logger,
): Promise<readonly TableName[]> {
  const { name, mode } = settings;
  const [found] = await queryRows(client, EXISTING, [name]);
  const [recovery] = await queryRows(client, "SELECT pg_is_in_recovery() AS is_standby");
  if (found) {
    return mode === "filtered" ? adjust(client, settings, found, captured, logger) : [];
  }
  if (mode === "disabled")
    throw new ConfigError(
      "publication.autocreate.mode",
      `Publication autocreation is disabled, please create one and restart the connector. (publication.name=${name})`,
    );
  if (recovery?.["is_standby"] === "t")
    throw new ConfigError(
      "publication.name",
      `Publication ${name} does not exist, and a standby cannot create it: create it on the primary.`,
    );
  const sql = `CREATE PUBLICATION ${quoteIdentifier(name)}${target(settings, captured)}${options(settings)}`;
  logger.info("Creating the publication", { publication: name, mode });
  await client.query(sql);
  return [];
}

function target({ name, mode }: PublicationSettings, captured: readonly TableName[]): string {
  if (mode === "no_tables") return "";
  if (mode === "all_tables") return " FOR ALL TABLES";
  if (captured.length === 0) throw noTables(name);
  return ` FOR TABLE ${tableList(captured)}`;
}

function options({ publish, viaPartitionRoot }: PublicationSettings): string {
  const list = [
    ...(publish === null ? [] : [`publish = '${publish}'`]),
    ...(viaPartitionRoot ? ["publish_via_partition_root = true"] : []),
  ];
  return list.length === 0 ? "" : ` WITH (${list.join(", ")})`;
}

async function adjust(
  client: pg.Client,
  settings: PublicationSettings,
  existing: Record<string, string | null>,
  captured: readonly TableName[],
  logger: Logger,
): Promise<TableName[]> {
  const { name, publish } = settings;
  if (existing["all_tables"] === "t")
    throw new ConfigError(
      "publication.autocreate.mode",
      `A logical publication for all tables named '${name}' is already active on the server and can not be altered. Drop it, name another one with publication.name, or set publication.autocreate.mode=all_tables.`,
    );
  if (captured.length === 0) throw noTables(name);
  const published = await queryRows(
    client,
    `SELECT n.nspname AS schema, c.relname AS table FROM pg_publication_rel r
     JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1`,
    [name],
  );
  const now = new Set(published.map((row) => JSON.stringify([row["schema"], row["table"]])));
  const added = captured.filter(({ schema, table }) => !now.has(JSON.stringify([schema, table])));
  if (now.size !== captured.length || added.length > 0) {
    logger.info("Setting the tables of the publication", { publication: name, tables: captured.length });
    await client.query(`ALTER PUBLICATION ${quoteIdentifier(name)} SET TABLE ${tableList(captured)}`);
  }
  if (publish !== null && publish !== existing["publish"])
    await client.query(`ALTER PUBLICATION ${quoteIdentifier(name)} SET (publish = '${publish}')`);
  return added;
}

function tableList(tables: readonly TableName[]): string {
  return tables.map(({ schema, table }) => `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`).join(", ");
}

function noTables(name: string): ConfigError {
  return new ConfigError(
    "table.include.list",
    `No table filters found for filtered publication ${name}: no table in the database matches the include and exclude lists.`,
  );
}

/** The published tables, partitions under the names the publication uses. */
export async function publishedTables(client: pg.Client, name: string): Promise<TableName[]> {
  const found = await queryRows(
    client,
    "SELECT schemaname AS schema, tablename AS table FROM pg_publication_tables WHERE pubname = $1",
    [name],
  );
  return found.map((row) => ({ schema: row["schema"]!, table: row["table"]! }));
}
