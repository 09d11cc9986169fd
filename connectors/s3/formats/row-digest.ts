import { crc32 } from "node:zlib";

/** Rows as bytes, before compression: their number of bytes and CRC-32. Equal digests count as the same rows. */
export interface RowDigest {
  readonly length: number;
  readonly crc32: number;
}

/** An object's rows, and its first ones up to a length that was asked for (all of them if it is shorter). */
export interface ExistingRows extends RowDigest {
  /** Of that length, or shorter if the object does not tell: of the first row. */
  readonly beginning: RowDigest;
}

export const NO_ROWS: RowDigest = { length: 0, crc32: 0 };

export function sameRows(a: RowDigest, b: RowDigest): boolean {
  return a.length === b.length && a.crc32 === b.crc32;
}

/** The digest after one more row. */
export function withRow(digest: RowDigest, row: Buffer): RowDigest {
  return { length: digest.length + row.length, crc32: crc32(row, digest.crc32) };
}

/** Digests rows that arrive in pieces, and their first `length` bytes. */
export class RowsSoFar implements ExistingRows {
  #all = NO_ROWS;
  beginning: RowDigest = NO_ROWS;

  /** @param beginningLength the length of the beginning to digest, too. */
  constructor(private readonly beginningLength: number) {}

  get length(): number {
    return this.#all.length;
  }

  get crc32(): number {
    return this.#all.crc32;
  }

  add(piece: Buffer): void {
    const left = this.beginningLength - this.#all.length;
    if (left > 0) this.beginning = withRow(this.beginning, left < piece.length ? piece.subarray(0, left) : piece);
    this.#all = withRow(this.#all, piece);
  }
}
