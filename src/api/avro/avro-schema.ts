import type { AvroJson } from "./avro-json.js";

/** Properties that Avro itself does not know, in the order in which they are printed: `connect.name`, `logicalType`. */
export type AvroProperties = Map<string, AvroJson>;

export type AvroPrimitiveType = "null" | "boolean" | "int" | "long" | "float" | "double" | "bytes" | "string";

export interface AvroPrimitive {
  readonly kind: AvroPrimitiveType;
  readonly properties: AvroProperties;
}

interface AvroNamed {
  /** Without the namespace. */
  readonly name: string;
  /** Empty if there is none. */
  readonly namespace: string;
  readonly doc?: string | undefined;
  readonly aliases: readonly string[];
  readonly properties: AvroProperties;
}

export interface AvroField {
  readonly name: string;
  readonly schema: AvroSchema;
  readonly doc?: string | undefined;
  /** undefined: none. */
  readonly defaultValue?: AvroJson | undefined;
  /** undefined: ascending. */
  readonly order?: "descending" | "ignore" | undefined;
  readonly aliases: readonly string[];
  readonly properties: AvroProperties;
}

export interface AvroRecord extends AvroNamed {
  readonly kind: "record";
  /** Filled after the record has been made, since fields may refer to their record. */
  readonly fields: AvroField[];
  readonly isError?: boolean;
}

export interface AvroEnum extends AvroNamed {
  readonly kind: "enum";
  readonly symbols: readonly string[];
  readonly defaultSymbol?: string | undefined;
}

export interface AvroFixed extends AvroNamed {
  readonly kind: "fixed";
  readonly size: number;
}

export interface AvroArray {
  readonly kind: "array";
  readonly items: AvroSchema;
  readonly properties: AvroProperties;
}

export interface AvroMap {
  readonly kind: "map";
  readonly values: AvroSchema;
  readonly properties: AvroProperties;
}

export interface AvroUnion {
  readonly kind: "union";
  readonly branches: readonly AvroSchema[];
}

/** A type that has a name and may therefore be referred to. */
export type AvroNamedSchema = AvroRecord | AvroEnum | AvroFixed;

/** An Avro schema. A type that is used twice is one object, also within itself. */
export type AvroSchema = AvroPrimitive | AvroNamedSchema | AvroArray | AvroMap | AvroUnion;

export const AVRO_PRIMITIVES: ReadonlySet<string> = new Set<AvroPrimitiveType>([
  "null",
  "boolean",
  "int",
  "long",
  "float",
  "double",
  "bytes",
  "string",
]);

export function avroPrimitive(kind: AvroPrimitiveType, properties: AvroProperties = new Map()): AvroPrimitive {
  return { kind, properties };
}

export function isNamed(schema: AvroSchema): schema is AvroNamedSchema {
  return schema.kind === "record" || schema.kind === "enum" || schema.kind === "fixed";
}

/** `namespace.name`, or the name alone. */
export function avroFullName({ name, namespace }: { readonly name: string; readonly namespace: string }): string {
  return namespace === "" ? name : `${namespace}.${name}`;
}

/** Splits a full name at its last dot. */
export function splitAvroName(fullName: string): { name: string; namespace: string } {
  const dot = fullName.lastIndexOf(".");
  return { namespace: fullName.slice(0, Math.max(0, dot)), name: fullName.slice(dot + 1) };
}
