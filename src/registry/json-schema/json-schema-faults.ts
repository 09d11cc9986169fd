import { isArray, isObject, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { SchemaFault } from "../schema/schema-text.js";
import type { JsonSchemaDocuments, SchemaPlace } from "./json-schema-documents.js";

const TYPES = ["string", "number", "integer", "boolean", "null", "object", "array"];
const SCHEMAS =
  "not additionalItems additionalProperties propertyNames contains if then else unevaluatedItems unevaluatedProperties".split(
    " ",
  );
const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"];
const MAPS = ["properties", "patternProperties", "definitions", "$defs", "dependentSchemas"];
const COUNTS = "minLength maxLength minItems maxItems minProperties maxProperties minContains maxContains".split(" ");

/** Refuses a schema whose keywords have wrong types, or whose references lead nowhere. @throws SchemaFault validation */
export function checkJsonSchema(documents: JsonSchemaDocuments): void {
  check(documents, documents.root, "the root", new Set());
}

function check(documents: JsonSchemaDocuments, place: SchemaPlace, where: string, seen: Set<Json>): void {
  const { json } = place;
  if (typeof json === "boolean") return;
  if (!isObject(json)) {
    throw new SchemaFault(`Invalid JSON schema: expected an object or boolean at ${where}`, "validation");
  }
  if (seen.has(json)) return;
  seen.add(json);
  const below = (value: Json, at: string) => check(documents, documents.child(place, value), at, seen);
  checkKeywords(json, where);
  const reference = json.get("$ref");
  if (typeof reference === "string") {
    check(documents, documents.resolve(reference, place), reference, seen);
    // Before 2019-09 whatever stands beside a reference does not count.
    if (!documents.isModern) {
      for (const keyword of ["definitions", "$defs"]) checkMap(json, keyword, below);
      return;
    }
  }
  for (const keyword of SCHEMAS) {
    const value = json.get(keyword);
    if (value !== undefined) below(value, keyword);
  }
  for (const keyword of LISTS) {
    const value = json.get(keyword);
    if (value === undefined) continue;
    if (!isArray(value)) throw wrong(keyword, "an array", where);
    for (const [at, item] of value.entries()) below(item, `${keyword}/${at}`);
  }
  for (const keyword of MAPS) checkMap(json, keyword, below);
  const items = json.get("items");
  if (isArray(items)) {
    for (const [at, item] of items.entries()) below(item, `items/${at}`);
  } else if (items !== undefined) below(items, "items");
  const dependencies = json.get("dependencies");
  if (isObject(dependencies)) {
    for (const [name, value] of dependencies) if (!isArray(value)) below(value, `dependencies/${name}`);
  }
}

function checkMap(json: JsonObject, keyword: string, below: (value: Json, at: string) => void): void {
  const value = json.get(keyword);
  if (value === undefined) return;
  if (!isObject(value)) throw wrong(keyword, "an object", "a schema");
  for (const [name, schema] of value) below(schema, `${keyword}/${name}`);
}

function checkKeywords(json: JsonObject, where: string): void {
  const type = json.get("type");
  const types = isArray(type) ? type : type === undefined ? [] : [type];
  for (const each of types) {
    if (typeof each !== "string") throw wrong("type", "a string or an array of strings", where);
    if (!TYPES.includes(each)) throw new SchemaFault(`unknown type: [${each}]`, "validation");
  }
  for (const keyword of COUNTS) {
    const value = json.get(keyword);
    if (value !== undefined && !(value instanceof JsonNumber)) throw wrong(keyword, "a number", where);
  }
  for (const keyword of ["minimum", "maximum", "multipleOf"]) {
    const value = json.get(keyword);
    if (value !== undefined && !(value instanceof JsonNumber)) throw wrong(keyword, "a number", where);
  }
  const [values, required, pattern] = [json.get("enum"), json.get("required"), json.get("pattern")];
  if (values !== undefined && !isArray(values)) throw wrong("enum", "an array", where);
  if (required !== undefined && typeof required !== "boolean" && !isArray(required)) {
    throw wrong("required", "an array", where);
  }
  if (pattern !== undefined && typeof pattern !== "string") throw wrong("pattern", "a string", where);
  const reference = json.get("$ref");
  if (reference !== undefined && typeof reference !== "string") throw wrong("$ref", "a string", where);
}

function wrong(keyword: string, expected: string, where: string): SchemaFault {
  return new SchemaFault(`${keyword} must be ${expected} at ${where}`, "validation");
}
