import { isArray, isObject, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { type Metadata, SCHEMA_TYPES, type SchemaReference, type SchemaType } from "../schema/schema-text.js";
import { readReferences } from "../state/registry-records.js";
import { metadataOf } from "../state/scope-config.js";
import { REFUSALS } from "./registry-error.js";

/** The body of a request to register, look up or compare a schema. */
export interface SchemaRequest {
  readonly schema: string;
  readonly schemaType: SchemaType;
  readonly references: readonly SchemaReference[];
  readonly metadata: Metadata | undefined;
  /** 0: none given. */
  readonly version: number;
  /** Outside of IMPORT there is none. */
  readonly id: number | undefined;
}

/** @throws RegistryError 400 for members of another JSON type, 42201 for an unknown schema type */
export function schemaRequest(json: Json): SchemaRequest {
  if (!isObject(json)) throw REFUSALS.badRequest("Cannot deserialize the request: expected a JSON object");
  const type = textMember(json, "schemaType") || "AVRO";
  const schemaType = SCHEMA_TYPES.find((each) => each === type.toUpperCase());
  if (!schemaType) throw REFUSALS.invalidSchema(`Invalid schema type ${type}`);
  const references = json.get("references") ?? null;
  if (references !== null && !(isArray(references) && references.every(isObject))) {
    throw REFUSALS.badRequest("Cannot deserialize the request: references must be an array of objects");
  }
  const metadata = json.get("metadata") ?? null;
  if (metadata !== null && !isObject(metadata)) {
    throw REFUSALS.badRequest("Cannot deserialize the request: metadata must be an object");
  }
  const id = integerMember(json, "id");
  return {
    schema: textMember(json, "schema") ?? "",
    schemaType,
    references: readReferences(references),
    metadata: metadataOf(metadata),
    version: integerMember(json, "version") ?? 0,
    id: id === undefined || id < 0 ? undefined : id,
  };
}

/** Scalars count as texts, as in Jackson. */
export function textMember(json: JsonObject, key: string): string | undefined {
  const value = json.get(key) ?? null;
  if (value === null) return undefined;
  if (value instanceof JsonNumber) return value.literal;
  if (typeof value === "object") throw REFUSALS.badRequest(`Cannot deserialize the request: ${key} must be a string`);
  return String(value);
}

function integerMember(json: JsonObject, key: string): number | undefined {
  const value = json.get(key) ?? null;
  if (value === null) return undefined;
  const number =
    value instanceof JsonNumber || typeof value === "string" ? Math.trunc(Number(String(literal(value)))) : NaN;
  if (Number.isInteger(number) && Math.abs(number) < 2 ** 31) return number;
  throw REFUSALS.badRequest(`Cannot deserialize the request: ${key} must be an integer`);
}

function literal(value: JsonNumber | string): string {
  return typeof value === "string" ? value : value.literal;
}
