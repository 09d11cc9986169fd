import type { SinkRecord } from "../../../src/api/index.js";

/** How records become rows of an object. One per task; called for every record. */
export interface Format {
  /** The extension of object names, with its dot and without a compression's. */
  readonly extension: string;
  /** Follows every row, the last one too. */
  readonly terminator: Buffer;
  /** The record's value, never null, as a row that is valid until the next call. @throws DataError if it is no row. */
  encode(record: SinkRecord): Buffer;
}
