import {
  type ConfigDef,
  type ConnectValue,
  type Converter,
  DataError,
  Float64,
  type Header,
  type HeaderConverter,
  OPTIONAL_BOOLEAN,
  OPTIONAL_FLOAT32,
  OPTIONAL_FLOAT64,
  OPTIONAL_INT16,
  OPTIONAL_INT32,
  OPTIONAL_INT64,
  type RecordHeader,
  type RecordHeaders,
  type Schema,
  type SchemaAndValue,
} from "../api/index.js";
import { connectClassName } from "../api/values/connect-class-name.js";
import { converterType } from "./converter-type.js";

/** A fixed-width format: its name in messages, its length in bytes, and its encoding. */
interface Format {
  readonly name: string;
  readonly schema: Schema;
  readonly length: number;
  /** Returns undefined for a value of another type. */
  encode(bytes: Buffer, value: ConnectValue): unknown;
  /** Returns undefined for invalid bytes. */
  decode(bytes: Buffer): ConnectValue | undefined;
}

const isInteger = (value: ConnectValue, bound: number): value is number =>
  typeof value === "number" && Number.isInteger(value) && value >= -bound && value < bound;

const FORMATS = {
  boolean: {
    name: "BooleanConverter",
    schema: OPTIONAL_BOOLEAN,
    length: 1,
    encode: (bytes, value) => (typeof value === "boolean" ? bytes.writeUInt8(value ? 1 : 0) : undefined),
    decode: (bytes) => (bytes[0] === 0 ? false : bytes[0] === 1 ? true : undefined),
  },
  short: {
    name: "ShortConverter",
    schema: OPTIONAL_INT16,
    length: 2,
    encode: (bytes, value) => (isInteger(value, 2 ** 15) ? bytes.writeInt16BE(value) : undefined),
    decode: (bytes) => bytes.readInt16BE(),
  },
  integer: {
    name: "IntegerConverter",
    schema: OPTIONAL_INT32,
    length: 4,
    encode: (bytes, value) => (isInteger(value, 2 ** 31) ? bytes.writeInt32BE(value) : undefined),
    decode: (bytes) => bytes.readInt32BE(),
  },
  long: {
    name: "LongConverter",
    schema: OPTIONAL_INT64,
    length: 8,
    encode: (bytes, value) => {
      const long = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
      return typeof long === "bigint" && BigInt.asIntN(64, long) === long ? bytes.writeBigInt64BE(long) : undefined;
    },
    decode: (bytes) => {
      const long = bytes.readBigInt64BE();
      const small = Number(long);
      return Number.isSafeInteger(small) ? small : long;
    },
  },
  float: {
    name: "FloatConverter",
    schema: OPTIONAL_FLOAT32,
    length: 4,
    encode: (bytes, value) => (typeof value === "number" ? bytes.writeFloatBE(value) : undefined),
    decode: (bytes) => bytes.readFloatBE(),
  },
  double: {
    name: "DoubleConverter",
    schema: OPTIONAL_FLOAT64,
    length: 8,
    encode: (bytes, value) => {
      const double = value instanceof Float64 ? value.value : value;
      return typeof double === "number" ? bytes.writeDoubleBE(double) : undefined;
    },
    decode: (bytes) => bytes.readDoubleBE(),
  },
} as const satisfies Record<string, Format>;

/**
 * Connect's fixed-width converters (`org.apache.kafka.connect.converters.IntegerConverter` and its siblings),
 * big-endian.
 */
export class PrimitiveConverter implements Converter, HeaderConverter {
  readonly config: ConfigDef = { "converter.type": converterType };
  readonly #format: Format;

  constructor(format: keyof typeof FORMATS) {
    this.#format = FORMATS[format];
  }

  configure(): void {
    // No settings.
  }

  /** @throws DataError for a value of another type. */
  fromConnectData(_topic: string, _headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.#encode(schema, value);
  }

  /** @throws DataError for bytes of the wrong length, or a boolean that is neither 0 nor 1. */
  toConnectData(_topic: string, _headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    const { name, length, schema } = this.#format;
    if (bytes === null) return { schema, value: null };
    const value = bytes.length === length ? this.#format.decode(bytes) : undefined;
    if (value !== undefined) return { schema, value };
    throw new DataError(
      "RECORD_MALFORMED",
      bytes.length === length
        ? `${name}: the byte is neither 0 nor 1`
        : `${name}: Size of data received is not ${length} but ${bytes.length}`,
    );
  }

  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return this.#encode(header.schema, header.value);
  }

  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header {
    return { key, ...this.toConnectData(topic, [], bytes) };
  }

  #encode(schema: Schema | null, value: ConnectValue): Buffer | null {
    const { name, length } = this.#format;
    if (schema !== null && schema.type !== this.#format.schema.type) {
      throw new DataError("VALUE_INVALID", `Invalid schema type for ${name}: ${schema.type.toUpperCase()}`);
    }
    if (value === null) return null;
    const bytes = Buffer.allocUnsafe(length);
    if (this.#format.encode(bytes, value) !== undefined) return bytes;
    throw new DataError(
      "VALUE_INVALID",
      `${name} is not compatible with objects of type class ${connectClassName(value)}`,
    );
  }
}
