import type { ConnectValue, SourceRecord, Struct } from "../../../src/api/index.js";
import type { SnapshotMarker } from "../tables/source-block.js";
import type { TableSchema } from "../tables/table-schema.js";

/** A row held back until it is known what follows: its marker depends on it. */
export interface HeldRow<T> {
  /** The table in this snapshot. */
  readonly of: T;
  schema: TableSchema;
  key: Struct | null;
  row: ConnectValue[];
  marker: SnapshotMarker;
}

/** A table whose rows are held by `HeldRows`. */
export interface HoldsRow<T> {
  held: HeldRow<T> | undefined;
}

/**
 * Marks the rows of a snapshot: the first and the last of all, and of each table. Tables may be read at the same time,
 * in parts. The last row of each open table is held back, and that of the table that ended last.
 */
export class HeldRows<T extends HoldsRow<T>> {
  #isFirst = true;
  #ended: HeldRow<T> | undefined;

  constructor(private readonly record: (held: HeldRow<T>, isLastOfAll: boolean) => SourceRecord) {}

  /** Appends what is known now to `into`: the row before this one, and the last row of the table that ended. */
  take(of: T, schema: TableSchema, key: Struct | null, row: ConnectValue[], into: SourceRecord[]): void {
    if (this.#ended) {
      into.push(this.record(this.#ended, false));
      this.#ended = undefined;
    }
    const { held } = of;
    if (!held) {
      of.held = { of, schema, key, row, marker: this.#isFirst ? "first" : "first_in_data_collection" };
      this.#isFirst = false;
      return;
    }
    into.push(this.record(held, false));
    held.schema = schema;
    held.key = key;
    held.row = row;
    held.marker = "true";
  }

  /** No row of this table follows. */
  end(of: T, into: SourceRecord[]): void {
    const { held } = of;
    if (!held) return;
    of.held = undefined;
    // The snapshot's first row keeps its marker, even if it is also the last of its table.
    if (held.marker !== "first") held.marker = "last_in_data_collection";
    if (this.#ended) into.push(this.record(this.#ended, false));
    this.#ended = held;
  }

  /** The last row of all; undefined if there was none. */
  finish(): SourceRecord | undefined {
    const last = this.#ended;
    this.#ended = undefined;
    if (!last) return undefined;
    last.marker = "last";
    return this.record(last, true);
  }
}
