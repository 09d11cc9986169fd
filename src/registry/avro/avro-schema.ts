import type { Json } from "../json/json-value.js";

export const PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] as const;
export type Primitive = (typeof PRIMITIVES)[number];

/** Properties that Avro does not know itself, `logicalType` among them, in the order of the text. */
type AvroProperties = ReadonlyMap<string, Json>;

interface PrimitiveSchema {
  readonly type: Primitive;
  readonly properties: AvroProperties;
}

/** What record, enum and fixed have in common. */
export interface NamedSchema {
  readonly name: string;
  /** "" for none. */
  readonly namespace: string;
  readonly doc: string | undefined;
  /** Full names. */
  readonly aliases: readonly string[];
  readonly properties: AvroProperties;
}

export interface RecordSchema extends NamedSchema {
  readonly type: "record";
  readonly isError: boolean;
  /** Empty while the record itself is parsed: its fields may name it. */
  readonly fields: readonly AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly schema: AvroSchema;
  readonly doc: string | undefined;
  /** undefined: none; null is a default of its own. */
  readonly default: Json | undefined;
  readonly order: "ascending" | "descending" | "ignore";
  readonly aliases: readonly string[];
  readonly properties: AvroProperties;
}

export interface EnumSchema extends NamedSchema {
  readonly type: "enum";
  readonly symbols: readonly string[];
  readonly default: string | undefined;
}

export interface FixedSchema extends NamedSchema {
  readonly type: "fixed";
  readonly size: number;
}

interface ArraySchema {
  readonly type: "array";
  readonly items: AvroSchema;
  readonly properties: AvroProperties;
}

interface MapSchema {
  readonly type: "map";
  readonly values: AvroSchema;
  readonly properties: AvroProperties;
}

interface UnionSchema {
  readonly type: "union";
  readonly branches: readonly AvroSchema[];
}

/** A parsed Avro schema. Named types that occur more than once are one object. */
export type AvroSchema =
  | PrimitiveSchema
  | RecordSchema
  | EnumSchema
  | FixedSchema
  | ArraySchema
  | MapSchema
  | UnionSchema;

export function fullNameOf({ name, namespace }: Pick<NamedSchema, "name" | "namespace">): string {
  return namespace === "" ? name : `${namespace}.${name}`;
}

export function isNamed(schema: AvroSchema): schema is RecordSchema | EnumSchema | FixedSchema {
  return schema.type === "record" || schema.type === "enum" || schema.type === "fixed";
}
