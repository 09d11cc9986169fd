/** A field of a serialized message: a varint, or bytes. Fixed numbers are skipped. */
export interface WireField {
  readonly tag: number;
  readonly value: bigint | Buffer;
}

/** Reads the fields of a serialized message. @throws RangeError for bytes that are none */
export function readWire(bytes: Buffer): WireField[] {
  const found: WireField[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) break;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError("a number ends early");
  };
  const take = (length: number): Buffer => {
    if (at + length > bytes.length) throw new RangeError("a field ends early");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const tag = Math.floor(key / 8);
    if (tag === 0) throw new RangeError("a field without a tag");
    switch (key % 8) {
      case 0:
        found.push({ tag, value: varint() });
        break;
      case 1:
        take(8);
        break;
      case 2:
        found.push({ tag, value: take(Number(varint())) });
        break;
      case 5:
        take(4);
        break;
      default:
        throw new RangeError("a field of an unknown wire type");
    }
  }
  return found;
}

/** Serializes fields; those that are undefined are left out. */
export function writeWire(
  fields: readonly (readonly [tag: number, value: number | string | Buffer | undefined])[],
): Buffer {
  return Buffer.concat(
    fields.flatMap(([tag, value]) => {
      if (value === undefined) return [];
      if (typeof value === "number") return [varintOf(tag * 8), varintOf(value)];
      const bytes = Buffer.from(value as Buffer);
      return [varintOf(tag * 8 + 2), varintOf(bytes.length), bytes];
    }),
  );
}

function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, BigInt(value));
  while (left >= 0x80n) {
    bytes.push(Number(left & 0x7fn) | 0x80);
    left >>= 7n;
  }
  bytes.push(Number(left));
  return Buffer.from(bytes);
}
