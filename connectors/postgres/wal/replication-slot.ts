import type pg from "pg";
import { type Clock, ConfigError, UnsupportedError } from "../../../src/api/index.js";
import { codeOf } from "../server/failure.js";
import { queryRows } from "../server/query-rows.js";
import { endTimeouts } from "../server/session-timeouts.js";
import { quoteIdentifier } from "../server/sql-text.js";
import { type Lsn, parseLsn } from "./lsn.js";

/** A row of pg_replication_slots. */
export interface SlotState {
  readonly plugin: string;
  readonly database: string;
  readonly isActive: boolean;
  readonly restartLsn: Lsn | null;
  readonly confirmedLsn: Lsn | null;
  /** The server removed WAL the slot needs, or invalidated the slot for another reason. */
  readonly isLost: boolean;
  /** On a standby: copied from the primary, not to be read before promotion (PostgreSQL 17 and later). */
  readonly isSynced: boolean;
}

/** A new slot, and the snapshot exported at its start. */
export interface CreatedSlot {
  readonly consistentPoint: Lsn;
  /** For SET TRANSACTION SNAPSHOT. Valid until the connection that created the slot runs another command. */
  readonly snapshotName: string;
}

/**
 * @returns undefined if the slot does not exist.
 * @throws ConfigError if it is physical, or belongs to another plug-in or database.
 */
export async function readSlot(client: pg.Client, name: string, database: string): Promise<SlotState | undefined> {
  const [row] = await queryRows(client, "SELECT to_jsonb(s) AS slot FROM pg_replication_slots s WHERE slot_name = $1", [
    name,
  ]);
  if (!row) return undefined;
  const slot = JSON.parse(row["slot"]!) as Record<string, string | boolean | null>;
  if (slot["slot_type"] === "physical")
    throw new ConfigError(
      "slot.name",
      `Replication slot ${name} is a physical slot, which a standby reads from. Set another slot.name: the connector creates a logical slot of that name when it starts.`,
    );
  if (slot["plugin"] !== "pgoutput" || slot["database"] !== database)
    throw new ConfigError(
      "slot.name",
      `Replication slot ${name} is of plug-in ${slot["plugin"]} and database ${slot["database"]}, not of pgoutput and ${database}. Set another slot.name or drop the slot.`,
    );
  const position = (value: string | boolean | null | undefined) => (typeof value === "string" ? parseLsn(value) : null);
  return {
    plugin: "pgoutput",
    database,
    isActive: slot["active"] === true,
    restartLsn: position(slot["restart_lsn"]),
    confirmedLsn: position(slot["confirmed_flush_lsn"]),
    // conflicting (PostgreSQL 16) and invalidation_reason (17) cover standbys and timeouts.
    isLost: slot["wal_status"] === "lost" || slot["conflicting"] === true || slot["invalidation_reason"] != null,
    isSynced: slot["synced"] === true,
  };
}

/**
 * Creates the slot. Waits without limit for open transactions to end.
 *
 * @param client a replication connection.
 * @throws UnsupportedError if wal_level is too low; other server errors unchanged.
 */
export async function createSlot(client: pg.Client, name: string, isFailover: boolean): Promise<CreatedSlot> {
  // The exported snapshot lives as long as this connection's transaction, which is idle during the snapshot.
  await endTimeouts(client);
  const options = isFailover ? " (SNAPSHOT 'export', FAILOVER)" : " EXPORT_SNAPSHOT";
  const sql = `CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} LOGICAL pgoutput${options}`;
  const [row] = await queryRows(client, sql).catch((cause) => {
    // On a standby the primary's wal_level counts, and a standby cannot show it.
    if (codeOf(cause) !== "55000") throw cause;
    throw new UnsupportedError(
      "POSTGRES_WAL_LEVEL",
      `Replication slot ${name} cannot be created: ${(cause as Error).message}. Set wal_level=logical, on a standby's primary, too.`,
      { cause },
    );
  });
  return { consistentPoint: parseLsn(row!["consistent_point"]!), snapshotName: row!["snapshot_name"]! };
}

export async function dropSlot(client: pg.Client, name: string): Promise<void> {
  await client.query("SELECT pg_drop_replication_slot($1)", [name]);
}

/** Drops a slot whose reader has just gone. */
export async function dropReleasedSlot(client: pg.Client, name: string, clock: Clock): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await dropSlot(client, name);
      return;
    } catch (error) {
      // 55006: the walsender needs a moment to notice that its client is gone.
      if (codeOf(error) !== "55006" || attempt === 5) throw error;
      await clock.delay(100);
    }
  }
}

/** @throws UnsupportedError unless wal_level is logical. */
export async function requireLogicalWal(client: pg.Client): Promise<void> {
  const [row] = await queryRows(client, "SHOW wal_level");
  if (row?.["wal_level"] === "logical") return;
  throw new UnsupportedError(
    "POSTGRES_WAL_LEVEL",
    `Postgres server wal_level property must be 'logical' but is: '${row?.["wal_level"]}'. Set wal_level=logical in postgresql.conf and restart the server.`,
  );
}
