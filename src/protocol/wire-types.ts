import { type ByteReader, MAX_STRING_BYTES, ZERO_UUID } from "./byte-reader.js";
import type { ByteWriter } from "./byte-writer.js";
import { MalformedError } from "./malformed-error.js";

/** Reads and writes values of one type in one version of a message. */
export interface WireCodec {
  /** The fewest bytes of a value; bounds the number of elements that a hostile count can claim. */
  readonly minimumBytes: number;
  read(reader: ByteReader): unknown;
  write(writer: ByteWriter, value: unknown): void;
}

/** The inputs of a codec: the version, whether it is flexible (compact lengths, tagged fields), and nullability. */
export interface WireContext {
  readonly version: number;
  readonly flexible: boolean;
  readonly nullable: boolean;
  /** The value is in the tagged section. */
  readonly tagged?: boolean;
}

/** A primitive's name in Kafka's message definitions, the element of an array, or the fields of a struct. */
type WireKind =
  | "i8"
  | "i16"
  | "i32"
  | "i64"
  | "f64"
  | "bool"
  | "uuid"
  | "str"
  | "bytes"
  | "records"
  | { readonly element: WireType<unknown, unknown> }
  | {
      readonly fields: Readonly<
        Record<string, { readonly type: WireType<unknown, unknown>; readonly shape: FieldShape }>
      >;
    };

/** The versions, nullability, tag and default of a field. */
export interface FieldShape {
  /** First and last version that have it. */
  readonly first: number;
  readonly last: number;
  /** First version that may hold null; undefined: none. */
  readonly nullableFrom: number | undefined;
  /** Its number in the tagged section; undefined: it is an ordinary field. */
  readonly tag: number | undefined;
  /** Its value where it is absent. */
  readonly absent: unknown;
}

/**
 * A type of the protocol. `Out` is the decoded value; `In` is the value to encode, in which fields with a default or a
 * version range may be left out.
 */
export interface WireType<Out, In = Out> {
  /** For code that walks definitions (documentation, generated test values). */
  readonly kind: WireKind;
  readonly absent: Out;
  compile(context: WireContext): WireCodec;
  /** Exists in types only; carries `In`. */
  readonly input?: In;
}

function fixed<T>(
  kind: WireKind,
  absent: T,
  bytes: number,
  read: (r: ByteReader) => T,
  write: (w: ByteWriter, v: T) => void,
): WireType<T> {
  const codec: WireCodec = { minimumBytes: bytes, read, write: (writer, value) => write(writer, value as T) };
  return { kind, absent, compile: () => codec };
}

export const i8Type = fixed(
  "i8",
  0,
  1,
  (r) => r.i8(),
  (w, v) => w.i8(v),
);
export const i16Type = fixed(
  "i16",
  0,
  2,
  (r) => r.i16(),
  (w, v) => w.i16(v),
);
export const i32Type = fixed(
  "i32",
  0,
  4,
  (r) => r.i32(),
  (w, v) => w.i32(v),
);
export const i64Type = fixed(
  "i64",
  0,
  8,
  (r) => r.i64(),
  (w, v) => w.i64(v),
);
export const f64Type = fixed(
  "f64",
  0,
  8,
  (r) => r.f64(),
  (w, v) => w.f64(v),
);
export const boolType = fixed(
  "bool",
  false,
  1,
  (r) => r.bool(),
  (w, v) => w.bool(v),
);
export const uuidType = fixed(
  "uuid",
  ZERO_UUID,
  16,
  (r) => r.uuid(),
  (w, v) => w.uuid(v),
);

/** Reads a length or count; -1 stands for null. */
type ReadLength = (reader: ByteReader) => number;
type WriteLength = (writer: ByteWriter, length: number) => void;

const readCompact: ReadLength = (reader) => reader.uvarint() - 1;
const writeCompact: WriteLength = (writer, length) => writer.uvarint(length + 1);

function lengthCodec(context: WireContext, wide: boolean): { read: ReadLength; write: WriteLength; bytes: number } {
  if (context.flexible) return { read: readCompact, write: writeCompact, bytes: 1 };
  return wide
    ? { read: (reader) => reader.i32(), write: (writer, length) => writer.i32(length), bytes: 4 }
    : { read: (reader) => reader.i16(), write: (writer, length) => writer.i16(length), bytes: 2 };
}

function refuseNull(what: string, length: number): void {
  throw new MalformedError(`${what} of length ${length} where null is not allowed`);
}

export const strType: WireType<string> = {
  kind: "str",
  absent: "",
  compile(context) {
    const length = lengthCodec(context, false);
    return {
      minimumBytes: length.bytes,
      read(reader) {
        const bytes = length.read(reader);
        if (bytes >= 0) return reader.string(bytes);
        if (!context.nullable || bytes !== -1) refuseNull("A string", bytes);
        return null;
      },
      write(writer, value) {
        if (value === null) {
          length.write(writer, context.nullable ? -1 : 0);
          return;
        }
        const text = value as string;
        const bytes = Buffer.byteLength(text);
        if (bytes > MAX_STRING_BYTES) {
          throw new MalformedError(
            `A string of ${bytes} bytes is too long; at most ${MAX_STRING_BYTES} can be written`,
          );
        }
        length.write(writer, bytes);
        writer.utf8(text, bytes);
      },
    };
  },
};

/**
 * A message for people, such as `errorMessage`, truncated if it is too long to be written: it may quote a client's
 * string that alone reaches the limit.
 */
export const messageType: WireType<string> = {
  ...strType,
  compile(context) {
    const codec = strType.compile(context);
    return { ...codec, write: (writer, value) => codec.write(writer, value === null ? null : cut(value as string)) };
  },
};

function cut(text: string): string {
  if (Buffer.byteLength(text) <= MAX_STRING_BYTES) return text;
  const bytes = Buffer.from(text);
  let end = MAX_STRING_BYTES - 3;
  // Never in the middle of a character.
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.toString("utf8", 0, end)}…`;
}

/** Bytes, decoded as a slice; large ones are not copied when encoding. */
export const bytesType: WireType<Buffer> = {
  kind: "bytes",
  absent: Buffer.alloc(0),
  compile(context) {
    const length = lengthCodec(context, true);
    return {
      minimumBytes: length.bytes,
      read(reader) {
        const bytes = length.read(reader);
        if (bytes >= 0) return reader.slice(bytes);
        if (!context.nullable || bytes !== -1) refuseNull("Bytes", bytes);
        return null;
      },
      write(writer, value) {
        if (value === null) {
          length.write(writer, context.nullable ? -1 : 0);
          return;
        }
        const bytes = value as Buffer;
        length.write(writer, bytes.length);
        writer.bytes(bytes);
      },
    };
  },
};

/** Record batches: decoded as one slice; encoded from one Buffer or several in sequence. */
export const recordsType: WireType<Buffer, Buffer | readonly Buffer[]> = {
  kind: "records",
  absent: Buffer.alloc(0),
  compile(context) {
    const plain = bytesType.compile(context);
    const length = lengthCodec(context, true);
    return {
      minimumBytes: plain.minimumBytes,
      read: plain.read,
      write(writer, value) {
        if (!Array.isArray(value)) {
          plain.write(writer, value);
          return;
        }
        const parts = value as readonly Buffer[];
        length.write(
          writer,
          parts.reduce((sum, part) => sum + part.length, 0),
        );
        for (const part of parts) writer.bytes(part);
      },
    };
  },
};

/** An array of `element`s. */
export function arrayType<Out, In>(element: WireType<Out, In>): WireType<Out[], readonly In[]> {
  return {
    kind: { element },
    absent: Object.freeze([]) as unknown as Out[],
    compile(context) {
      const length = lengthCodec(context, true);
      const codec = element.compile({ ...context, nullable: false });
      return {
        minimumBytes: length.bytes,
        read(reader) {
          const count = length.read(reader);
          if (count === -1 && context.nullable) return null;
          reader.elements(count, Math.max(1, codec.minimumBytes));
          const elements: unknown[] = [];
          for (let index = 0; index < count; index++) elements.push(codec.read(reader));
          return elements;
        },
        write(writer, value) {
          if (value === null) {
            length.write(writer, context.nullable ? -1 : 0);
            return;
          }
          const elements = value as readonly unknown[];
          length.write(writer, elements.length);
          for (const each of elements) codec.write(writer, each);
        },
      };
    },
  };
}
