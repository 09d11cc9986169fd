// Zigzag varints as records have them, written into a buffer that has room. Reading them is ByteReader's.

/** Size of a non-negative number as a zigzag varint. */
export function varintSize(value: number): number {
  return value < 0x40 ? 1 : value < 0x2000 ? 2 : value < 0x100000 ? 3 : value < 0x8000000 ? 4 : 5;
}

/** Size of any safe integer as a zigzag varlong. */
export function varlongSize(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

/** Writes a non-negative number as a zigzag varint; returns the position after it. */
export function writeVarint(buffer: Buffer, start: number, value: number): number {
  let rest = value * 2;
  let at = start;
  for (; rest > 0x7f; rest >>>= 7) buffer[at++] = (rest & 0x7f) | 0x80;
  buffer[at++] = rest;
  return at;
}

/** Writes any safe integer as a zigzag varlong; returns the position after it. */
export function writeVarlong(buffer: Buffer, start: number, value: number): number {
  let rest = zigzag(value);
  let at = start;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) buffer[at++] = (rest % 0x80) | 0x80;
  buffer[at++] = rest;
  return at;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}
