import { DataError } from "../errors.js";
import { type AvroJson, avroJsonText, quoted } from "./avro-json.js";
import {
  AVRO_PRIMITIVES,
  type AvroField,
  type AvroNamedSchema,
  type AvroProperties,
  type AvroSchema,
  avroFullName,
  isNamed,
} from "./avro-schema.js";

/**
 * The text of an Avro schema as Avro's Java library prints it: the form in which registries store schemas, and compare
 * them byte for byte.
 *
 * @param known full names of types that are defined elsewhere (in references), which are printed by name only.
 * @throws DataError SCHEMA_INVALID when two different types have one name.
 */
export function avroText(schema: AvroSchema, known: ReadonlySet<string> = new Set()): string {
  return new Printer(known).schema(schema, "");
}

class Printer {
  readonly #printed = new Map<string, AvroNamedSchema>();
  /** Types whose own members are being printed. */
  readonly #open = new Set<AvroNamedSchema>();

  constructor(private readonly known: ReadonlySet<string>) {}

  /** @param space the enclosing namespace. */
  schema(schema: AvroSchema, space: string): string {
    switch (schema.kind) {
      case "union":
        return `[${schema.branches.map((branch) => this.schema(branch, space)).join(",")}]`;
      case "array":
        return object([`"type":"array"`, `"items":${this.schema(schema.items, space)}`, ...own(schema.properties)]);
      case "map":
        return object([`"type":"map"`, `"values":${this.schema(schema.values, space)}`, ...own(schema.properties)]);
      case "record":
      case "enum":
      case "fixed":
        return this.#isReference(schema) ? quoted(nameWithin(schema, space)) : this.#defined(schema, space);
      default:
        return schema.properties.size === 0
          ? quoted(schema.kind)
          : object([`"type":${quoted(schema.kind)}`, ...own(schema.properties)]);
    }
  }

  #isReference(schema: AvroNamedSchema): boolean {
    const name = avroFullName(schema);
    if (this.known.has(name)) return true;
    const printed = this.#printed.get(name);
    if (printed === undefined) {
      this.#printed.set(name, schema);
      return false;
    }
    // One that is within the other is not the same.
    if (printed === schema || (!this.#open.has(printed) && avroText(printed) === avroText(schema))) return true;
    throw new DataError("SCHEMA_INVALID", `Can't redefine: ${name}. Two different types of the schema have this name`);
  }

  #defined(schema: AvroNamedSchema, space: string): string {
    this.#open.add(schema);
    const text = this.#definition(schema, space);
    this.#open.delete(schema);
    return text;
  }

  #definition(schema: AvroNamedSchema, space: string): string {
    const members = [`"type":${quoted(schema.kind === "record" && schema.isError ? "error" : schema.kind)}`];
    members.push(`"name":${quoted(schema.name)}`);
    if (schema.namespace !== space) members.push(`"namespace":${quoted(schema.namespace)}`);
    if (schema.doc !== undefined) members.push(`"doc":${quoted(schema.doc)}`);
    if (schema.kind === "record") {
      members.push(`"fields":[${schema.fields.map((field) => this.#field(field, schema.namespace)).join(",")}]`);
    } else if (schema.kind === "enum") {
      members.push(`"symbols":[${schema.symbols.map(quoted).join(",")}]`);
      if (schema.defaultSymbol !== undefined) members.push(`"default":${quoted(schema.defaultSymbol)}`);
    } else {
      members.push(`"size":${schema.size}`);
    }
    return object([...members, ...own(schema.properties), ...aliasesOf(schema.aliases)]);
  }

  #field(field: AvroField, space: string): string {
    const members = [`"name":${quoted(field.name)}`, `"type":${this.schema(field.schema, space)}`];
    if (field.doc !== undefined) members.push(`"doc":${quoted(field.doc)}`);
    if (field.defaultValue !== undefined) members.push(`"default":${avroJsonText(field.defaultValue)}`);
    if (field.order !== undefined) members.push(`"order":${quoted(field.order)}`);
    return object([...members, ...aliasesOf(field.aliases), ...own(field.properties)]);
  }
}

function object(members: readonly string[]): string {
  return `{${members.join(",")}}`;
}

function own(properties: AvroProperties): string[] {
  return [...properties].map(([name, value]: [string, AvroJson]) => `${quoted(name)}:${avroJsonText(value)}`);
}

function aliasesOf(aliases: readonly string[]): string[] {
  return aliases.length === 0 ? [] : [`"aliases":[${aliases.map(quoted).join(",")}]`];
}

/** A reference's name: short within its own namespace, unless it would read as a primitive type's. */
function nameWithin(schema: AvroNamedSchema, space: string): string {
  const isShort = schema.namespace === "" || schema.namespace === space;
  return isShort && !AVRO_PRIMITIVES.has(schema.name) ? schema.name : avroFullName(schema);
}

/** Every named type within `schema`, itself included, by full name. */
export function namedTypesOf(schema: AvroSchema, found = new Map<string, AvroNamedSchema>()) {
  if (isNamed(schema)) {
    const name = avroFullName(schema);
    if (found.has(name)) return found;
    found.set(name, schema);
  }
  if (schema.kind === "union") for (const branch of schema.branches) namedTypesOf(branch, found);
  else if (schema.kind === "array") namedTypesOf(schema.items, found);
  else if (schema.kind === "map") namedTypesOf(schema.values, found);
  else if (schema.kind === "record") for (const field of schema.fields) namedTypesOf(field.schema, found);
  return found;
}
