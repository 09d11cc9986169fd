import type pg from "pg";
import { quoteIdentifier } from "../server/sql-text.js";
import type { CapturedTable } from "../tables/captured-tables.js";
import { defineTable, readCatalog } from "../tables/table-catalog.js";
import { type TableDefinition, withNullable } from "../tables/table-definition.js";
import type { TableFilter } from "../tables/table-filter.js";
import type { TableSchema } from "../tables/table-schema.js";
import type { TableSchemas } from "../tables/table-schemas.js";
import { CopyChannel } from "../wal/copy-channel.js";
import { CopyRowReader } from "../wal/copy-row.js";
import type { Tuple } from "../wal/pgoutput-decoder.js";
import { rowsOf, throwChanged } from "./table-hold.js";

export interface ChunkReaderOptions {
  /** In the transaction whose snapshot is read, from `describe` until the last chunk is closed. */
  readonly client: pg.Client;
  readonly filter: TableFilter;
  readonly schemas: TableSchemas;
  /** Bytes of a chunk that may wait to be read. */
  readonly limitBytes: number;
}

/** A table as the transaction sees it. */
export interface DescribedTable {
  /** With the columns that are read: those that the filters keep, and those of its keys. */
  readonly definition: TableDefinition;
  /** Its own key identifies a row. */
  readonly isUnique: boolean;
}

/** Which rows of a table to read. */
export interface ChunkRange {
  /** A SELECT to read instead of the whole table. Its columns are matched by name; those that it lacks are NULL. */
  readonly statement?: string | undefined;
  /** Conditions in SQL, all of which hold. */
  readonly where?: readonly string[];
  /** In SQL. */
  readonly orderBy?: readonly string[];
  readonly limit?: number;
}

/** Reads rows of tables by COPY, for snapshots of all kinds. One chunk at a time is open. */
export class ChunkReader {
  readonly #options: ChunkReaderOptions;
  readonly #rowReader = new CopyRowReader();

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /** @returns undefined if the table is gone. */
  async describe(table: CapturedTable): Promise<DescribedTable | undefined> {
    const { client, filter, schemas } = this.#options;
    const entry = await readCatalog(client, table.oid);
    if (!entry.table) return undefined;
    schemas.types.see(entry.types);
    const whole = defineTable(entry.table, schemas.types);
    // A key column is read even if the filters exclude it from the value.
    const keys = new Set([...filter.keyColumns(whole), ...whole.keyColumns]);
    const isRead = (name: string) => keys.has(name) || filter.keepsColumn(whole.schema, whole.table, name);
    const own = entry.table.primaryKey ?? entry.table.uniqueKey;
    return {
      definition: { ...whole, columns: whole.columns.filter(({ name }) => isRead(name)) },
      isUnique: own !== null && !own.isPartial,
    };
  }

  /**
   * Starts reading. The caller must have locked the table.
   *
   * @throws TableChanged if the table is not the one that was described; the server's other errors unchanged.
   */
  async open(table: CapturedTable, { definition }: DescribedTable, range: ChunkRange): Promise<OpenChunk> {
    const { client, schemas, limitBytes } = this.#options;
    const { statement, where = [], orderBy = [], limit } = range;
    const from = statement === undefined ? rowsOf(table) : `(${statement.replace(/;\s*$/, "")}) AS chosen`;
    const columns = await this.#columnsOf(definition, statement === undefined ? null : from);
    const select = [
      `SELECT ${columns} FROM ${from}`,
      ...(where.length > 0 ? [`WHERE ${where.join(" AND ")}`] : []),
      ...(orderBy.length > 0 ? [`ORDER BY ${orderBy.join(", ")}`] : []),
      ...(limit === undefined ? [] : [`LIMIT ${limit}`]),
    ].join(" ");
    const channel = new CopyChannel(client, limitBytes);
    try {
      await channel.start(`COPY (${select}) TO STDOUT`);
    } catch (error) {
      channel.detach();
      throwChanged(table, error);
    }
    return new OpenChunk(channel, this.#rowReader, schemas, definition);
  }

  /** The list to select. @param chosen a SELECT, which may lack columns: they are NULL. */
  async #columnsOf({ columns }: TableDefinition, chosen: string | null): Promise<string> {
    if (chosen === null) return columns.map(({ name }) => quoteIdentifier(name)).join(", ");
    const { fields } = await this.#options.client.query(`SELECT * FROM ${chosen} LIMIT 0`);
    const found = new Set(fields.map(({ name }) => name));
    return columns.map(({ name }) => (found.has(name) ? quoteIdentifier(name) : "NULL")).join(", ");
  }
}

/** A chunk while it is read. */
export class OpenChunk {
  #schema: TableSchema;

  constructor(
    private readonly channel: CopyChannel,
    private readonly rowReader: CopyRowReader,
    private readonly schemas: TableSchemas,
    private definition: TableDefinition,
  ) {
    this.#schema = schemas.get(definition);
  }

  /** Can hold the row that `next` returned last. */
  get schema(): TableSchema {
    return this.#schema;
  }

  /** All rows were read. */
  get isDone(): boolean {
    return this.channel.isDone;
  }

  /**
   * The next row that has arrived, or null; valid until the next call.
   *
   * @throws the server's or the connection's error.
   */
  next(): Tuple | null {
    const frame = this.channel.next();
    if (frame === null) return null;
    const tuple = this.rowReader.read(frame.bytes, frame.start, frame.end);
    const nulls = this.#schema.unexpectedNulls(tuple);
    // PostgreSQL 18 and later: a NOT NULL constraint that is NOT VALID may have rows that violate it.
    if (nulls) {
      this.definition = withNullable(this.definition, nulls);
      this.#schema = this.schemas.get(this.definition);
    }
    return tuple;
  }

  /** Resolves when `next` may return a row, or when the chunk has ended. One waiter at a time. */
  readable(): Promise<void> {
    return this.channel.readable();
  }

  /** Passes over the rows that are left: only then can the connection be given back. @throws as `next`. */
  async drain(): Promise<void> {
    while (!this.channel.isDone) if (this.channel.next() === null) await this.channel.readable();
  }

  /** Gives the connection back after the last row. Before that, it can only be closed. */
  close(): void {
    this.channel.detach();
  }
}
