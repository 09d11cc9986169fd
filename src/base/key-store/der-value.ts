import { KeyStoreError } from "./key-store.js";

/** A value in DER (X.690), in definite lengths only, as Java and OpenSSL write them. */
export class DerValue {
  private constructor(
    /** With its class and the bit of constructed values. */
    readonly tag: number,
    readonly bytes: Buffer,
  ) {}

  /** @throws KeyStoreError unless the bytes are one value. */
  static of(bytes: Buffer): DerValue {
    const [value, ...more] = valuesIn(bytes);
    if (!value || more.length > 0) throw malformed();
    return value;
  }

  /** The values in a sequence, a set or an explicit tag. */
  items(): readonly DerValue[] {
    return valuesIn(this.bytes);
  }

  /** An object identifier, with dots. */
  oid(): string {
    const numbers: number[] = [];
    let number = 0;
    for (const byte of this.bytes) {
      number = number * 128 + (byte & 0x7f);
      if (byte < 0x80) {
        numbers.push(number);
        number = 0;
      }
    }
    const first = numbers[0] ?? 0;
    const root = Math.min(Math.trunc(first / 40), 2);
    return [root, first - root * 40, ...numbers.slice(1)].join(".");
  }

  integer(): number {
    if (this.bytes.length === 0 || this.bytes.length > 6) throw malformed();
    return this.bytes.readUIntBE(0, this.bytes.length);
  }

  /** Reads one after the other; for `of` and `items`. */
  static read(bytes: Buffer, at: number): { readonly value: DerValue; readonly end: number } {
    const tag = bytes[at];
    let length = bytes[at + 1];
    if (tag === undefined || length === undefined || (tag & 0x1f) === 0x1f) throw malformed();
    let start = at + 2;
    if (length >= 0x80) {
      const size = length & 0x7f;
      if (size === 0 || size > 4 || start + size > bytes.length) throw malformed();
      length = bytes.readUIntBE(start, size);
      start += size;
    }
    const end = start + length;
    if (end > bytes.length) throw malformed();
    return { value: new DerValue(tag, bytes.subarray(start, end)), end };
  }
}

function valuesIn(bytes: Buffer): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value, end } = DerValue.read(bytes, at);
    values.push(value);
    at = end;
  }
  return values;
}

function malformed(): KeyStoreError {
  return new KeyStoreError("the file is damaged, or not in DER");
}
