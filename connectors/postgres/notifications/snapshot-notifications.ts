import type { Notifications } from "./notifications.js";

const ABOUT = "Initial Snapshot";

/** What an initial or blocking snapshot tells of itself, in the original's words. */
export class SnapshotNotifications {
  #tables: readonly string[] = [];
  /** Begun, and not ended. */
  readonly #open = new Set<string>();
  #isRunning = false;
  #isSkipTold = false;

  /** @param signalTable of an initial snapshot, whose list of tables holds it once one of them was read; or null. */
  constructor(
    private readonly notifications: Notifications,
    private readonly signalTable: string | null,
  ) {}

  started(): void {
    this.#isRunning = true;
    this.notifications.send(ABOUT, "STARTED");
  }

  /** @param tables all tables to read, as `schema.table`. */
  begun(tables: readonly string[]): void {
    this.#tables = tables;
  }

  tableBegun(table: string): void {
    this.#open.add(table);
    this.notifications.send(ABOUT, "IN_PROGRESS", {
      current_collection_in_progress: table,
      data_collections: this.#tables.join(","),
    });
  }

  tableEnded(table: string, records: number): void {
    this.#open.delete(table);
    const all = this.signalTable === null ? this.#tables : [...this.#tables, this.signalTable].sort();
    this.notifications.send(ABOUT, "TABLE_SCAN_COMPLETED", {
      scanned_collection: table,
      data_collections: all.join(","),
      total_rows_scanned: String(records),
      status: "SUCCEEDED",
    });
  }

  completed(): void {
    this.#end("COMPLETED");
  }

  /** Of no effect unless it runs. @param isRefused the server refuses to read its tables. */
  aborted(isRefused = false): void {
    for (const table of isRefused && this.#isRunning ? this.#open : [])
      this.notifications.send(ABOUT, "TABLE_SCAN_COMPLETED", { scanned_collection: table, status: "SQL_EXCEPTION" });
    this.#end("ABORTED");
  }

  /** None is needed: told once for each task. */
  skipped(): void {
    if (!this.#isSkipTold) this.notifications.send(ABOUT, "SKIPPED");
    this.#isSkipTold = true;
  }

  #end(type: string): void {
    if (this.#isRunning) this.notifications.send(ABOUT, type);
    this.#isRunning = false;
    this.#open.clear();
  }
}
