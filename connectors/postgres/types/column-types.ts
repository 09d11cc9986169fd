import {
  ArrayStruct,
  arrayOf,
  BYTES,
  type ConnectValue,
  encodeUnscaled,
  FLOAT64,
  INT32,
  javaHashOrder,
  LOGICAL,
  mapOf,
  OPTIONAL_BYTES,
  OPTIONAL_INT32,
  OPTIONAL_STRING,
  primitive,
  type Schema,
  STRING,
  Struct,
  structOf,
} from "../../../src/api/index.js";
import type { TypeSettings } from "../config/settings.js";
import { readArray } from "./array-text.js";
import type { ColumnCodec } from "./column-codec.js";
import { atScale, parseMoney, parseNumeric, readDecimalText, readUnscaled, stripZeros } from "./decimal-text.js";
import { parseHstore } from "./hstore-text.js";
import { nameUuid } from "./name-uuid.js";
import {
  type Decode,
  notA,
  readBits,
  readBoolean,
  readBytea,
  readFloat32,
  readFloat64,
  readInt64,
  readInteger,
  readText,
} from "./number-text.js";
import { temporalCodec } from "./temporal-types.js";
import type { ResolvedType } from "./type-info.js";
import { vectorTypeCodec } from "./vector-types.js";

/** The size of a value's header, which Postgres adds to the modifier of a numeric. */
const VARHDRSZ = 4;
const UNBOUNDED = 2_147_483_647;

/** @returns null for an unsupported type: its columns are left out. */
export function codecFor(type: ResolvedType, settings: TypeSettings): ColumnCodec | null {
  return knownCodec(type, settings) ?? (settings.includeUnknown ? opaqueCodec(settings) : null);
}

/**
 * The codec, but its structs have exactly this schema object, the column's or the array item's: converters refuse a
 * struct whose schema differs in any attribute, even in `optional`.
 */
export function boundTo(schema: Schema, codec: ColumnCodec): ColumnCodec {
  if (schema.type !== "struct") return codec;
  const rebind = (value: ConnectValue) =>
    value instanceof Struct
      ? new ArrayStruct(
          schema,
          schema.fields.map(({ index }) => value.at(index)),
        )
      : value;
  return {
    ...codec,
    decode: (bytes, start, end) => rebind(codec.decode(bytes, start, end)),
    fallback: rebind(codec.fallback),
  };
}

function knownCodec(type: ResolvedType, settings: TypeSettings): ColumnCodec | null {
  if (type.element) return arrayCodec(type.element, settings);
  if (type.kind === "e") return textCodec(settings, "io.debezium.data.Enum", { allowed: type.labels.join(",") });
  if (type.kind !== "b" && type.kind !== "r") return null;
  const temporal = temporalCodec(type, settings);
  if (temporal) return temporal;
  switch (type.name) {
    case "bool":
      return scalar("boolean", readBoolean, false);
    case "int2":
      return scalar("int16", readInteger, 0);
    case "int4":
      return scalar("int32", readInteger, 0);
    case "int8":
      return scalar("int64", readInt64, 0);
    case "oid":
      return scalar("int64", readInteger, 0);
    case "float4":
      return scalar("float32", readFloat32, 0);
    case "float8":
      return scalar("float64", readFloat64, 0);
    case "numeric":
      return numericCodec(type.typmod, settings);
    case "money":
      return moneyCodec(settings);
    case "bit":
    case "varbit":
      return bitCodec(type);
    case "bytea":
      return byteaCodec(settings);
    case "uuid":
      return textCodec(settings, "io.debezium.data.Uuid");
    case "json":
    case "jsonb":
      return textCodec(settings, "io.debezium.data.Json");
    case "xml":
      return textCodec(settings, "io.debezium.data.Xml");
    case "tsvector":
      return textCodec(settings, "io.debezium.data.Tsvector");
    case "ltree":
      return textCodec(settings, "io.debezium.data.Ltree");
    case "hstore":
      return hstoreCodec(settings);
    case "point":
      return pointCodec();
    case "geometry":
      return geometryCodec("io.debezium.data.geometry.Geometry", 2);
    case "geography":
      return geometryCodec("io.debezium.data.geometry.Geography", 1);
    case "int2vector":
      return vectorCodec("int16");
    case "oidvector":
      return vectorCodec("int64");
    default:
      return vectorTypeCodec(type.name) ?? (TEXT_TYPES.has(type.name) ? textCodec(settings) : null);
  }
}

const TEXT_TYPES: ReadonlySet<string> = new Set([
  ...["text", "varchar", "bpchar", "char", "name", "citext", "isbn"],
  ...["inet", "cidr", "macaddr", "macaddr8"],
  ...["int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"],
]);

/** Arrays of these are unsupported, although the types themselves are known. */
const NO_ARRAYS: ReadonlySet<string> = new Set(["money", "name", "interval", "varbit", "xml", "point", "refcursor"]);

function scalar(
  type: "boolean" | "int16" | "int32" | "int64" | "float32" | "float64",
  decode: Decode<ConnectValue>,
  fallback: ConnectValue,
): ColumnCodec {
  return { schema: (attributes) => primitive(type, attributes), decode, fallback, placeholder: undefined };
}

function textCodec(settings: TypeSettings, name?: string, parameters?: Record<string, string>): ColumnCodec {
  const semantic = name === undefined ? {} : { name, version: 1, ...(parameters && { parameters }) };
  return {
    schema: (attributes) => primitive("string", { ...semantic, ...attributes }),
    decode: readText,
    fallback: "",
    placeholder: settings.placeholder.toString("utf8"),
  };
}

function numericCodec(typmod: number, settings: TypeSettings): ColumnCodec {
  if (settings.decimalMode === "double") return scalar("float64", readFloat64, 0);
  const bounded = typmod >= VARHDRSZ;
  const precision = bounded ? ((typmod - VARHDRSZ) >> 16) & 0xffff : 0;
  // The scale is 11 bits, signed since PostgreSQL 15.
  const signedScale = bounded ? (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024 : 0;
  const scale = Math.max(0, signedScale);
  if (settings.decimalMode === "string") {
    const codec = textCodec(settings);
    return { ...codec, decode: readDecimalText, fallback: bounded && scale > 0 ? `0.${"0".repeat(scale)}` : "0" };
  }
  if (!bounded) return variableDecimalCodec();
  // numeric(5,-3) rounds to thousands: whole numbers of up to 8 digits. Most consumers cannot read a Decimal of
  // negative scale, so it becomes scale 0 with a larger precision.
  return decimalCodec(scale, String(precision - Math.min(0, signedScale)), (bytes, start, end) =>
    readUnscaled(bytes, start, end, scale),
  );
}

function decimalCodec(scale: number, precision: string | null, decode: Decode<ConnectValue>): ColumnCodec {
  const parameters = { scale: String(scale), ...(precision !== null && { "connect.decimal.precision": precision }) };
  return {
    schema: (attributes) => primitive("bytes", { name: LOGICAL.decimal, version: 1, parameters, ...attributes }),
    decode,
    fallback: encodeUnscaled(0n),
    placeholder: undefined,
  };
}

const VARIABLE_DECIMAL_FIELDS = [
  ["scale", INT32],
  ["value", BYTES],
] as const;

/** A decimal in which each value carries its own scale. */
function variableDecimalCodec(): ColumnCodec {
  const semantic = { name: "io.debezium.data.VariableScaleDecimal", version: 1, doc: "Variable scaled decimal" };
  const shape = structOf(VARIABLE_DECIMAL_FIELDS, semantic);
  return {
    schema: ({ defaultValue: _, ...attributes }) => structOf(VARIABLE_DECIMAL_FIELDS, { ...semantic, ...attributes }),
    decode: (bytes, start, end) => {
      const { unscaled, scale } = stripZeros(parseNumeric(bytes.toString("latin1", start, end)));
      return new ArrayStruct(shape, [scale, encodeUnscaled(unscaled)]);
    },
    fallback: new ArrayStruct(shape, [0, encodeUnscaled(0n)]),
    placeholder: undefined,
  };
}

function moneyCodec(settings: TypeSettings): ColumnCodec {
  const scale = settings.moneyScale;
  const unscaledOf: Decode<bigint> = (bytes, start, end) =>
    atScale(parseMoney(bytes.toString("utf8", start, end)), scale);
  const textOf = (unscaled: bigint) => {
    const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
    const split = digits.length - scale;
    return `${unscaled < 0n ? "-" : ""}${digits.slice(0, split)}${scale > 0 ? `.${digits.slice(split)}` : ""}`;
  };
  if (settings.decimalMode === "precise")
    return decimalCodec(scale, null, (bytes, start, end) => encodeUnscaled(unscaledOf(bytes, start, end)));
  if (settings.decimalMode === "double")
    return scalar("float64", (bytes, start, end) => Number(textOf(unscaledOf(bytes, start, end))), 0);
  return {
    ...textCodec(settings),
    decode: (bytes, start, end) => textOf(unscaledOf(bytes, start, end)),
    fallback: textOf(0n),
  };
}

function bitCodec(type: ResolvedType): ColumnCodec {
  const length = type.typmod > 0 ? type.typmod : type.name === "bit" ? 1 : UNBOUNDED;
  if (length === 1) return scalar("boolean", (bytes, start) => bytes[start] === 0x31, false);
  const semantic = { name: "io.debezium.data.Bits", version: 1, parameters: { length: String(length) } };
  return {
    schema: (attributes) => primitive("bytes", { ...semantic, ...attributes }),
    decode: readBits,
    fallback: Buffer.alloc(0),
    placeholder: undefined,
  };
}

function byteaCodec(settings: TypeSettings): ColumnCodec {
  if (settings.binaryMode === "bytes") {
    return {
      schema: (attributes) => primitive("bytes", attributes),
      decode: readBytea,
      fallback: Buffer.alloc(0),
      placeholder: settings.placeholder,
    };
  }
  // Debezium sends null for an unchanged value in the base64 modes, which looks like an update to NULL.
  return { ...textCodec(settings), decode: (bytes, start, end) => inMode(readBytea(bytes, start, end), settings) };
}

/** An unknown type: sends the bytes of its text. */
function opaqueCodec(settings: TypeSettings): ColumnCodec {
  if (settings.binaryMode === "bytes") {
    return { ...byteaCodec(settings), decode: (bytes, start, end) => Buffer.from(bytes.subarray(start, end)) };
  }
  return { ...textCodec(settings), decode: (bytes, start, end) => inMode(bytes.subarray(start, end), settings) };
}

export function inMode(bytes: Buffer, { binaryMode }: TypeSettings): ConnectValue {
  switch (binaryMode) {
    case "bytes":
      return bytes;
    case "hex":
      return bytes.toString("hex");
    case "base64":
      return bytes.toString("base64");
    case "base64-url-safe":
      return bytes.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
  }
}

function hstoreCodec(settings: TypeSettings): ColumnCodec {
  const placeholder = settings.placeholder.toString("utf8");
  if (settings.hstoreMode === "map") {
    return {
      schema: (attributes) => mapOf(STRING, OPTIONAL_STRING, attributes),
      decode: (bytes, start, end) => parseHstore(bytes.toString("utf8", start, end)),
      fallback: new Map(),
      placeholder: new Map([[placeholder, placeholder]]),
    };
  }
  return {
    ...textCodec(settings, "io.debezium.data.Json"),
    decode: (bytes, start, end) => hstoreJson(parseHstore(bytes.toString("utf8", start, end))),
    fallback: "{}",
    placeholder: hstoreJson(new Map([[placeholder, placeholder]])),
  };
}

/** Not through an object, which would put keys that look like numbers first. */
function hstoreJson(pairs: ReadonlyMap<string, string | null>): string {
  const entries = [...pairs];
  const ordered = javaHashOrder(entries.map(([key]) => key)).map((at) => entries[at]!);
  const members = ordered.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${members.join(",")}}`;
}

function pointCodec(): ColumnCodec {
  const semantic = { name: "io.debezium.data.geometry.Point", version: 1, doc: "Geometry (POINT)" };
  const fields = [
    ["x", FLOAT64],
    ["y", FLOAT64],
    ["wkb", OPTIONAL_BYTES],
    ["srid", OPTIONAL_INT32],
  ] as const;
  const shape = structOf(fields, semantic);
  const pointOf = (x: number, y: number) => {
    const wkb = Buffer.alloc(21);
    wkb[0] = 1;
    wkb.writeUInt32LE(1, 1);
    wkb.writeDoubleLE(x, 5);
    wkb.writeDoubleLE(y, 13);
    return new ArrayStruct(shape, [x, y, wkb, null]);
  };
  return {
    schema: ({ defaultValue: _, ...attributes }) => structOf(fields, { ...semantic, ...attributes }),
    decode: (bytes, start, end) => {
      const found = /^\(([^,]+),([^,]+)\)$/.exec(bytes.toString("latin1", start, end));
      if (!found) throw notA("a point");
      return pointOf(Number(found[1]), Number(found[2]));
    },
    fallback: pointOf(0, 0),
    placeholder: undefined,
  };
}

const SRID_FLAG = 0x20000000;

/** PostGIS: the extended well-known binary unchanged, and its SRID in a second field. */
function geometryCodec(name: string, version: number): ColumnCodec {
  const fields = [
    ["wkb", BYTES],
    ["srid", OPTIONAL_INT32],
    ...(version === 2 ? ([["extensions", mapOf(STRING, STRING, { optional: true })]] as const) : []),
  ] as const;
  const semantic = { name, version };
  const shape = structOf(fields, semantic);
  return {
    schema: ({ defaultValue: _, ...attributes }) => structOf(fields, { ...semantic, ...attributes, optional: true }),
    decode: (bytes, start, end) => {
      const wkb = Buffer.from(bytes.toString("latin1", start, end), "hex");
      const isLittle = wkb[0] === 1;
      const flags = isLittle ? wkb.readUInt32LE(1) : wkb.readUInt32BE(1);
      const srid = (flags & SRID_FLAG) === 0 ? null : isLittle ? wkb.readInt32LE(5) : wkb.readInt32BE(5);
      return new ArrayStruct(shape, version === 2 ? [wkb, srid, null] : [wkb, srid]);
    },
    fallback: null,
    placeholder: undefined,
    isAlwaysOptional: true,
  };
}

/** int2vector and oidvector print their elements separated by blanks. */
function vectorCodec(item: "int16" | "int64"): ColumnCodec {
  return {
    schema: ({ defaultValue: _, ...attributes }) => arrayOf(primitive(item), attributes),
    decode: (bytes, start, end) => {
      const text = bytes.toString("latin1", start, end).trim();
      return text === "" ? [] : text.split(" ").map(Number);
    },
    fallback: [],
    placeholder: undefined,
  };
}

function arrayCodec(element: ResolvedType, settings: TypeSettings): ColumnCodec | null {
  if (NO_ARRAYS.has(element.name)) return null;
  const item = knownCodec(element, settings);
  if (!item) return null;
  // Items are always optional. Debezium requires those of enum arrays, and sends null for an array with a null element.
  const items = item.schema({ optional: true });
  const { decode } = boundTo(items, item);
  return {
    schema: ({ defaultValue: _, ...attributes }) => arrayOf(items, attributes),
    decode: (bytes, start, end) => readArray(bytes, start, end, decode),
    fallback: [],
    placeholder: arrayPlaceholder(element, items, settings),
  };
}

function arrayPlaceholder(element: ResolvedType, items: Schema, settings: TypeSettings): ConnectValue | undefined {
  if (element.name === "uuid") return [nameUuid(settings.placeholder)];
  if (items.type === "string") return [settings.placeholder.toString("utf8")];
  if (element.name === "bytea") return [settings.placeholder];
  if (items.type === "int16" || items.type === "int32" || items.type === "int64") return [...settings.placeholder];
  return undefined;
}
