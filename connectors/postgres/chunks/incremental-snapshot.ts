import {
  type ConnectValue,
  type Logger,
  type SourceMap,
  type Struct,
  UnsupportedError,
} from "../../../src/api/index.js";
import {
  type IncrementalPosition,
  type IncrementalTable,
  incrementalKeys,
  readIncremental,
} from "../position/incremental-position.js";
import type { TableSchema } from "../tables/table-schema.js";
import type { Lsn } from "../wal/lsn.js";
import type { Tuple } from "../wal/pgoutput-decoder.js";

/** A chunk is read again that often before its table is given up. */
const MOST_REDONE = 20;

/** A row of a chunk that has not been sent. */
export interface ChunkRow {
  /** The texts of the chunk's key columns. */
  readonly id: string;
  readonly key: Struct;
  readonly row: ConnectValue[];
  readonly schema: TableSchema;
}

/** The rows of a table between two keys, read in one transaction. */
export interface Chunk {
  readonly rows: readonly ChunkRow[];
  /** The table. Not its topic, which other tables may share, with the same keys. */
  readonly schemaName: string;
  readonly tableName: string;
  /** The table's own key. That of its records may be another, and not unique (message.key.columns). */
  readonly keyColumns: readonly string[];
  /** Everything that the transaction saw was written before it. */
  readonly highLsn: Lsn;
  /** What orders the rows, with types: keys of another order have another meaning. */
  readonly order: readonly string[];
  readonly lastKey: readonly string[];
  readonly maximumKey: readonly string[];
  readonly isLast: boolean;
}

/**
 * The tables to read while the stream goes on, in chunks: those that signals asked for, and under
 * snapshot.resume.mode=chunks those of the initial snapshot. Outlives every connection.
 *
 * A chunk waits, in a window, until the stream has passed everything that the chunk saw. Rows that the stream sends
 * meanwhile are dropped from it: what the stream sends is as new or newer.
 */
export class IncrementalSnapshot {
  #position: IncrementalPosition;
  #window: { readonly chunk: Chunk; readonly rows: Map<string, ChunkRow> } | undefined;
  #isPaused = false;
  /** How often the chunk to be read was read in vain. */
  #redone = 0;

  constructor(
    stored: SourceMap | null,
    private readonly logger: Logger,
  ) {
    this.#position = readIncremental(stored);
  }

  /** The stored offset turned out to be a newer one. No window is open. */
  goOnFrom(stored: SourceMap | null): void {
    this.#position = readIncremental(stored);
  }

  /** What offsets hold of it. */
  get keys(): SourceMap {
    return incrementalKeys(this.#position);
  }

  get position(): IncrementalPosition {
    return this.#position;
  }

  /** The table to read the next chunk of; undefined while a window is open, or there is none. */
  get next(): IncrementalTable | undefined {
    return this.#window || this.#isPaused ? undefined : this.#position.tables[0];
  }

  /** The position that the stream must pass before `close`; undefined: no window is open. */
  get awaited(): Lsn | undefined {
    return this.#window?.chunk.highLsn;
  }

  /** Tables of the initial snapshot are left. */
  get isInitial(): boolean {
    return this.#position.tables.some(({ oid }) => oid !== null);
  }

  /**
   * Begins an initial snapshot. Drops the rest of an earlier one, and what signals asked for of the same tables, since a
   * signal may ask for only some rows.
   */
  begin(tables: readonly IncrementalTable[]): void {
    const own = new Set(tables.map(({ id }) => id));
    this.stop((id, { oid }) => oid !== null || own.has(id));
    this.add(tables);
  }

  /** Reads these tables after the others. One of which the same rows wait to be read is not added again. */
  add(tables: readonly IncrementalTable[]): void {
    const { tables: known, lastKey } = this.#position;
    const waiting = this.#window || lastKey ? known.slice(1) : known;
    const added = tables.filter((table) => !waiting.some((other) => covers(other, table)));
    this.#position = { ...this.#position, tables: [...known, ...added] };
  }

  /**
   * @param isStopped null: every table but those of the initial snapshot. Who ends what signals have asked for does not
   * ask for topics that lack rows.
   */
  stop(isStopped: ((id: string, table: IncrementalTable) => boolean) | null): void {
    const { tables } = this.#position;
    const isAskedFor = (_: string, { oid }: IncrementalTable) => oid === null;
    const left = tables.filter((table) => !(isStopped ?? isAskedFor)(table.id, table));
    if (left[0] === tables[0]) {
      this.#position = { ...this.#position, tables: left };
      return;
    }
    this.#window = undefined;
    this.#redone = 0;
    this.#goOnWith(left);
  }

  #goOnWith(tables: readonly IncrementalTable[]): void {
    this.#position = begin(tables);
    // A pause of what is over must not hold up what a later signal asks for.
    if (tables.length === 0) this.#isPaused = false;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** The chunk is read again: the connection was lost. */
  interrupt(): void {
    this.#window = undefined;
  }

  /** @throws UnsupportedError for a chunk that the stream has interrupted again and again. */
  open(chunk: Chunk): void {
    if (this.#redone > MOST_REDONE)
      throw new UnsupportedError(
        "POSTGRES_CHUNK_INTERRUPTED",
        `a chunk of table ${this.#position.tables[0]?.id} was read ${MOST_REDONE} times in vain: changes without the table's key came meanwhile, under a replica identity that lacks it. Set REPLICA IDENTITY DEFAULT or FULL`,
      );
    this.#window = { chunk, rows: new Map(chunk.rows.map((row) => [row.id, row])) };
  }

  /** The first table has no rows left, or cannot be read. */
  finish(): void {
    const [done, ...tables] = this.#position.tables;
    this.#goOnWith(tables);
    this.#redone = 0;
    if (done) this.logger.info("Incremental snapshot of a table ended", { table: done.id });
  }

  /** The stream sends an event of this row. @param old the row before, which may hold what `tuple` lacks. */
  supersede(table: TableSchema, tuple: Tuple, old: Tuple | null = null): void {
    const window = this.#windowOf(table);
    if (!window) return;
    const id = table.readTexts(window.chunk.keyColumns, tuple, old);
    // Under a replica identity of other columns a row may come without its key: it could be any of the window.
    if (id === null) {
      this.interrupt();
      this.#redone++;
    } else window.rows.delete(id);
  }

  /** The stream sends a truncate. */
  clear(table: TableSchema): void {
    this.#windowOf(table)?.rows.clear();
  }

  #windowOf({ schemaName, tableName }: TableSchema) {
    const window = this.#window;
    return window?.chunk.tableName === tableName && window.chunk.schemaName === schemaName ? window : undefined;
  }

  /** The rows of the window that are still to be sent, and goes on behind them. */
  close(): readonly ChunkRow[] {
    const { chunk, rows } = this.#window!;
    this.#window = undefined;
    this.#redone = 0;
    if (chunk.isLast) this.finish();
    else {
      const { order, lastKey, maximumKey } = chunk;
      this.#position = { ...this.#position, order, lastKey, maximumKey };
    }
    return [...rows.values()];
  }
}

/** Whether whoever asks for `other` gets all of it by `table`. */
function covers(table: IncrementalTable, other: IncrementalTable): boolean {
  const hasRows = table.condition === null || table.condition === other.condition;
  // By a surrogate key that is wrong, the table may be left out.
  return hasRows && table.id === other.id && table.surrogateKey === other.surrogateKey;
}

function begin(tables: readonly IncrementalTable[]): IncrementalPosition {
  return { tables, order: null, lastKey: null, maximumKey: null };
}
