import type { SinkRecord } from "../../../src/api/index.js";

/** How records become rows of an object. One per task; called for every record. */
export interface Format {
  /** Of the object's name, with its dot, without that of a compression. */
  readonly extension: string;
  /** Follows every row, the last one too. */
  readonly terminator: Buffer;
  /** The record's value as a row, valid until the next call. Never called with a null value. @throws DataError when it cannot be one. */
  encode(record: SinkRecord): Buffer;
}
