import { createHash } from "node:crypto";
import { type ConnectValue, type Schema, withAttributes } from "../../../src/api/index.js";
import type { ColumnAction } from "../config/column-rules.js";
import { sourceType } from "./source-type.js";
import type { ResolvedType } from "./type-info.js";

/** What a rule does to one column. */
export interface ColumnMapper {
  schema(schema: Schema): Schema;
  /** Applied to each value, and with `mapsNull` also to null. */
  readonly map: ((value: ConnectValue) => ConnectValue) | null;
  /** The result hides whether there is a value, and which part of it was not sent. */
  readonly mapsNull: boolean;
}

/** The types that masks and hashes apply to: those whose JDBC types are texts. Others only get the parameter. */
const TEXTS: ReadonlySet<string> = new Set(["text", "varchar", "bpchar", "char", "name"]);

export function columnMapper(action: ColumnAction, column: string, type: ResolvedType): ColumnMapper {
  const { length, scale, name } = sourceType(type);
  const isText = TEXTS.has(type.name) || type.kind === "e";
  switch (action.kind) {
    case "truncate":
      return {
        schema: withParameters({ truncateLength: String(action.length) }),
        map: length > action.length ? (value) => truncate(value, action.length, type) : null,
        mapsNull: false,
      };
    case "mask": {
      const stars = "*".repeat(action.length);
      return { schema: withParameters({ masked: "true" }), map: isText ? () => stars : null, mapsNull: isText };
    }
    case "hash":
      return {
        schema: withParameters({ masked: "true" }),
        map: isText ? (value) => (typeof value === "string" ? digest(value, action).slice(0, length) : value) : null,
        mapsNull: false,
      };
    case "propagate":
      return {
        schema: withParameters({
          "__debezium.source.column.type": name,
          "__debezium.source.column.length": String(length),
          "__debezium.source.column.scale": String(scale),
          "__debezium.source.column.name": column,
        }),
        map: null,
        mapsNull: false,
      };
  }
}

function withParameters(parameters: Readonly<Record<string, string>>): (schema: Schema) => Schema {
  return (schema) => withAttributes(schema, { parameters: { ...schema.parameters, ...parameters } });
}

function truncate(value: ConnectValue, length: number, { name, kind }: ResolvedType): ConnectValue {
  if (typeof value === "string") return value.slice(0, length);
  // The bytes of a decimal or of bits are one number.
  const isBytes = name === "bytea" || kind === "opaque";
  return Buffer.isBuffer(value) && isBytes ? value.subarray(0, length) : value;
}

function digest(text: string, { algorithm, salt, version }: ColumnAction & { readonly kind: "hash" }): string {
  const bytes = version === 2 ? Buffer.from(text, "utf8") : serializedText(text);
  return createHash(algorithm).update(salt, "utf8").update(bytes).digest("hex");
}

/** The longest text whose length Java writes in two bytes. */
const SHORT_TEXT = 65_535;

/** A String as Java's ObjectOutputStream writes it: Debezium's first version hashes that. */
function serializedText(text: string): Buffer {
  const body = modifiedUtf8(text);
  const head = Buffer.from(
    body.length <= SHORT_TEXT ? [0xac, 0xed, 0, 5, 0x74, 0, 0] : [0xac, 0xed, 0, 5, 0x7c, ...Array(8).fill(0)],
  );
  if (body.length <= SHORT_TEXT) head.writeUInt16BE(body.length, 5);
  else head.writeBigUInt64BE(BigInt(body.length), 5);
  return Buffer.concat([head, body]);
}

/** By UTF-16 unit: surrogates are three bytes each, U+0000 two. */
function modifiedUtf8(text: string): Buffer {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 1 && unit < 0x80) bytes.push(unit);
    else if (unit < 0x800) bytes.push(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else bytes.push(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
  return Buffer.from(bytes);
}
