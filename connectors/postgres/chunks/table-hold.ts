import type pg from "pg";
import { codeOf } from "../server/failure.js";
import { queryRows } from "../server/query-rows.js";
import { quoteIdentifier } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";

/**
 * pg_class shows the snapshot's state, pg_relation_filenode the current one. A table's name is looked up as of now: it
 * may be that of another table.
 */
const IS_CHANGED = `
SELECT to_regclass($2)::oid IS DISTINCT FROM $1::oid OR coalesce((
  SELECT bool_or(pg_relation_filenode(c.oid) IS DISTINCT FROM nullif(c.relfilenode, 0)::oid)
  FROM pg_class c
  WHERE c.relkind = 'r' AND (c.oid = $1 OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass)))
), false) AS is_changed`;

/** undefined_table, invalid_schema_name, undefined_column. */
const MISSING: ReadonlySet<string> = new Set(["42P01", "3F000", "42703"]);

/** The table is not the one that the snapshot sees: this transaction cannot read it. */
export class TableChanged extends Error {
  constructor({ schema, table }: CapturedTable, cause?: unknown) {
    super(`Table ${schema}.${table} was changed since the snapshot began`, { cause });
  }
}

/** The catalog was read as of the snapshot, but a statement is parsed as of now: its tables or columns may be gone. */
export function throwChanged(table: CapturedTable, error: unknown): never {
  throw MISSING.has(codeOf(error) ?? "") ? new TableChanged(table, error) : error;
}

/** How a statement names a table's rows. */
export function rowsOf({ schema, table, isPartitioned }: CapturedTable): string {
  const name = `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
  // ONLY: the stream sends changes of an inheriting table's rows under that table's own name.
  return isPartitioned ? name : `ONLY ${name}`;
}

/**
 * Locks a table against rewrites until the transaction ends.
 *
 * @throws TableChanged if it is gone.
 */
export async function lockTable(client: pg.Client, table: CapturedTable): Promise<void> {
  await client.query(`LOCK TABLE ${rowsOf(table)} IN ACCESS SHARE MODE`).catch((error) => throwChanged(table, error));
}

/**
 * Like `lockTable`, but does not wait. The holder of the table may itself wait for a table that this snapshot has locked,
 * perhaps over another connection: waiting could deadlock, or never end.
 *
 * @returns false if another lock is held or waited for. The transaction must then go back to a savepoint.
 */
export async function tryLockTable(client: pg.Client, table: CapturedTable): Promise<boolean> {
  try {
    await client.query(`LOCK TABLE ${rowsOf(table)} IN ACCESS SHARE MODE NOWAIT`);
    return true;
  } catch (error) {
    // lock_not_available
    if (codeOf(error) === "55P03") return false;
    throwChanged(table, error);
  }
}

/**
 * Whether a locked table was rewritten, or replaced by another of its name, since the transaction's snapshot. A table
 * rewritten by ALTER TABLE looks empty to an older snapshot, and the stream does not send its rows either.
 */
export async function isChanged(client: pg.Client, table: CapturedTable): Promise<boolean> {
  const name = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.table)}`;
  const [found] = await queryRows(client, IS_CHANGED, [table.oid, name]);
  return found?.["is_changed"] === "t";
}
