import { arrayOf, DataError, mapOf, primitive, Schema, type SchemaAttributes, structOf } from "../../api/index.js";
import { JSON_TYPE_NAMES } from "./json-schema-writer.js";
import { type Json, JsonNumber } from "./json-text-reader.js";
import { type JsonReading, readValue } from "./json-value-reader.js";

type JsonObject = { readonly [name: string]: Json };

const PRIMITIVES = new Map<string, Parameters<typeof primitive>[0]>(
  (["int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string", "bytes"] as const).map((type) => [
    JSON_TYPE_NAMES[type],
    type,
  ]),
);

/**
 * Reads a schema from an envelope's JSON; null, which means "no schema", stays null.
 *
 * @throws DataError SCHEMA_INVALID with Connect's messages.
 */
export function readSchema(json: Json, reading: JsonReading): Schema | null {
  if (json === null) return null;
  if (!isObject(json) || typeof json["type"] !== "string") throw invalid("Schema must contain 'type' field");
  const bare = bareSchema(json["type"], json, reading);
  const attributes = readAttributes(json);
  const defaultJson = json["default"];
  const schema = attributed(bare, attributes);
  if (defaultJson === undefined || defaultJson === null) return schema;
  return attributed(bare, { ...attributes, defaultValue: readValue(schema, defaultJson, reading) });
}

function attributed(bare: Schema, attributes: SchemaAttributes): Schema {
  return new Schema(bare.type, attributes, bare.fields, bare.keySchema, bare.valueSchema);
}

function bareSchema(type: string, json: JsonObject, reading: JsonReading): Schema {
  const primitiveType = PRIMITIVES.get(type);
  if (primitiveType) return primitive(primitiveType);
  switch (type) {
    case "array":
      return arrayOf(part(json["items"], "Array schema did not specify the element type", reading));
    case "map":
      return mapOf(
        part(json["keys"], "Map schema did not specify the key type", reading),
        part(json["values"], "Map schema did not specify the value type", reading),
      );
    case "struct":
      return readStructSchema(json["fields"], reading);
    default:
      throw invalid(`Unknown schema type: ${type}`);
  }
}

function part(json: Json | undefined, complaint: string, reading: JsonReading): Schema {
  const schema = json === undefined ? null : readSchema(json, reading);
  if (schema === null) throw invalid(complaint);
  return schema;
}

function readStructSchema(fields: Json | undefined, reading: JsonReading): Schema {
  if (!Array.isArray(fields)) throw invalid('Struct schema\'s "fields" argument is not an array.');
  return structOf(
    fields.map((json) => {
      const name = isObject(json) ? json["field"] : undefined;
      if (typeof name !== "string") throw invalid("Struct schema's field name not specified properly");
      return [name, part(json, "Schema must contain 'type' field", reading)] as const;
    }),
  );
}

function readAttributes(json: JsonObject): SchemaAttributes {
  const { name, version, doc, parameters } = json;
  return {
    optional: json["optional"] === true,
    ...(typeof name === "string" && { name }),
    ...(typeof version === "number" && Number.isInteger(version) && { version }),
    ...(typeof doc === "string" && { doc }),
    ...(isObject(parameters) && { parameters: readParameters(parameters) }),
  };
}

function readParameters(json: JsonObject): Record<string, string> {
  const parameters: [string, string][] = [];
  for (const [name, text] of Object.entries(json)) {
    if (typeof text !== "string") throw invalid("Schema parameters must have string values.");
    parameters.push([name, text]);
  }
  return Object.fromEntries(parameters);
}

function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof JsonNumber);
}

function invalid(message: string): DataError {
  return new DataError("SCHEMA_INVALID", message);
}
