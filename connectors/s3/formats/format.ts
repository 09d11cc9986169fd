import type { SinkRecord } from "../../../src/api/index.js";
import type { ExistingRows, RowDigest } from "./row-digest.js";

/**
 * How records become objects. One per task. A record becomes a row, bytes that depend on it and its object's schema
 * alone, so that a replay is recognised by its rows however they were compressed or arranged.
 */
export interface Format {
  /** The extension of object names, with its dot, and with a compression's. */
  readonly extension: string;
  /**
   * For one object.
   *
   * @param first its first record, whose schema is that of the object.
   * @throws DataError when no object can hold such records.
   */
  open(first: SinkRecord): ObjectFormat;
  /**
   * Reads the rows of an object that exists.
   *
   * @param beginning the length of its beginning to digest, too.
   * @throws ForeignObjectError when this format wrote no such object; otherwise as `object`.
   */
  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows>;
}

/** How the records of one object become its bytes. */
export interface ObjectFormat {
  /** Follows every row, the last one too. */
  readonly terminator: Buffer;
  /**
   * The record as a row, valid until the next call.
   *
   * @param isFirst whether it is the object's first record.
   * @throws DataError if it is no row.
   */
  row(record: SinkRecord, isFirst: boolean): Buffer;
  /** What makes the object's bytes of its rows; undefined when they are its bytes. Called once. */
  packer(): Packer | undefined;
}

/** The records of an object. */
export interface ObjectFacts {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

/** What a packer may write about an object at its end. */
export interface PackedRows {
  readonly facts: ObjectFacts;
  readonly all: RowDigest;
  readonly first: RowDigest;
}

/** Makes the bytes of one object of its rows, in blocks: `begin`, `block` for each in order, `end`. */
export interface Packer {
  /** Bytes of rows that fill a block. */
  readonly blockBytes: number;
  /** Whether a block ends behind a row; otherwise at exactly `blockBytes`. */
  readonly hasWholeRows: boolean;
  begin(): Buffer;
  /**
   * Called again for the same block if it rejects.
   *
   * @param read reads the rows of the block into memory, valid until the promise settles. Called once per call.
   * @param count its rows, where it has whole ones.
   */
  block(read: () => Promise<Buffer>, count: number): Promise<Buffer>;
  /** Called once. */
  end(rows: PackedRows): Buffer;
}

/** An object is not of the form that the format writes. */
export class ForeignObjectError extends Error {
  /** @param form as in "is not a … that this sink wrote". */
  constructor(
    readonly form: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`not a ${form} that this sink wrote`, options);
  }
}
