import {
  ArrayStruct,
  type ConnectValue,
  INT64,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  primitive,
  STRING,
  type Struct,
  structOf,
} from "../../../src/api/index.js";
import type { Lsn } from "../wal/lsn.js";

/** `source.version`: the Debezium release whose format is written. */
export const FORMAT_VERSION = "3.6.1.Final";
const CONNECTOR = "postgresql";

export type SnapshotMarker =
  | "true"
  | "first"
  | "first_in_data_collection"
  | "last_in_data_collection"
  | "last"
  | "false"
  | "incremental";

const SNAPSHOT_SCHEMA = primitive("string", {
  name: "io.debezium.data.Enum",
  version: 1,
  parameters: { allowed: "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental" },
  optional: true,
  defaultValue: "false",
});

export const SOURCE_SCHEMA = structOf(
  [
    ["version", STRING],
    ["connector", STRING],
    ["name", STRING],
    ["ts_ms", INT64],
    ["snapshot", SNAPSHOT_SCHEMA],
    ["db", STRING],
    ["sequence", OPTIONAL_STRING],
    ["ts_us", OPTIONAL_INT64],
    ["ts_ns", OPTIONAL_INT64],
    ["schema", STRING],
    ["table", STRING],
    ["txId", OPTIONAL_INT64],
    ["lsn", OPTIONAL_INT64],
    ["xmin", OPTIONAL_INT64],
    ["origin", OPTIONAL_STRING],
    ["origin_lsn", OPTIONAL_INT64],
  ],
  { name: "io.debezium.connector.postgresql.Source", version: 1 },
);

/** Of an event's `transaction` field, which is null without provide.transaction.metadata. */
export const BLOCK_SCHEMA = structOf(
  [
    ["id", STRING],
    ["total_order", INT64],
    ["data_collection_order", INT64],
  ],
  { name: "event.block", version: 1, optional: true },
);

/** One instant in the three units that events carry. */
export interface EventTime {
  readonly ms: number;
  readonly us: number;
  readonly ns: bigint;
}

export function eventTime(us: number): EventTime {
  return { ms: Math.floor(us / 1000), us, ns: BigInt(us) * 1000n };
}

/** The part of the source block shared by all events of a transaction. */
export interface SourceTransaction {
  readonly time: EventTime;
  readonly txId: number | null;
  readonly origin: string | null;
  readonly originLsn: number | null;
}

/** Makes the source blocks of one connector. */
export class SourceBlocks {
  readonly #name: string;
  readonly #database: string;
  /** The last commit in `#sequenceStart`, the part of `sequence` that all events of a transaction share. */
  #sequenceOf: Lsn | null = null;
  #sequenceStart = '[null,"';
  /** The slot's while it is streamed from, also for the rows of a blocking snapshot; null: not asked for. */
  xmin: number | null = null;

  constructor(name: string, database: string) {
    this.#name = name;
    this.#database = database;
  }

  /** @param marker null for a streamed event, which has the schema's default, "false". */
  block(
    transaction: SourceTransaction,
    lsn: Lsn,
    lastCommit: Lsn | null,
    schema: string,
    table: string,
    marker: SnapshotMarker | null = null,
  ): Struct {
    const { time } = transaction;
    const isIncremental = marker === "incremental";
    if (lastCommit !== this.#sequenceOf) {
      this.#sequenceOf = lastCommit;
      this.#sequenceStart = lastCommit === null ? '[null,"' : `["${lastCommit}","`;
    }
    const values: ConnectValue[] = [
      FORMAT_VERSION,
      CONNECTOR,
      this.#name,
      time.ms,
      marker,
      this.#database,
      `${this.#sequenceStart}${lsn}"]`,
      time.us,
      time.ns,
      schema,
      table,
      transaction.txId,
      // A row of an incremental snapshot has no position of its own, only a place in the sequence.
      isIncremental ? null : lsn,
      isIncremental ? null : this.xmin,
      transaction.origin,
      transaction.originLsn,
    ];
    return new ArrayStruct(SOURCE_SCHEMA, values);
  }
}
