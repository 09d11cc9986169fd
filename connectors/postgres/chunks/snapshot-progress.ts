import type pg from "pg";
import type { Clock, Logger } from "../../../src/api/index.js";
import { queryRows } from "../server/query-rows.js";

/** Between two lines of the log. */
const LOG_MS = 10_000;

/** The progress of the running snapshot, or of the last one. */
interface SnapshotState {
  readonly isRunning: boolean;
  readonly tables: number;
  readonly rows: number;
  /** As of the server's statistics; null: they say nothing. */
  readonly estimatedRows: number | null;
  readonly seconds: number;
}

/** A running task's numbers, by name. */
function snapshotGauges({ isRunning, tables, rows, estimatedRows, seconds }: SnapshotState): Record<string, number> {
  const rate = seconds > 0 ? rows / seconds : 0;
  const estimate = isRunning ? estimatedRows : rows;
  return {
    snapshot_running: Number(isRunning),
    snapshot_tables: tables,
    snapshot_rows: rows,
    snapshot_rows_per_second: Math.round(rate),
    ...(estimate !== null && {
      snapshot_rows_estimated: estimate,
      // The statistics may be old: only the end is 100 %.
      snapshot_percent: isRunning ? Math.min(99, Math.floor((100 * rows) / Math.max(1, estimate))) : 100,
      ...(rate > 0 && { snapshot_seconds_left: Math.max(0, Math.round((estimate - rows) / rate)) }),
    }),
  };
}

/** Counts the rows of snapshots, and tells the log every ten seconds. Outlives every connection. */
export class SnapshotProgress {
  #state: SnapshotState | undefined;
  #startedMs = 0;
  #loggedMs = 0;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** A snapshot begins, or goes on in this process. */
  begin(tables: number, estimatedRows: number | null): void {
    this.#startedMs = this.clock.monotonicMs();
    this.#loggedMs = this.#startedMs;
    this.#state = { isRunning: true, tables, rows: 0, estimatedRows, seconds: 0 };
  }

  get isRunning(): boolean {
    return this.#state?.isRunning === true;
  }

  /** Rows were made into records. */
  add(rows: number): void {
    if (!this.#state) return;
    const nowMs = this.clock.monotonicMs();
    this.#state = { ...this.#state, rows: this.#state.rows + rows, seconds: (nowMs - this.#startedMs) / 1000 };
    if (nowMs - this.#loggedMs < LOG_MS) return;
    this.#loggedMs = nowMs;
    this.logger.info("Snapshot in progress", this.gauges());
  }

  end(): void {
    if (!this.#state?.isRunning) return;
    this.#state = { ...this.#state, isRunning: false };
    this.logger.info("Snapshot completed", this.gauges());
  }

  /** {} before the first snapshot. */
  gauges(): Record<string, number> {
    return this.#state ? snapshotGauges(this.#state) : {};
  }
}

/** How many rows tables have by the server's statistics; null if it has none. */
export async function estimateRows(client: pg.Client, oids: readonly number[]): Promise<number | null> {
  if (oids.length === 0) return null;
  const [row] = await queryRows(
    client,
    `SELECT sum(greatest(c.reltuples, 0))::int8 AS rows
     FROM unnest($1::oid[]) AS t(oid)
     JOIN pg_class c ON c.relkind = 'r' AND (c.oid = t.oid OR c.oid IN (SELECT relid FROM pg_partition_tree(t.oid::regclass)))`,
    [`{${oids.join(",")}}`],
  );
  return Number(row?.["rows"] ?? 0) || null;
}
