import { type Json, JsonNumber, type JsonObject, sortedJson } from "../json/json-value.js";
import { type AvroField, type AvroSchema, fullNameOf, isNamed, type NamedSchema } from "./avro-schema.js";

/**
 * The normal form of a schema, as JSON to be parsed again: properties and aliases are sorted, empty docs of named types
 * dropped, errors are records, and names are full. It keeps docs, defaults and orders: it is not Avro's own
 * canonical form.
 *
 * @param known full names of types that are defined elsewhere.
 */
export function normalAvro(schema: AvroSchema, known: Iterable<string> = []): Json {
  return formOf(schema, new Set(known), NORMAL);
}

/** What two schemas must have in common to be the same, whatever the order of their keys. */
export function comparedAvro(schema: AvroSchema): Json {
  return formOf(schema, new Set(), COMPARED);
}

interface Form {
  readonly keepsDocs: boolean;
  properties(schema: AvroSchema | AvroField): [string, Json][];
}

const NORMAL: Form = { keepsDocs: false, properties: normalProperties };
const COMPARED: Form = { keepsDocs: true, properties: (of) => sorted(propertiesOf(of)) };

function formOf(schema: AvroSchema, known: Set<string>, form: Form): Json {
  if (isNamed(schema)) {
    const name = fullNameOf(schema);
    if (known.has(name)) return name;
    known.add(name);
  }
  switch (schema.type) {
    case "union":
      return schema.branches.map((branch) => formOf(branch, known, form));
    case "record": {
      const isError = form.keepsDocs && schema.isError;
      const fields = schema.fields.map((field) => fieldOf(field, known, form));
      return named(schema, isError ? "error" : "record", [["fields", fields]], form);
    }
    case "enum": {
      const value: [string, Json][] = schema.default === undefined ? [] : [["default", schema.default]];
      return named(schema, "enum", [["symbols", schema.symbols], ...value], form);
    }
    case "fixed":
      return named(schema, "fixed", [["size", new JsonNumber(String(schema.size))]], form);
    case "array":
      return new Map<string, Json>([
        ["type", "array"],
        ["items", formOf(schema.items, known, form)],
        ...form.properties(schema),
      ]);
    case "map":
      return new Map<string, Json>([
        ["type", "map"],
        ["values", formOf(schema.values, known, form)],
        ...form.properties(schema),
      ]);
    default: {
      const properties = form.properties(schema);
      return properties.length === 0 ? schema.type : new Map<string, Json>([["type", schema.type], ...properties]);
    }
  }
}

function named(
  schema: Extract<AvroSchema, NamedSchema>,
  type: string,
  own: readonly (readonly [string, Json])[],
  form: Form,
): Json {
  const { doc, aliases } = schema;
  return new Map<string, Json>([
    ["type", type],
    ["name", fullNameOf(schema)],
    ...(doc === undefined || (doc === "" && !form.keepsDocs) ? [] : [["doc", doc] as const]),
    ...own,
    ...(aliases.length === 0 ? [] : [["aliases", [...aliases].sort()] as const]),
    ...form.properties(schema),
  ]);
}

function fieldOf(field: AvroField, known: Set<string>, form: Form): Json {
  return new Map<string, Json>([
    ["name", field.name],
    ["type", formOf(field.schema, known, form)],
    ...(field.doc === undefined ? [] : [["doc", field.doc] as const]),
    ...(field.default === undefined ? [] : [["default", field.default] as const]),
    ...(field.order === "ascending" ? [] : [["order", field.order] as const]),
    ...(field.aliases.length === 0 ? [] : [["aliases", [...field.aliases].sort()] as const]),
    ...form.properties(field),
  ]);
}

/** `logicalType` first, of decimals then `precision` and a scale other than 0, and the rest by key. */
function normalProperties(of: AvroSchema | AvroField): [string, Json][] {
  const properties = propertiesOf(of);
  const first = "schema" in of || !hasLogicalType(of) ? [] : ["logicalType", ...decimalKeys(properties)];
  return [
    ...first.map((key): [string, Json] => [key, properties.get(key)!]),
    ...sorted(properties).filter(([key]) => !first.includes(key)),
  ];
}

function decimalKeys(properties: JsonObject): string[] {
  if (properties.get("logicalType") !== "decimal") return [];
  const scale = numberOf(properties, "scale") ?? 0;
  return scale === 0 ? ["precision"] : ["precision", "scale"];
}

function propertiesOf(of: AvroSchema | AvroField): JsonObject {
  return "properties" in of ? of.properties : new Map();
}

function sorted(properties: JsonObject): [string, Json][] {
  return [...(sortedJson(properties) as JsonObject)];
}

const LOGICAL_TYPES: Readonly<Record<string, readonly string[]>> = {
  "big-decimal": ["bytes"],
  date: ["int"],
  "time-millis": ["int"],
  "time-micros": ["long"],
  "timestamp-millis": ["long"],
  "timestamp-micros": ["long"],
  "timestamp-nanos": ["long"],
  "local-timestamp-millis": ["long"],
  "local-timestamp-micros": ["long"],
  "local-timestamp-nanos": ["long"],
};

/** Whether Avro Java knows the logical type, and takes it for this schema. */
function hasLogicalType(schema: AvroSchema): boolean {
  if (schema.type === "union") return false;
  const name = schema.properties.get("logicalType");
  if (typeof name !== "string") return false;
  if (name === "uuid") return schema.type === "string" || (schema.type === "fixed" && schema.size === 16);
  if (name === "duration") return schema.type === "fixed" && schema.size === 12;
  if (name !== "decimal") return LOGICAL_TYPES[name]?.includes(schema.type) ?? false;
  if (schema.type !== "bytes" && schema.type !== "fixed") return false;
  const precision = numberOf(schema.properties, "precision") ?? 0;
  const scale = numberOf(schema.properties, "scale") ?? 0;
  const most = schema.type === "fixed" ? Math.floor(Math.log10(2) * (8 * schema.size - 1)) : Number.POSITIVE_INFINITY;
  return precision > 0 && precision <= most && scale >= 0 && scale <= precision;
}

function numberOf(properties: JsonObject, key: string): number | undefined {
  const value = properties.get(key);
  return value instanceof JsonNumber && value.isInteger ? Number(value.literal) : undefined;
}
