/** An entry of a Java `HashMap<byte[], byte[]>`. */
export interface JavaMapEntry {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** Java's Object Serialization Stream Protocol, version 5: its constants (chapter 6 of the specification). */
const MAGIC = Buffer.from([0xac, 0xed, 0x00, 0x05]);
const TC = { NULL: 0x70, REFERENCE: 0x71, CLASSDESC: 0x72, OBJECT: 0x73, ARRAY: 0x75, BLOCKDATA: 0x77, END: 0x78 };
const FIRST_HANDLE = 0x7e0000;

/** Class descriptors as the stream has them: name, serialVersionUID, flags, fields; no annotations, no superclass. */
const HASH_MAP = "java.util.HashMap";
const BYTE_ARRAY = "[B";
const HASH_MAP_DESCRIPTOR = Buffer.concat([
  descriptorStart(HASH_MAP, "0507dac1c31660d1"),
  Buffer.from([0x03, 0x00, 0x02]), // serializable, with a writeObject method; two fields
  Buffer.from("F"),
  utf("loadFactor"),
  Buffer.from("I"),
  utf("threshold"),
  Buffer.from([TC.END, TC.NULL]),
]);
const BYTE_ARRAY_DESCRIPTOR = Buffer.concat([
  descriptorStart(BYTE_ARRAY, "acf317f8060854e0"),
  Buffer.from([0x02, 0x00, 0x00, TC.END, TC.NULL]),
]);
/** The map's own descriptor and the map come first. */
const BYTE_ARRAY_HANDLE = FIRST_HANDLE + 2;

const LOAD_FACTOR = 0.75;

/** Serializes a `HashMap<byte[], byte[]>` as Java's ObjectOutputStream does. The keys differ from each other. */
export function writeJavaMap(entries: readonly JavaMapEntry[]): Buffer {
  let buckets = 16;
  while (buckets * LOAD_FACTOR < entries.length) buckets *= 2;
  const fields = Buffer.alloc(18);
  fields.writeFloatBE(LOAD_FACTOR, 0);
  fields.writeInt32BE(buckets * LOAD_FACTOR, 4);
  fields.writeUInt8(TC.BLOCKDATA, 8);
  fields.writeUInt8(8, 9);
  fields.writeInt32BE(buckets, 10);
  fields.writeInt32BE(entries.length, 14);
  const parts: Buffer[] = [MAGIC, Buffer.from([TC.OBJECT]), HASH_MAP_DESCRIPTOR, fields];
  let isDescribed = false;
  for (const bytes of entries.flatMap(({ key, value }) => [key, value])) {
    if (bytes === null) {
      parts.push(Buffer.from([TC.NULL]));
      continue;
    }
    parts.push(Buffer.from([TC.ARRAY]), isDescribed ? reference(BYTE_ARRAY_HANDLE) : BYTE_ARRAY_DESCRIPTOR);
    isDescribed = true;
    parts.push(int32(bytes.length), bytes);
  }
  parts.push(Buffer.from([TC.END]));
  return Buffer.concat(parts);
}

/**
 * Reads what ObjectOutputStream wrote for a `HashMap<byte[], byte[]>`. No other class is read: a stream of Java objects
 * can otherwise name any class.
 *
 * @throws SyntaxError naming the position and the unexpected content
 */
export function readJavaMap(bytes: Buffer): JavaMapEntry[] {
  return new JavaMapReader(bytes).read();
}

class JavaMapReader {
  #at = 0;
  /** The possible targets of later references: a class by its name, or a byte array. */
  readonly #handles: (string | Buffer | undefined)[] = [];

  constructor(private readonly bytes: Buffer) {}

  read(): JavaMapEntry[] {
    if (!this.#take(4).equals(MAGIC)) throw this.#unexpected("a Java object stream must start with ac ed 00 05", 0);
    this.#expect(TC.OBJECT, "an object");
    this.#expectClass(HASH_MAP);
    this.#handles.push(undefined); // the map
    this.#take(8); // loadFactor, threshold
    this.#expect(TC.BLOCKDATA, "the map's size");
    if (this.#byte() !== 8) throw this.#unexpected("the map's size must have 8 bytes");
    this.#take(4); // buckets
    const size = this.#take(4).readInt32BE();
    const entries: JavaMapEntry[] = [];
    for (let i = 0; i < size; i++) entries.push({ key: this.#byteArray(), value: this.#byteArray() });
    this.#expect(TC.END, "the end of the map");
    return entries;
  }

  #byteArray(): Buffer | null {
    const tag = this.#byte();
    if (tag === TC.NULL) return null;
    if (tag === TC.REFERENCE) {
      const known = this.#referenced();
      if (Buffer.isBuffer(known)) return known;
      throw this.#unexpected("a reference must be one to a byte array");
    }
    if (tag !== TC.ARRAY) throw this.#unexpected("keys and values must be byte arrays");
    this.#expectClass(BYTE_ARRAY);
    const slot = this.#handles.push(undefined) - 1;
    const content = this.#take(this.#take(4).readInt32BE());
    this.#handles[slot] = content;
    return content;
  }

  #expectClass(name: string): void {
    const tag = this.#byte();
    let found: string | Buffer | undefined;
    if (tag === TC.REFERENCE) found = this.#referenced();
    else if (tag === TC.CLASSDESC) found = this.#descriptor();
    if (found !== name) throw this.#unexpected(`expected class ${name}, found ${String(found)}`);
  }

  /** Reads a class descriptor and returns its name. */
  #descriptor(): string {
    const name = this.#utf();
    this.#take(8 + 1); // serialVersionUID, flags
    this.#handles.push(name);
    const fields = this.#take(2).readInt16BE();
    for (let i = 0; i < fields; i++) {
      const type = String.fromCharCode(this.#byte());
      this.#utf();
      if (type === "L" || type === "[") throw this.#unexpected(`class ${name} has a field that is an object`);
    }
    this.#expect(TC.END, "the end of a class description");
    this.#expect(TC.NULL, "no superclass");
    return name;
  }

  #referenced(): string | Buffer | undefined {
    return this.#handles[this.#take(4).readInt32BE() - FIRST_HANDLE];
  }

  #utf(): string {
    return this.#take(this.#take(2).readUInt16BE()).toString();
  }

  #byte(): number {
    return this.#take(1).readUInt8();
  }

  #take(count: number): Buffer {
    if (count < 0 || this.#at + count > this.bytes.length) throw this.#unexpected("the stream ends early");
    this.#at += count;
    return this.bytes.subarray(this.#at - count, this.#at);
  }

  #expect(tag: number, what: string): void {
    const found = this.#byte();
    if (found !== tag) throw this.#unexpected(`expected ${what}, found type code 0x${found.toString(16)}`);
  }

  #unexpected(why: string, at = this.#at): SyntaxError {
    return new SyntaxError(`not a serialized HashMap of byte arrays, at byte ${at}: ${why}`);
  }
}

function descriptorStart(name: string, serialVersionUid: string): Buffer {
  return Buffer.concat([Buffer.from([TC.CLASSDESC]), utf(name), Buffer.from(serialVersionUid, "hex")]);
}

function reference(handle: number): Buffer {
  return Buffer.concat([Buffer.from([TC.REFERENCE]), int32(handle)]);
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Modified UTF-8 with its length; all names here are ASCII. */
function utf(text: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([length, Buffer.from(text)]);
}
