import type pg from "pg";
import { queryRows } from "../server/query-rows.js";
import { endTimeouts } from "../server/session-timeouts.js";
import { quoteLiteral } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import {
  type ChunkRange,
  ChunkReader,
  type ChunkReaderOptions,
  type DescribedTable,
  type OpenChunk,
} from "./chunk-reader.js";
import { isChanged, TableChanged, tryLockTable } from "./table-hold.js";

/** A part of a table, of fewer pages, is not worth a connection. */
const FEWEST_PAGES = 16;

/**
 * Pages of a table, or of the largest of its partitions. Only heap tables can be read by page ranges, and servers before
 * PostgreSQL 14 would read the whole table for each of them.
 */
const PAGES = `
SELECT coalesce(max(pg_relation_size(c.oid) / current_setting('block_size')::int8), 0) AS pages,
       coalesce(bool_and(coalesce(am.amname = 'heap', false)), false)
         AND current_setting('server_version_num')::int >= 140000 AS has_ranges
FROM pg_class c LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind <> 'p' AND (c.oid = $1 OR c.oid IN (SELECT relid FROM pg_partition_tree($1::oid::regclass)))`;

/** A table that was found to be the one of the snapshot, and the parts to read it in. */
export interface FoundTable {
  readonly described: DescribedTable;
  readonly ranges: readonly ChunkRange[];
}

/** One connection of a snapshot: reads one chunk at a time, in the snapshot's transaction. */
export class SnapshotWorker {
  readonly client: pg.Client;
  readonly #reader: ChunkReader;
  #hasSavepoint = false;
  #chunk: OpenChunk | undefined;
  #isWatched = false;
  #failure: { readonly error: unknown } | undefined;
  /** A table or chunk is being opened. */
  isOpening = false;

  constructor(options: ChunkReaderOptions) {
    this.client = options.client;
    this.#reader = new ChunkReader(options);
  }

  /** Begins a transaction, by a statement that says its isolation. @param snapshotName one to import; null: its own. */
  async begin(statement: string, snapshotName: string | null): Promise<void> {
    const { client } = this;
    await endTimeouts(client);
    // Rows hidden by a policy become an error: the stream would send their changes, but the snapshot never the rows.
    await client.query("SET row_security=off");
    await client.query(statement);
    this.#hasSavepoint = false;
    if (snapshotName !== null) await client.query(`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshotName)}`);
  }

  /**
   * Describes and locks a table.
   *
   * @param parts how many connections may read it.
   * @returns undefined if it is gone.
   * @throws TableChanged if this transaction cannot read it.
   */
  async find(table: CapturedTable, statement: string | undefined, parts: number): Promise<FoundTable | undefined> {
    await this.#savepoint();
    const described = await this.#reader.describe(table);
    if (!described) return undefined;
    // What holds it may change it: it is read last then, when nothing else is locked.
    if (!(await tryLockTable(this.client, table))) throw new TableChanged(table);
    if (await isChanged(this.client, table)) throw new TableChanged(table);
    if (statement !== undefined) return { described, ranges: [{ statement }] };
    if (parts === 1) return { described, ranges: [{}] };
    const [size] = await queryRows(this.client, PAGES, [table.oid]);
    return { described, ranges: planRanges(size!["has_ranges"] === "t" ? Number(size!["pages"]) : 0, parts) };
  }

  /**
   * Locks a table that another connection has found, to read a part of it. Not behind a lock that waits for the other
   * connection's: it would wait until the snapshot ends, and the snapshot for this one.
   *
   * @returns false if the lock is not to be had.
   */
  async share(table: CapturedTable): Promise<boolean> {
    await this.#savepoint();
    const isShared = await tryLockTable(this.client, table);
    if (!isShared) await this.undo();
    return isShared;
  }

  /** Starts reading. @throws TableChanged, as `find`. */
  async open(table: CapturedTable, described: DescribedTable, range: ChunkRange): Promise<void> {
    this.#chunk = await this.#reader.open(table, described, range);
  }

  /** The transaction goes on after a TableChanged. */
  async undo(): Promise<void> {
    await this.client.query("ROLLBACK TO SAVEPOINT unread");
  }

  async #savepoint(): Promise<void> {
    if (this.#hasSavepoint) await this.client.query("RELEASE SAVEPOINT unread");
    await this.client.query("SAVEPOINT unread");
    this.#hasSavepoint = true;
  }

  /** The chunk that is being read. */
  get chunk(): OpenChunk | undefined {
    return this.#chunk;
  }

  /** The chunk was read to its end. */
  release(): void {
    this.#chunk?.close();
    this.#chunk = undefined;
  }

  /** Calls `wake` once rows have arrived. */
  watch(wake: () => void): void {
    if (!this.#chunk || this.#isWatched) return;
    this.#isWatched = true;
    void this.#chunk.readable().then(() => {
      this.#isWatched = false;
      wake();
    });
  }

  /** Carries out what opens the next chunk, and then calls `wake`. An error waits for `rethrow`. */
  carryOut(opening: Promise<void>, wake: () => void): void {
    this.isOpening = true;
    const done = (failure?: { readonly error: unknown }) => {
      this.#failure = failure;
      this.isOpening = false;
      wake();
    };
    void opening.then(
      () => done(),
      (error) => done({ error }),
    );
  }

  /** @throws what `carryOut` failed with. */
  rethrow(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** Ranges of pages, of about the same size. The last is open: pages may be added meanwhile. */
export function planRanges(pages: number, parts: number): ChunkRange[] {
  const count = Math.max(1, Math.min(parts, Math.floor(pages / FEWEST_PAGES)));
  if (count === 1) return [{}];
  const start = (at: number) => `'(${Math.floor((pages * at) / count)},0)'::tid`;
  return Array.from({ length: count }, (_, at) => ({
    where: [...(at === 0 ? [] : [`ctid >= ${start(at)}`]), ...(at === count - 1 ? [] : [`ctid < ${start(at + 1)}`])],
  }));
}
