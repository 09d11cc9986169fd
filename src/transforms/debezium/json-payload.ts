import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  DataError,
  OPTIONAL_BOOLEAN,
  OPTIONAL_BYTES,
  OPTIONAL_FLOAT64,
  OPTIONAL_INT32,
  OPTIONAL_INT64,
  OPTIONAL_STRING,
  type Schema,
  structOf,
} from "../../api/index.js";
import { parseJsonNumbers } from "../../base/exact-json.js";
import type { FieldNaming } from "./field-naming.js";

/** A number as it stands in the text: 1 is an integer, 1.0 is not. */
class Literal {
  constructor(readonly text: string) {}
}

type Json = null | boolean | string | Literal | readonly Json[] | { readonly [key: string]: Json };

/** Deeper nesting is not expanded, as in Jackson. */
const DEEPEST = 1000;

/** The field of a null in an object: left out (`ignore`), or of type bytes. */
export type NullBehavior = "ignore" | "optional_bytes";

/**
 * A column's JSON object or array as data with a schema, derived from the text (Debezium's outbox router): integers are
 * int32 or int64, other numbers float64, all optional; structs are named by their path. Items of an array have one type;
 * objects in it share the fields of all.
 *
 * @param name the name of the outermost struct: the column's; undefined: none, and the structs in it have their own paths.
 * @param naming the name of a member's field; of members of one name, the first counts.
 * @throws DataError for a text that is no JSON object or array, or that has no such schema.
 */
export function expandedPayload(
  text: string,
  name: string | undefined,
  nulls: NullBehavior,
  naming: FieldNaming,
): { readonly schema: Schema; readonly value: ConnectValue } {
  if (!/^[{[]/.test(text)) throw unexpandable("it begins with neither { nor [");
  if (isTooDeep(text)) throw unexpandable(`it is nested more than ${DEEPEST} levels deep`);
  let json: Json;
  try {
    json = parseJsonNumbers(text, (literal) => new Literal(literal)) as Json;
  } catch (cause) {
    // Without the parser's message, which quotes the text. Texts of 16 million characters overflow its stack.
    if (cause instanceof RangeError) throw unexpandable("a text in it is too long");
    throw cause instanceof SyntaxError ? unexpandable("it is not JSON") : cause;
  }
  const schema = new PayloadSchemas(nulls, naming).of(name, json);
  if (!schema) throw unexpandable("an empty array has no type");
  return { schema, value: dataOf(json, schema, naming) };
}

/** Looks at the text, because the parser and the walks below recurse for each level. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isQuoted && char === "\\") at++;
    else if (char === '"') isQuoted = !isQuoted;
    else if (!isQuoted && (char === "[" || char === "{") && ++depth > DEEPEST) return true;
    else if (!isQuoted && (char === "]" || char === "}")) depth--;
  }
  return false;
}

function unexpandable(why: string): DataError {
  return new DataError("VALUE_INVALID", `The payload cannot be expanded: ${why}`);
}

/** The schemas of one payload. */
class PayloadSchemas {
  constructor(
    private readonly nulls: NullBehavior,
    private readonly naming: FieldNaming,
  ) {}

  /** @returns undefined for a value without a type. */
  of(path: string | undefined, json: Json): Schema | undefined {
    if (json === null) return this.nulls === "optional_bytes" ? OPTIONAL_BYTES : undefined;
    if (typeof json === "string") return OPTIONAL_STRING;
    if (typeof json === "boolean") return OPTIONAL_BOOLEAN;
    if (json instanceof Literal) return numberSchema(json.text);
    if (isArray(json)) return json.length === 0 ? undefined : arrayOf(this.#itemsOf(path, json), { optional: true });
    const fields = new Map<string, Schema>();
    for (const [member, value] of Object.entries(json)) {
      const name = this.naming(member);
      const schema = this.of(path === undefined ? name : `${path}.${name}`, value);
      if (schema && !fields.has(name)) fields.set(name, schema);
    }
    return structOf([...fields], { ...(path !== undefined && { name: path }), optional: true });
  }

  #itemsOf(path: string | undefined, items: readonly Json[]): Schema {
    const some = items.filter((item) => item !== null);
    const kinds = new Set(some.map((item) => (item instanceof Literal ? numberSchema(item.text) : kindOf(item))));
    if (kinds.size > 1) throw unexpandable(`the items of ${path ?? "the array"} are of different types`);
    const schema = kinds.has("object")
      ? merged(some.map((item) => this.of(path, item)!))
      : this.of(path, some[0] ?? null);
    if (!schema) throw unexpandable(`the items of ${path ?? "the array"} have no type`);
    return schema;
  }
}

function isArray(json: Json): json is readonly Json[] {
  return Array.isArray(json);
}

function kindOf(json: Json): string {
  return isArray(json) ? "array" : typeof json;
}

function numberSchema(literal: string): Schema {
  if (!/^-?\d+$/.test(literal)) return OPTIONAL_FLOAT64;
  const value = BigInt(literal);
  if (BigInt.asIntN(32, value) === value) return OPTIONAL_INT32;
  if (BigInt.asIntN(64, value) === value) return OPTIONAL_INT64;
  throw unexpandable("an integer has more than 64 bits");
}

/** One schema for structs with different fields. As in Debezium it is not optional; nor is one that all share changed. */
function merged(schemas: readonly Schema[]): Schema {
  const [first] = schemas;
  if (schemas.every((schema) => isSame(schema, first!))) return first!;
  const fields = new Map<string, Schema>();
  for (const { name, schema } of schemas.flatMap((each) => each.fields)) {
    const known = fields.get(name);
    if (!known || (known.type === "bytes" && schema.type !== "bytes")) fields.set(name, schema);
  }
  return structOf([...fields], first!.name === undefined ? {} : { name: first!.name });
}

function isSame(one: Schema, other: Schema): boolean {
  return (
    one.type === other.type &&
    one.optional === other.optional &&
    one.fields.length === other.fields.length &&
    one.fields.every((field, at) => {
      const same = other.fields[at]!;
      return field.name === same.name && isSame(field.schema, same.schema);
    }) &&
    (one.valueSchema === undefined || other.valueSchema === undefined || isSame(one.valueSchema, other.valueSchema))
  );
}

/** @throws DataError for a value that does not fit: two objects of an array may disagree on a field. */
function dataOf(json: Json, schema: Schema, naming: FieldNaming): ConnectValue {
  if (json === null) {
    if (!schema.optional) throw unexpandable("an array of different objects contains null");
    return null;
  }
  const fits = (isFit: boolean) => {
    if (!isFit) throw unexpandable("a field has different types in the objects of an array");
  };
  if (json instanceof Literal) {
    fits(numberSchema(json.text).type === schema.type);
    const value = Number(json.text);
    return Number.isSafeInteger(value) || schema.type === "float64" ? value : BigInt(json.text);
  }
  if (typeof json === "string" || typeof json === "boolean") {
    fits(schema.type === typeof json);
    return json;
  }
  if (isArray(json)) {
    fits(schema.type === "array");
    return json.map((item) => dataOf(item, schema.valueSchema!, naming));
  }
  fits(schema.type === "struct");
  const members = new Map<string, Json>();
  for (const [member, value] of Object.entries(json))
    if (value !== null && !members.has(naming(member))) members.set(naming(member), value);
  const values = schema.fields.map(({ name, schema: field }) => {
    const member = members.get(name);
    return member === undefined ? null : dataOf(member, field, naming);
  });
  return new ArrayStruct(schema, values);
}
