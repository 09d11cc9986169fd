import { DataError } from "./errors.js";

/** Connect's types under their JSON-like names, `Schema.Type` in lower case. */
export type SchemaType =
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "float32"
  | "float64"
  | "boolean"
  | "string"
  | "bytes"
  | "array"
  | "map"
  | "struct";

/** The attributes of any schema. Absent ones have Connect's defaults: required, unnamed, unversioned. */
export interface SchemaAttributes {
  readonly optional?: boolean;
  /** A value of this schema (see ConnectValue). If the property is present, even as null, the schema has a default. */
  readonly defaultValue?: unknown;
  readonly name?: string;
  readonly version?: number;
  readonly doc?: string;
  /** In the order in which they are written. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** A field of a struct schema: `index` is its position in the struct's values. */
export interface Field {
  readonly name: string;
  readonly index: number;
  readonly schema: Schema;
}

/**
 * An immutable schema. Converters compile one writer per Schema *object*, so a source must reuse one object for all
 * records of the same shape.
 */
export class Schema {
  readonly optional: boolean;
  readonly hasDefault: boolean;
  readonly defaultValue: unknown;
  readonly name: string | undefined;
  readonly version: number | undefined;
  readonly doc: string | undefined;
  readonly parameters: Readonly<Record<string, string>> | undefined;
  #byName: ReadonlyMap<string, Field> | undefined;

  /** Only for the factories below, and for structs that contain themselves, whose fields are filled in afterwards. */
  constructor(
    readonly type: SchemaType,
    attributes: SchemaAttributes,
    /** The fields of a struct, in order; empty for other types. */
    readonly fields: readonly Field[],
    /** The keys of a map. */
    readonly keySchema: Schema | undefined,
    /** The values of a map, or the items of an array. */
    readonly valueSchema: Schema | undefined,
  ) {
    this.optional = attributes.optional ?? false;
    this.hasDefault = "defaultValue" in attributes;
    this.defaultValue = attributes.defaultValue ?? null;
    this.name = attributes.name;
    this.version = attributes.version;
    this.doc = attributes.doc;
    this.parameters = attributes.parameters;
  }

  /** The field called `name`, or undefined. */
  field(name: string): Field | undefined {
    this.#byName ??= new Map(this.fields.map((field) => [field.name, field]));
    return this.#byName.get(name);
  }
}

const NO_FIELDS: readonly Field[] = [];

/** A schema of a primitive type. */
export function primitive(
  type: Exclude<SchemaType, "array" | "map" | "struct">,
  attributes: SchemaAttributes = {},
): Schema {
  return new Schema(type, attributes, NO_FIELDS, undefined, undefined);
}

export function arrayOf(items: Schema, attributes: SchemaAttributes = {}): Schema {
  return new Schema("array", attributes, NO_FIELDS, undefined, items);
}

export function mapOf(keys: Schema, values: Schema, attributes: SchemaAttributes = {}): Schema {
  return new Schema("map", attributes, NO_FIELDS, keys, values);
}

/**
 * A struct schema of `fields`, `[name, schema]` in order.
 *
 * @throws DataError SCHEMA_INVALID when a name occurs twice.
 */
export function structOf(fields: readonly (readonly [string, Schema])[], attributes: SchemaAttributes = {}): Schema {
  const seen = new Set<string>();
  for (const [name] of fields) {
    if (seen.has(name)) {
      throw new DataError("SCHEMA_INVALID", `Cannot create field because of field name duplication ${name}`);
    }
    seen.add(name);
  }
  return new Schema(
    "struct",
    attributes,
    fields.map(([name, schema], index) => ({ name, index, schema })),
    undefined,
    undefined,
  );
}

/** A copy of the schema with some attributes replaced; its fields and key and value schemas are shared. */
export function withAttributes(schema: Schema, attributes: SchemaAttributes): Schema {
  return new Schema(
    schema.type,
    { ...attributesOf(schema), ...attributes },
    schema.fields,
    schema.keySchema,
    schema.valueSchema,
  );
}

function attributesOf(schema: Schema): SchemaAttributes {
  return {
    optional: schema.optional,
    ...(schema.hasDefault && { defaultValue: schema.defaultValue }),
    ...(schema.name !== undefined && { name: schema.name }),
    ...(schema.version !== undefined && { version: schema.version }),
    ...(schema.doc !== undefined && { doc: schema.doc }),
    ...(schema.parameters && { parameters: schema.parameters }),
  };
}

const optional = { optional: true } as const;
export const INT8 = primitive("int8");
export const INT16 = primitive("int16");
export const INT32 = primitive("int32");
export const INT64 = primitive("int64");
export const FLOAT32 = primitive("float32");
export const FLOAT64 = primitive("float64");
export const BOOLEAN = primitive("boolean");
export const STRING = primitive("string");
export const BYTES = primitive("bytes");
export const OPTIONAL_INT8 = primitive("int8", optional);
export const OPTIONAL_INT16 = primitive("int16", optional);
export const OPTIONAL_INT32 = primitive("int32", optional);
export const OPTIONAL_INT64 = primitive("int64", optional);
export const OPTIONAL_FLOAT32 = primitive("float32", optional);
export const OPTIONAL_FLOAT64 = primitive("float64", optional);
export const OPTIONAL_BOOLEAN = primitive("boolean", optional);
export const OPTIONAL_STRING = primitive("string", optional);
export const OPTIONAL_BYTES = primitive("bytes", optional);

/**
 * Schema names of Connect's logical types. Their `version` is 1; their values have the base type's form (ConnectValue).
 */
export const LOGICAL = {
  /** On bytes: big-endian two's-complement unscaled value; parameter `scale`. */
  decimal: "org.apache.kafka.connect.data.Decimal",
  /** On int32: days since 1970-01-01. */
  date: "org.apache.kafka.connect.data.Date",
  /** On int32: milliseconds since midnight. */
  time: "org.apache.kafka.connect.data.Time",
  /** On int64: milliseconds since 1970-01-01T00:00Z. */
  timestamp: "org.apache.kafka.connect.data.Timestamp",
} as const;
