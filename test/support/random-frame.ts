import type { Random } from "../../src/base/random.js";
import type { Api } from "../../src/protocol/api.js";
import type { Fields, InputOf } from "../../src/protocol/message-fields.js";
import { RecordBatchWriter } from "../../src/protocol/records/record-batch-writer.js";
import type { FieldShape, WireType } from "../../src/protocol/wire-types.js";

type AnyApi = Api<Fields, Fields>;
type AnyType = WireType<unknown, unknown>;

const INTS = [-1, -1, 0, 0, 0, 1, 1, 2, 3, 7, 100, 1000, -2, -3, -4, 0x7fff, -0x8000, 0x7fffffff, -0x80000000];
const BOUNDS = [0x7fffffff, 0xffffffff, 0x80000000, 0x7fff7fff, 0x00ffffff, 0, 0xfffffffe];
const STRINGS = [
  "t",
  "t",
  "compacted",
  "g",
  "g",
  "h",
  "m",
  "",
  "1",
  "range",
  "consumer",
  "cleanup.policy",
  "compact",
  "retention.ms",
  "segment.bytes",
  "__consumer_offsets",
  "none",
  "..",
  "a/b",
  "__proto__",
  "constructor",
  "\u0000",
  "\ud800",
  "é".repeat(200),
];

/** Draws request frames, without their size, of the given APIs and versions: valid ones, and damaged ones. */
export class RandomFrames {
  /** Ids that the server has handed out, for later requests. */
  readonly known: string[] = [];

  constructor(
    private readonly random: Random,
    private readonly apis: readonly { readonly api: AnyApi; readonly versions: readonly [number, number] }[],
    private readonly topicIds: readonly string[],
  ) {}

  next(): { readonly frame: Buffer; readonly label: string } {
    const { api, versions } = this.#pick(this.apis);
    const version = versions[0] + this.random.integer(versions[1] - versions[0] + 1);
    const request = this.#fields(api.requestFields, version) as InputOf<Fields>;
    let frame: Buffer = Buffer.concat(
      api.encodeRequest(version, this.random.integer(1000), this.#pick(["c", "", null]), request),
    );
    frame = frame.subarray(4);
    if (this.#chance(0.7)) frame = this.#damaged(frame);
    return { frame, label: `${api.name} v${version}` };
  }

  /** A frame whose one array has as many elements as `bytes` can hold. */
  huge(bytes: number): { readonly frame: Buffer; readonly label: string } {
    const { api, versions } = this.#pick(this.apis);
    const version = versions[1];
    const empty = this.#fields(api.requestFields, version) as InputOf<Fields>;
    const frame = Buffer.concat(api.encodeRequest(version, 1, null, empty)).subarray(4);
    const cut = Math.min(frame.length, 10 + this.random.integer(12));
    const isFlexible = api.flexibleFrom !== undefined && version >= api.flexibleFrom;
    const count = Buffer.alloc(5);
    if (isFlexible)
      for (let at = 0, rest = bytes; at < 4; at++, rest >>>= 7) count[at] = (rest & 0x7f) | (at < 3 ? 0x80 : 0);
    else count.writeInt32BE(Math.floor(bytes / (1 + this.random.integer(4))), 0);
    const filler = Buffer.alloc(bytes, this.random.integer(3));
    const head = Buffer.from(frame.subarray(0, cut));
    return { frame: Buffer.concat([head, count.subarray(0, 4), filler]), label: `huge ${api.name} v${version}` };
  }

  #damaged(frame: Buffer): Buffer {
    const { random } = this;
    let bytes: Buffer = Buffer.from(frame);
    for (let count = 1 + random.integer(3); count > 0 && bytes.length > 0; count--) {
      // Mostly behind the header, where the request itself is.
      const from = this.#chance(0.95) ? Math.min(8, bytes.length - 1) : 0;
      const at = from + random.integer(bytes.length - from);
      switch (random.integer(6)) {
        case 0:
          bytes = bytes.subarray(0, at);
          break;
        case 1:
          bytes[at] = random.integer(256);
          break;
        case 2:
          bytes[at]! ^= 1 << random.integer(8);
          break;
        case 3:
          if (at + 4 <= bytes.length) bytes.writeUInt32BE(this.#pick(BOUNDS), at);
          break;
        case 4:
          bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.integer(9)), bytes.subarray(at)]);
          break;
        case 5:
          bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.integer(5))]);
      }
    }
    return bytes;
  }

  #fields(fields: Readonly<Record<string, { readonly type: AnyType; readonly shape: FieldShape }>>, version: number) {
    const values: Record<string, unknown> = {};
    for (const [name, { type, shape }] of Object.entries(fields)) {
      if (version < shape.first || version > shape.last) continue;
      const nullable = shape.nullableFrom !== undefined && version >= shape.nullableFrom;
      values[name] = nullable && this.#chance(0.2) ? null : this.#value(type, version);
    }
    return values;
  }

  #value(type: AnyType, version: number): unknown {
    const { kind } = type;
    if (typeof kind !== "string") {
      if ("fields" in kind) return this.#fields(kind.fields, version);
      const { element } = kind;
      const length = this.#chance(0.02) ? this.random.integer(50) : this.random.integer(3);
      return Array.from({ length }, () => this.#value(element, version));
    }
    switch (kind) {
      case "i8":
        return this.#pick([0, 1, 2, -1, 4, 127, -128]);
      case "i16":
        return this.#pick([0, 1, -1, 2, 32767, -32768]);
      case "i32":
        return this.#pick(INTS);
      case "i64":
        return this.#chance(0.9) ? this.#pick(INTS) : this.#pick([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);
      case "f64":
        return this.#pick([0, 1, -1, 0.5, 1e10, Number.NaN, Number.POSITIVE_INFINITY]);
      case "bool":
        return this.#chance(0.5);
      case "uuid":
        return this.#chance(0.8) ? this.#pick(this.topicIds) : this.random.bytes(16).toString("base64url");
      case "str":
        return this.#string();
      case "bytes":
        return this.random.bytes(this.random.integer(30));
      case "records":
        return this.#records();
    }
  }

  #string(): string {
    if (this.known.length > 0 && this.#chance(0.15)) return this.#pick(this.known);
    if (this.#chance(0.003)) return "x".repeat(this.#pick([249, 250, 32_766, 32_767]));
    return this.#pick(STRINGS);
  }

  #records(): Buffer {
    const writer = new RecordBatchWriter();
    for (let count = 1 + this.random.integer(3); count > 0; count--) {
      const key = this.#chance(0.5) ? this.random.bytes(3) : null;
      writer.append(1_700_000_000_000 + this.random.integer(1000), key, this.random.bytes(this.random.integer(40)), []);
    }
    const codec = this.#pick(["none", "none", "none", "gzip", "snappy", "lz4", "zstd"] as const);
    const isStamped = this.#chance(0.3);
    const producerId = this.random.integer(5);
    const stamp = { producerId, producerEpoch: this.random.integer(2), baseSequence: this.random.integer(4) };
    const batch = Buffer.from(writer.finish({ codec }, isStamped ? stamp : undefined));
    return this.#chance(0.4) ? this.#damaged(batch) : batch;
  }

  #chance(share: number): boolean {
    return this.random.next() < share;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.random.integer(list.length)]!;
  }
}
