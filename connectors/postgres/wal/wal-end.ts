import type pg from "pg";
import { queryRows } from "../server/query-rows.js";
import type { Lsn } from "./lsn.js";

/** The end of the WAL that a server can send. */
export interface WalEnd {
  /** Flushed on a primary; received or replayed, whichever is further, on a standby. */
  readonly lsn: Lsn;
  readonly isStandby: boolean;
}

export async function readWalEnd(client: pg.Client): Promise<WalEnd> {
  const [row] = await queryRows(
    client,
    `SELECT s.is_standby,
            (CASE WHEN s.is_standby THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn(), '0/0')
                  ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn)::int8 AS lsn
     FROM (SELECT pg_is_in_recovery() AS is_standby) s`,
  );
  return { lsn: Number(row!["lsn"]) as Lsn, isStandby: row!["is_standby"] === "t" };
}

/** Where the server writes, or on a standby receives, next. */
export async function currentLsn(client: pg.Client): Promise<Lsn> {
  const [row] = await queryRows(
    client,
    `SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END - '0/0'::pg_lsn)::int8 AS lsn`,
  );
  return Number(row!["lsn"]) as Lsn;
}
