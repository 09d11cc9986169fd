import type { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import {
  arrayType,
  boolType,
  bytesType,
  type FieldShape,
  f64Type,
  i8Type,
  i16Type,
  i32Type,
  i64Type,
  messageType,
  recordsType,
  strType,
  uuidType,
  type WireCodec,
  type WireContext,
  type WireType,
} from "./wire-types.js";

/** The end of version ranges without an upper bound. */
const NEWEST = 0x7fff;

/**
 * One field of a message: its type, the versions that have it, the first version in which it may be null, its tag if it
 * is in the tagged section, and its value where it is absent. Immutable; each method returns a changed copy.
 * `Optional` fields may be left out when encoding.
 */
export class Field<Out, In, Optional extends boolean> {
  /** Exists in types only. */
  declare readonly types: { readonly out: Out; readonly in: In; readonly optional: Optional };

  constructor(
    readonly type: WireType<unknown, unknown>,
    readonly shape: FieldShape,
  ) {}

  /** The field exists from this version. */
  from(version: number): Field<Out, In, true> {
    return new Field(this.type, { ...this.shape, first: version });
  }

  /** The field exists in these versions, both included. */
  within(first: number, last: number): Field<Out, In, true> {
    return new Field(this.type, { ...this.shape, first, last });
  }

  /** The field may be null from `version` on. In older versions null is written as empty. */
  nullable(version = 0): Field<Out | null, In | null, Optional> {
    return new Field(this.type, { ...this.shape, nullableFrom: version });
  }

  /** The field is in the tagged section, under this number. */
  tagged(tag: number): Field<Out, In, true> {
    return new Field(this.type, { ...this.shape, tag });
  }

  /** The value where the field is absent, instead of 0, false, "" or empty. */
  or(absent: In): Field<Out, In, true> {
    return new Field(this.type, { ...this.shape, absent });
  }
}

function field<Out, In>(type: WireType<Out, In>): Field<Out, In, false> {
  const shape = { first: 0, last: NEWEST, nullableFrom: undefined, tag: undefined, absent: type.absent };
  return new Field(type, shape);
}

export const i8 = field(i8Type);
export const i16 = field(i16Type);
export const i32 = field(i32Type);
export const i64 = field(i64Type);
export const f64 = field(f64Type);
export const bool = field(boolType);
export const uuid = field(uuidType);
export const str = field(strType);
/** A string for people; truncated if it is too long. */
export const message = field(messageType);
export const bytes = field(bytesType);
export const records = field(recordsType);

/** Fields of a message or struct, in wire order. */
export type Fields = Readonly<Record<string, Field<unknown, unknown, boolean>>>;

type AnyField = Field<unknown, unknown, boolean>;
type OptionalKeys<F extends Fields> = {
  [K in keyof F]: F[K]["types"]["optional"] extends true ? K : never;
}[keyof F];

/** A decoded struct or message: every field is present. */
export type OutputOf<F extends Fields> = { -readonly [K in keyof F]: F[K]["types"]["out"] };

/** A struct or message to encode: fields with a default, a tag or a version range may be left out. */
export type InputOf<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalKeys<F>>]: F[K]["types"]["in"];
} & { readonly [K in OptionalKeys<F>]?: F[K]["types"]["in"] };

/** An array of primitives: `array(i32)`. */
export function array<Out, In>(element: Field<Out, In, false>): Field<Out[], readonly In[], false> {
  return field(arrayType(element.type as WireType<Out, In>));
}

/** An array of structs: `structs({ name: str, … })`. */
export function structs<const F extends Fields>(fields: F): Field<OutputOf<F>[], readonly InputOf<F>[], false> {
  return field(arrayType(structType(fields)));
}

/** A struct inside the message. A nullable one (`.nullable()`) starts with a marker byte. */
export function struct<const F extends Fields>(fields: F): Field<OutputOf<F>, InputOf<F>, false> {
  return field(structType(fields));
}

type Values = Record<string, unknown>;
type ReadField = (reader: ByteReader, into: Values) => void;
type WriteField = (writer: ByteWriter, from: Values) => void;

interface CompiledTag {
  readonly name: string;
  readonly tag: number;
  readonly absent: unknown;
  readonly codec: WireCodec;
}

/** The type of a struct, and of whole messages. */
export function structType<F extends Fields>(fields: F): WireType<OutputOf<F>, InputOf<F>> {
  const absent: Values = {};
  for (const [name, { shape }] of Object.entries(fields)) absent[name] = shape.absent;
  return {
    kind: { fields },
    absent: absent as OutputOf<F>,
    compile(context) {
      const plain = compileStruct(Object.entries(fields), context);
      if (!context.nullable) return plain;
      return context.tagged ? withTaggedNullMarker(plain) : withNullMarker(plain);
    },
  };
}

/** The marker of a tagged field is a varint, 0 for null. */
function withTaggedNullMarker(codec: WireCodec): WireCodec {
  return {
    minimumBytes: 1,
    read: (reader) => (reader.uvarint() === 0 ? null : codec.read(reader)),
    write(writer, value) {
      writer.uvarint(value === null ? 0 : 1);
      if (value !== null) codec.write(writer, value);
    },
  };
}

function withNullMarker(codec: WireCodec): WireCodec {
  return {
    minimumBytes: 1,
    read: (reader) => (reader.i8() < 0 ? null : codec.read(reader)),
    write(writer, value) {
      writer.i8(value === null ? -1 : 1);
      if (value !== null) codec.write(writer, value);
    },
  };
}

function compileStruct(fields: readonly (readonly [string, AnyField])[], context: WireContext): WireCodec {
  const reads: ReadField[] = [];
  const writes: WriteField[] = [];
  const tags: CompiledTag[] = [];
  let minimumBytes = context.flexible ? 1 : 0;
  for (const [name, { type, shape }] of fields) {
    const { absent } = shape;
    const present = context.version >= shape.first && context.version <= shape.last;
    if (!present || shape.tag !== undefined) {
      reads.push((_, into) => {
        into[name] = absent;
      });
    }
    if (!present) continue;
    const nullable = shape.nullableFrom !== undefined && context.version >= shape.nullableFrom;
    const { version, flexible } = context;
    const codec = type.compile({ version, flexible, nullable, tagged: shape.tag !== undefined });
    if (shape.tag !== undefined) {
      tags.push({ name, tag: shape.tag, absent, codec });
      continue;
    }
    minimumBytes += codec.minimumBytes;
    reads.push((reader, into) => {
      into[name] = codec.read(reader);
    });
    writes.push((writer, from) => {
      const value = from[name];
      codec.write(writer, value === undefined ? absent : value);
    });
  }
  if (context.flexible) {
    tags.sort((a, b) => a.tag - b.tag);
    reads.push((reader, into) => readTags(reader, into, tags));
    writes.push((writer, from) => writeTags(writer, from, tags));
  }
  return {
    minimumBytes,
    read(reader) {
      const into: Values = {};
      for (const read of reads) read(reader, into);
      return into;
    },
    write(writer, value) {
      const from = value as Values;
      for (const write of writes) write(writer, from);
    },
  };
}

function readTags(reader: ByteReader, into: Values, tags: readonly CompiledTag[]): void {
  for (let left = reader.count(reader.uvarint(), 2); left > 0; left--) {
    const tag = reader.uvarint();
    const size = reader.uvarint();
    const known = tags.find((each) => each.tag === tag);
    const content = known ? reader.sub(size) : undefined;
    if (known && content) into[known.name] = known.codec.read(content);
    else reader.slice(size);
  }
}

function writeTags(writer: ByteWriter, from: Values, tags: readonly CompiledTag[]): void {
  if (tags.length === 0) {
    writer.uvarint(0);
    return;
  }
  const written = tags.filter(({ name, absent }) => from[name] !== undefined && !isAbsent(from[name], absent));
  writer.uvarint(written.length);
  for (const { name, tag, codec } of written) {
    const content = new ByteWriter(64);
    codec.write(content, from[name]);
    writer.uvarint(tag);
    writer.uvarint(content.length);
    for (const chunk of content.finish()) writer.bytes(chunk);
  }
}

/** Whether a tagged field holds its default and is therefore not written. */
function isAbsent(value: unknown, absent: unknown): boolean {
  if (value === absent) return true;
  if (Array.isArray(value) && Array.isArray(absent)) return value.length === 0 && absent.length === 0;
  if (typeof value !== "object" || typeof absent !== "object" || value === null || absent === null) return false;
  return Object.entries(absent).every(([name, each]) => isAbsent((value as Values)[name] ?? each, each));
}
