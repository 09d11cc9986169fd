import { doubleText } from "../json/java-numbers.js";
import type { Json, JsonObject } from "../json/json-value.js";
import { quoted, writeJson } from "../json/write-json.js";
import { type AvroField, type AvroSchema, fullNameOf, isNamed, type NamedSchema, PRIMITIVES } from "./avro-schema.js";

/**
 * The canonical text of a schema: that of Avro Java's `Schema.toString`, which is stored and hashed.
 *
 * @param known full names of types that are defined elsewhere: they appear by their name.
 */
export function printAvro(schema: AvroSchema, known: Iterable<string> = []): string {
  return new AvroPrinter(new Set(known)).schema(schema, "");
}

class AvroPrinter {
  constructor(private readonly known: Set<string>) {}

  schema(schema: AvroSchema, space: string): string {
    if (isNamed(schema)) {
      const name = fullNameOf(schema);
      if (this.known.has(name)) return quoted(shortened(name, space));
      this.known.add(name);
    }
    switch (schema.type) {
      case "union":
        return `[${schema.branches.map((branch) => this.schema(branch, space)).join(",")}]`;
      case "record": {
        const fields = `"fields":[${schema.fields.map((field) => this.#field(field, schema.namespace)).join(",")}]`;
        return this.#named(schema, schema.isError ? "error" : "record", space, [fields]);
      }
      case "enum": {
        const symbols = `"symbols":[${schema.symbols.map(quoted).join(",")}]`;
        const value = schema.default === undefined ? [] : [`"default":${quoted(schema.default)}`];
        return this.#named(schema, "enum", space, [symbols, ...value]);
      }
      case "fixed":
        return this.#named(schema, "fixed", space, [`"size":${schema.size}`]);
      case "array":
        return object([`"type":"array"`, `"items":${this.schema(schema.items, space)}`, ...printed(schema.properties)]);
      case "map":
        return object([`"type":"map"`, `"values":${this.schema(schema.values, space)}`, ...printed(schema.properties)]);
      default:
        if (schema.properties.size === 0) return `"${schema.type}"`;
        return object([`"type":"${schema.type}"`, ...printed(schema.properties)]);
    }
  }

  #named(schema: NamedSchema, type: string, space: string, own: readonly string[]): string {
    const { name, namespace, doc, properties, aliases } = schema;
    return object([
      `"type":"${type}"`,
      `"name":${quoted(name)}`,
      ...(namespace === space ? [] : [`"namespace":${quoted(namespace)}`]),
      ...(doc === undefined ? [] : [`"doc":${quoted(doc)}`]),
      ...own,
      ...printed(properties),
      ...aliasesOf(aliases.map((alias) => shortened(alias, namespace))),
    ]);
  }

  #field(field: AvroField, space: string): string {
    return object([
      `"name":${quoted(field.name)}`,
      `"type":${this.schema(field.schema, space)}`,
      ...(field.doc === undefined ? [] : [`"doc":${quoted(field.doc)}`]),
      ...(field.default === undefined ? [] : [`"default":${value(field.default)}`]),
      ...(field.order === "ascending" ? [] : [`"order":"${field.order}"`]),
      ...aliasesOf(field.aliases),
      ...printed(field.properties),
    ]);
  }
}

/** A full name as it is written inside a namespace. A type that is called like a primitive keeps its namespace. */
function shortened(fullName: string, space: string): string {
  const dot = fullName.lastIndexOf(".");
  const name = fullName.slice(dot + 1);
  if (dot < 0 || fullName.slice(0, dot) !== space) return fullName;
  return isTypeName(name) ? fullName : name;
}

const TYPE_NAMES: readonly string[] = [...PRIMITIVES, "record", "enum", "array", "map", "union", "fixed"];

function isTypeName(name: string): boolean {
  return TYPE_NAMES.includes(name);
}

function printed(properties: JsonObject): string[] {
  return [...properties].map(([key, item]) => `${quoted(key)}:${value(item)}`);
}

function aliasesOf(aliases: readonly string[]): string[] {
  return aliases.length === 0 ? [] : [`"aliases":[${aliases.map(quoted).join(",")}]`];
}

function value(json: Json): string {
  return writeJson(json, doubleText);
}

function object(members: readonly string[]): string {
  return `{${members.join(",")}}`;
}
