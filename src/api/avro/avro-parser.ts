import { DataError } from "../errors.js";
import { type AvroJson, AvroNumber, parseAvroJson } from "./avro-json.js";
import {
  AVRO_PRIMITIVES,
  type AvroField,
  type AvroNamedSchema,
  type AvroPrimitiveType,
  type AvroProperties,
  type AvroRecord,
  type AvroSchema,
  avroFullName,
  avroPrimitive,
  splitAvroName,
} from "./avro-schema.js";

type JsonObject = ReadonlyMap<string, AvroJson>;

/** Keys that are Avro's own, of any type: the others of a type are its properties. */
const RESERVED = new Set([
  "doc",
  "fields",
  "items",
  "name",
  "namespace",
  "size",
  "symbols",
  "values",
  "type",
  "aliases",
]);
const RESERVED_OF_ENUM = new Set([...RESERVED, "default"]);
const RESERVED_OF_FIELD = new Set(["default", "doc", "name", "order", "type", "aliases"]);
const NAME = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;

/**
 * Parses the text of an Avro schema. Names may have letters and digits of any script, as in schemas that registries
 * hold.
 *
 * @param references texts of the schemas that define types which this one uses, each after those that it needs itself.
 * @throws DataError SCHEMA_INVALID, with what is wrong.
 */
export function parseAvro(text: string, references: readonly string[] = []): AvroSchema {
  const names = new Map<string, AvroNamedSchema>();
  for (const reference of references) new Parser(names).schema(parseAvroJson(reference), "");
  return new Parser(names).schema(parseAvroJson(text), "");
}

class Parser {
  constructor(private readonly names: Map<string, AvroNamedSchema>) {}

  schema(json: AvroJson, space: string): AvroSchema {
    if (typeof json === "string") return this.#byName(json, space);
    if (Array.isArray(json)) return this.#union(json, space);
    if (!(json instanceof Map)) throw invalid(`No type: ${typeof json}`);
    const object = json as JsonObject;
    const type = object.get("type");
    if (typeof type !== "string") {
      if (type === undefined) throw invalid('No "type" in a schema');
      return this.schema(type, space);
    }
    switch (type) {
      case "record":
      case "error":
        return this.#record(object, space, type === "error");
      case "enum":
        return this.#enum(object, space);
      case "fixed":
        return this.#fixed(object, space);
      case "array":
        return { kind: "array", items: this.#part(object, "items", space), properties: properties(object, RESERVED) };
      case "map":
        return { kind: "map", values: this.#part(object, "values", space), properties: properties(object, RESERVED) };
    }
    if (!AVRO_PRIMITIVES.has(type)) return this.#byName(type, space);
    return avroPrimitive(type as AvroPrimitiveType, properties(object, RESERVED));
  }

  #byName(name: string, space: string): AvroSchema {
    if (AVRO_PRIMITIVES.has(name)) return avroPrimitive(name as AvroPrimitiveType);
    const full = name.includes(".") || space === "" ? name : `${space}.${name}`;
    const found = this.names.get(full) ?? this.names.get(name);
    if (!found) throw invalid(`Undefined name: ${JSON.stringify(full)}`);
    return found;
  }

  #union(branches: readonly AvroJson[], space: string): AvroSchema {
    const parsed = branches.map((branch) => this.schema(branch, space));
    const seen = new Set<string>();
    for (const branch of parsed) {
      if (branch.kind === "union") throw invalid("A union in a union");
      const name = branchName(branch);
      if (seen.has(name)) throw invalid(`Duplicate in union: ${name}`);
      seen.add(name);
    }
    return { kind: "union", branches: parsed };
  }

  #part(object: JsonObject, key: string, space: string): AvroSchema {
    const part = object.get(key);
    if (part === undefined) throw invalid(`No "${key}" in a schema of type ${object.get("type")}`);
    return this.schema(part, space);
  }

  #record(object: JsonObject, space: string, isError: boolean): AvroSchema {
    const record: AvroRecord = { kind: "record", ...named(object, space, RESERVED), fields: [], isError };
    this.#define(record);
    const fields = object.get("fields");
    if (!Array.isArray(fields)) throw invalid(`Record has no fields: ${avroFullName(record)}`);
    const seen = new Set<string>();
    for (const json of fields as readonly AvroJson[]) {
      const field = this.#field(json, record);
      if (seen.has(field.name)) throw invalid(`Duplicate field ${field.name} in record ${avroFullName(record)}`);
      seen.add(field.name);
      record.fields.push(field);
    }
    return record;
  }

  #field(json: AvroJson, record: AvroRecord): AvroField {
    if (!(json instanceof Map)) throw invalid(`A field of record ${avroFullName(record)} is no object`);
    const object = json as JsonObject;
    const name = validName(object.get("name"));
    const type = object.get("type");
    if (type === undefined) throw invalid(`No type for field ${name} of record ${avroFullName(record)}`);
    const order = text(object, "order")?.toLowerCase();
    return {
      name,
      schema: this.schema(type, record.namespace),
      doc: text(object, "doc"),
      defaultValue: object.get("default"),
      order: order === "descending" || order === "ignore" ? order : undefined,
      aliases: aliasesOf(object),
      properties: properties(object, RESERVED_OF_FIELD),
    };
  }

  #enum(object: JsonObject, space: string): AvroSchema {
    const symbols = texts(object.get("symbols"));
    if (!symbols) throw invalid("Enum has no symbols");
    const twice = symbols.find((symbol, at) => symbols.indexOf(symbol) !== at);
    if (twice !== undefined) throw invalid(`Duplicate enum symbol: ${twice}`);
    const defaultSymbol = text(object, "default");
    const schema = { kind: "enum", ...named(object, space, RESERVED_OF_ENUM), symbols, defaultSymbol } as const;
    return this.#define(schema);
  }

  #fixed(object: JsonObject, space: string): AvroSchema {
    const size = object.get("size");
    if (!(size instanceof AvroNumber) || !/^\d{1,9}$/.test(size.text)) throw invalid("Invalid or no size");
    return this.#define({ kind: "fixed", ...named(object, space, RESERVED), size: Number(size.text) });
  }

  #define(schema: AvroNamedSchema): AvroNamedSchema {
    const name = avroFullName(schema);
    if (this.names.has(name)) throw invalid(`Can't redefine: ${name}`);
    this.names.set(name, schema);
    return schema;
  }
}

/** What distinguishes the branches of a union: the full name of a named type, or the type. */
export function branchName(schema: AvroSchema): string {
  return schema.kind === "record" || schema.kind === "enum" || schema.kind === "fixed"
    ? avroFullName(schema)
    : schema.kind;
}

function named(object: JsonObject, space: string, reserved: ReadonlySet<string>) {
  const given = object.get("name");
  if (typeof given !== "string") throw invalid("No name in schema");
  const { name, namespace } = given.includes(".")
    ? splitAvroName(given)
    : { name: given, namespace: text(object, "namespace") ?? space };
  validName(name);
  return {
    name,
    namespace,
    doc: text(object, "doc"),
    aliases: aliasesOf(object),
    properties: properties(object, reserved),
  };
}

function validName(name: AvroJson | undefined): string {
  if (typeof name !== "string") throw invalid("No name in schema");
  if (name === "") throw invalid("Empty name");
  if (!NAME.test(name)) throw invalid(`Illegal character in: ${name}`);
  return name;
}

function properties(object: JsonObject, reserved: ReadonlySet<string>): AvroProperties {
  return new Map([...object].filter(([key]) => !reserved.has(key)));
}

function text(object: JsonObject, key: string): string | undefined {
  const value = object.get(key);
  return typeof value === "string" ? value : undefined;
}

function aliasesOf(object: JsonObject): readonly string[] {
  return texts(object.get("aliases")) ?? [];
}

function texts(json: AvroJson | undefined): string[] | undefined {
  if (!Array.isArray(json)) return undefined;
  return json.map((item) => {
    if (typeof item !== "string") throw invalid("A symbol or alias is no text");
    return item;
  });
}

function invalid(message: string): DataError {
  return new DataError("SCHEMA_INVALID", `Invalid Avro schema: ${message}`);
}
