import { loadOptional } from "./optional-package.js";

type NativeCrc32c = (input: Uint8Array, initialState?: number) => number;

const native = loadOptional<{ readonly crc32c: NativeCrc32c }>("@node-rs/crc32").found?.crc32c;

/** Below this, the call into native code costs more than it saves (measured: break-even at about 200 bytes). */
const NATIVE_FROM = 200;
/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLES = makeTables();

/** CRC-32C of `buffer[start, end)`, as record batches carry it. */
export function crc32c(buffer: Buffer, start = 0, end = buffer.length): number {
  if (native && end - start >= NATIVE_FROM) return native(buffer.subarray(start, end)) >>> 0;
  return crc32cPortable(buffer, start, end);
}

/** `crc32c` without native code: eight bytes a step, with one table for each. */
export function crc32cPortable(buffer: Uint8Array, start = 0, end = buffer.length): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let crc = -1;
  let at = start;
  for (const wordsEnd = end - ((end - start) % 8); at < wordsEnd; at += 8) {
    crc ^= buffer[at]! | (buffer[at + 1]! << 8) | (buffer[at + 2]! << 16) | (buffer[at + 3]! << 24);
    crc =
      t7[crc & 0xff]! ^
      t6[(crc >>> 8) & 0xff]! ^
      t5[(crc >>> 16) & 0xff]! ^
      t4[crc >>> 24]! ^
      t3[buffer[at + 4]!]! ^
      t2[buffer[at + 5]!]! ^
      t1[buffer[at + 6]!]! ^
      t0[buffer[at + 7]!]!;
  }
  for (; at < end; at++) crc = t0[(crc ^ buffer[at]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

type Table = Int32Array;
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table];

function makeTables(): Tables {
  const tables: Tables = [table(), table(), table(), table(), table(), table(), table(), table()];
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let byte = 0; byte < 256; byte++) {
    for (let step = 1; step < 8; step++) {
      const previous = tables[step - 1]![byte]!;
      tables[step]![byte] = tables[0][previous & 0xff]! ^ (previous >>> 8);
    }
  }
  return tables;
}

function table(): Table {
  return new Int32Array(256);
}
