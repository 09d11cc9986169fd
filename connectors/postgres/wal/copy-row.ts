import { NULL, newTuple, type Tuple, VALUE } from "./pgoutput-decoder.js";

const TAB = 0x09;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const ESCAPES: Readonly<Record<number, number>> = { 98: 8, 102: 12, 110: 10, 114: 13, 116: 9, 118: 11 };

/** Splits rows of COPY's text format (PostgreSQL manual, COPY) into columns, reusing one tuple for all rows. */
export class CopyRowReader {
  readonly #tuple: Tuple = newTuple();

  /** @param bytes holds one row at `[start, end)`, with or without its newline. The tuple may refer to a copy of it. */
  read(bytes: Buffer, start: number, end: number): Tuple {
    const tuple = this.#tuple;
    const last = end > start && bytes[end - 1] === NEWLINE ? end - 1 : end;
    tuple.bytes = bytes;
    let count = 0;
    let from = start;
    for (let at = start; at < last; at++) {
      const byte = bytes[at]!;
      if (byte > BACKSLASH || (byte !== TAB && byte !== BACKSLASH)) continue;
      if (byte === BACKSLASH) return this.#readEscaped(bytes, start, last);
      tuple.kinds[count] = VALUE;
      tuple.starts[count] = from;
      tuple.ends[count++] = at;
      from = at + 1;
    }
    tuple.kinds[count] = VALUE;
    tuple.starts[count] = from;
    tuple.ends[count++] = last;
    tuple.count = count;
    return tuple;
  }

  #readEscaped(bytes: Buffer, start: number, end: number): Tuple {
    const tuple = this.#tuple;
    const plain = Buffer.allocUnsafe(end - start);
    let count = 0;
    let from = 0;
    let length = 0;
    let isNull = false;
    const close = () => {
      tuple.kinds[count] = isNull ? NULL : VALUE;
      tuple.starts[count] = from;
      tuple.ends[count++] = length;
      from = length;
      isNull = false;
    };
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === TAB) {
        close();
      } else if (byte === BACKSLASH && at + 1 < end) {
        const next = bytes[++at]!;
        // \N is always a whole NULL field: COPY writes the text `\N` with two backslashes.
        if (next === 0x4e) isNull = true;
        else plain[length++] = ESCAPES[next] ?? next;
      } else {
        plain[length++] = byte;
      }
    }
    close();
    tuple.bytes = plain;
    tuple.count = count;
    return tuple;
  }
}
