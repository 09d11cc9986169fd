import { createHash } from "node:crypto";
import { ForeignObjectError, type Packer } from "../format.js";
import { type ExistingRows, RowsSoFar } from "../row-digest.js";
import { type AvroCodec, avroCodec } from "./avro-codec.js";

const MAGIC = Buffer.from("Obj\x01", "latin1");
const SYNC_BYTES = 16;
/** Avro's own default. */
const BLOCK_BYTES = 64_000;
const MAX_LENGTH = 2 ** 31;

/** Writes rows, which are Avro's binary encoding, as an object container file. */
export class AvroPacker implements Packer {
  readonly blockBytes = BLOCK_BYTES;
  readonly hasWholeRows = true;
  readonly #sync: Buffer;

  constructor(
    private readonly schema: string,
    private readonly codec: AvroCodec,
  ) {
    // Not random: equal rows always make equal bytes.
    this.#sync = createHash("sha256").update(schema).digest().subarray(0, SYNC_BYTES);
  }

  begin(): Buffer {
    const metadata = [
      ["avro.codec", this.codec.name],
      ["avro.schema", this.schema],
    ];
    const entries = metadata.flatMap(([name, text]) => [sized(Buffer.from(name!)), sized(Buffer.from(text!))]);
    return Buffer.concat([MAGIC, long(metadata.length), ...entries, long(0), this.#sync]);
  }

  async block(read: () => Promise<Buffer>, count: number): Promise<Buffer> {
    return Buffer.concat([long(count), sized(await this.codec.compress(await read())), this.#sync]);
  }

  end(): Buffer {
    return Buffer.alloc(0);
  }
}

/** Digests the rows of a container file. @throws ForeignObjectError when it is none; otherwise as `object`. */
export async function digestAvroFile(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
  const input = new PiecewiseReader(object[Symbol.asyncIterator]());
  const rows = new RowsSoFar(beginning);
  try {
    if (!(await input.take(MAGIC.length)).equals(MAGIC)) throw foreign();
    let name = "null";
    for (let left = await input.long(); left !== 0; left = await input.long()) {
      if (left < 0) await input.long(); // the block's bytes
      for (let i = Math.abs(left); i > 0; i--) {
        const key = (await input.sized()).toString();
        const value = await input.sized();
        if (key === "avro.codec") name = value.toString();
      }
    }
    const codec = avroCodec(name);
    if (codec.name !== name) throw foreign();
    const sync = Buffer.from(await input.take(SYNC_BYTES));
    while (!(await input.isAtEnd())) {
      await input.long();
      const packed = await input.sized();
      rows.add(await codec.decompress(packed).catch((cause) => Promise.reject(foreign(cause))));
      if (!(await input.take(SYNC_BYTES)).equals(sync)) throw foreign();
    }
    return rows;
  } catch (error) {
    throw error instanceof RangeError ? foreign(error) : error;
  }
}

function foreign(cause?: unknown): ForeignObjectError {
  return new ForeignObjectError("complete Avro file", { cause });
}

/** A long in Avro's zigzag encoding. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let left = value < 0 ? -2 * value - 1 : 2 * value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([long(bytes.length), bytes]);
}

/** Reads bytes that arrive in pieces. */
class PiecewiseReader {
  #piece: Buffer = Buffer.alloc(0);

  constructor(private readonly pieces: AsyncIterator<Buffer>) {}

  async isAtEnd(): Promise<boolean> {
    while (this.#piece.length === 0) {
      const next = await this.pieces.next();
      if (next.done) return true;
      this.#piece = next.value;
    }
    return false;
  }

  /** @throws RangeError at the end. */
  async take(count: number): Promise<Buffer> {
    const taken: Buffer[] = [];
    for (let left = count; left > 0; ) {
      if (await this.isAtEnd()) throw new RangeError("an Avro file is cut off");
      const part = this.#piece.subarray(0, left);
      this.#piece = this.#piece.subarray(part.length);
      left -= part.length;
      taken.push(part);
    }
    return taken.length === 1 ? taken[0]! : Buffer.concat(taken);
  }

  async long(): Promise<number> {
    let value = 0;
    for (let factor = 1; ; factor *= 0x80) {
      const byte = (await this.take(1))[0]!;
      value += (byte & 0x7f) * factor;
      if (value > 2 * MAX_LENGTH) throw new RangeError("an Avro file has an enormous length");
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  async sized(): Promise<Buffer> {
    const length = await this.long();
    if (length < 0) throw new RangeError("an Avro file has a negative length");
    return this.take(length);
  }
}
