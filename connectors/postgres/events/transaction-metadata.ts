import {
  ArrayStruct,
  arrayOf,
  INT64,
  javaHashOrder,
  OPTIONAL_INT64,
  type SourceMap,
  SourceRecord,
  STRING,
  type Struct,
  structOf,
} from "../../../src/api/index.js";
import { BLOCK_SCHEMA } from "../tables/source-block.js";
import type { Lsn } from "../wal/lsn.js";

const NAMES = "io.debezium.connector.common.";
const KEY_SCHEMA = structOf([["id", STRING]], { name: `${NAMES}TransactionMetadataKey`, version: 1 });
const COLLECTION_SCHEMA = structOf(
  [
    ["data_collection", STRING],
    ["event_count", INT64],
  ],
  { name: "event.collection", version: 1, optional: true },
);
const VALUE_SCHEMA = structOf(
  [
    ["status", STRING],
    ["id", STRING],
    ["event_count", OPTIONAL_INT64],
    ["data_collections", arrayOf(COLLECTION_SCHEMA, { optional: true })],
    ["ts_ms", INT64],
  ],
  { name: `${NAMES}TransactionMetadataValue`, version: 1 },
);

/**
 * Counts the events of the open transaction, and makes the records of its beginning and end
 * (provide.transaction.metadata).
 */
export class TransactionMetadata {
  readonly #counts = new Map<string, number>();
  #total = 0;
  #xid = 0;
  #committedMs = 0;
  #isOpen = false;

  constructor(
    private readonly partition: SourceMap,
    private readonly topic: string,
  ) {}

  /** A transaction begins. */
  begin(xid: number, committedMs: number): void {
    this.#counts.clear();
    this.#total = 0;
    this.#xid = xid;
    this.#committedMs = committedMs;
    this.#isOpen = true;
  }

  /** Counts an event, and returns its `transaction` block; null outside a transaction. */
  next(collection: string, lsn: Lsn): Struct | null {
    if (!this.#isOpen) return null;
    const order = (this.#counts.get(collection) ?? 0) + 1;
    this.#counts.set(collection, order);
    this.#total++;
    return new ArrayStruct(BLOCK_SCHEMA, [this.#id(lsn), this.#total, order]);
  }

  /** The record of the beginning. @param lsn of its message, which stands in the id. */
  beginning(lsn: Lsn, offset: SourceMap): SourceRecord {
    return this.#record("BEGIN", lsn, null, null, offset);
  }

  /** The record of the end. The transaction is over. */
  end(lsn: Lsn, offset: SourceMap): SourceRecord {
    this.#isOpen = false;
    const names = [...this.#counts.keys()];
    const collections = javaHashOrder(names).map((at) => {
      const name = names[at]!;
      return new ArrayStruct(COLLECTION_SCHEMA, [name, this.#counts.get(name)!]);
    });
    return this.#record("END", lsn, this.#total, collections, offset);
  }

  /** The transaction was skipped whole. */
  forget(): void {
    this.#isOpen = false;
  }

  #id(lsn: Lsn): string {
    return `${this.#xid}:${lsn}`;
  }

  #record(
    status: string,
    lsn: Lsn,
    total: number | null,
    collections: Struct[] | null,
    offset: SourceMap,
  ): SourceRecord {
    const id = this.#id(lsn);
    const key = new ArrayStruct(KEY_SCHEMA, [id]);
    const value = new ArrayStruct(VALUE_SCHEMA, [status, id, total, collections, this.#committedMs]);
    return new SourceRecord(this.partition, offset, this.topic, null, KEY_SCHEMA, key, VALUE_SCHEMA, value);
  }
}
