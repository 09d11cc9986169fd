import type { IncrementalPosition } from "../position/incremental-position.js";
import type { Notifications } from "./notifications.js";

const ABOUT = "Incremental Snapshot";

/** How the reading of a table ended. */
export type ScanStatus = "SUCCEEDED" | "EMPTY" | "NO_PRIMARY_KEY" | "UNKNOWN_SCHEMA" | "SQL_EXCEPTION";

/** What incremental snapshots tell of themselves, in the original's words. `position` is the one before the step. */
export class IncrementalNotifications {
  /** Of the table that is being read. */
  #records = 0;

  constructor(private readonly notifications: Notifications) {}

  started(position: IncrementalPosition): void {
    this.#send(position, "STARTED", lists(position));
  }

  paused(position: IncrementalPosition): void {
    this.#send(position, "PAUSED", lists(position));
  }

  resumed(position: IncrementalPosition): void {
    this.#send(position, "RESUMED", lists(position));
  }

  /** A chunk with rows was read. */
  chunkRead(
    position: IncrementalPosition,
    rows: number,
    lastKey: readonly string[],
    maximumKey: readonly string[],
  ): void {
    this.#records += rows;
    // Where a surrogate key orders the rows, it is what is shown.
    const shown = (key: readonly string[]) => (position.tables[0]?.surrogateKey ? key.slice(0, 1) : key).join(",");
    this.#send(position, "IN_PROGRESS", {
      ...lists(position),
      current_collection_in_progress: position.tables[0]!.id,
      maximum_key: shown(maximumKey),
      last_processed_key: shown(lastKey),
    });
  }

  tableEnded(position: IncrementalPosition, status: ScanStatus): void {
    this.#send(position, "TABLE_SCAN_COMPLETED", {
      ...lists(position),
      scanned_collection: position.tables[0]!.id,
      total_rows_scanned: String(this.#records),
      status: status === "SUCCEEDED" && this.#records === 0 ? "EMPTY" : status,
    });
    this.#records = 0;
    if (position.tables.length === 1) this.#send(position, "COMPLETED", {});
  }

  /** @param stopped the tables that are left out from now on. */
  stopped(position: IncrementalPosition, stopped: readonly string[]): void {
    if (stopped.includes(position.tables[0]?.id ?? "")) this.#records = 0;
    this.#send(position, "ABORTED", { data_collections: stopped.join(",") });
  }

  #send(position: IncrementalPosition, type: string, data: Readonly<Record<string, string>>): void {
    // Notifications of all tables carry the id of the latest signal.
    this.notifications.send(ABOUT, type, data, position.tables.at(-1)?.correlationId);
  }
}

function lists({ tables }: IncrementalPosition): { readonly data_collections: string } {
  return { data_collections: tables.map(({ id }) => id).join(",") };
}
