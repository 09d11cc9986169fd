import { isArray, isObject, type Json, JsonNumber, type JsonObject } from "../json/json-value.js";
import { JsonFault, readJson } from "../json/read-json.js";
import { writeJson } from "../json/write-json.js";
import { SchemaFault } from "../schema/schema-text.js";
import { isValidDefault } from "./avro-default.js";
import { printAvro } from "./avro-printer.js";
import { type AvroField, type AvroSchema, fullNameOf, PRIMITIVES, type Primitive } from "./avro-schema.js";

type MutableNamed = Extract<AvroSchema, { readonly name: string }>;

/** The named types that a text may use, by their full names. */
export type AvroNames = Map<string, MutableNamed>;

export interface AvroRules {
  /** Names and defaults must be right, as in a text from a client. Otherwise names may have any letters and digits. */
  readonly isStrict: boolean;
}

const RESERVED = ["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
const RESERVED_OF_ENUM = [...RESERVED, "default"];
const RESERVED_OF_FIELD = ["default", "doc", "name", "order", "type", "aliases"];
const ORDERS = ["ascending", "descending", "ignore"] as const;
const STRICT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LOOSE_NAME = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;

/**
 * Parses an Avro schema. What it defines is added to `names`.
 *
 * @throws SchemaFault with Avro Java's message
 */
export function parseAvro(text: string, names: AvroNames, rules: AvroRules): AvroSchema {
  let json: Json;
  try {
    json = readJson(text);
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    throw new SchemaFault(error.message);
  }
  return new AvroParser(names, rules, definitionsIn(json, "")).schema(json, "");
}

/** A type that a text defines somewhere, and the namespace around it. */
interface Definition {
  readonly json: JsonObject;
  readonly namespace: string;
}

/** The named types of a text, by their full names: one may be used before it is defined. */
function definitionsIn(json: Json | undefined, namespace: string): Map<string, Definition> {
  if (isArray(json)) return new Map(json.flatMap((branch) => [...definitionsIn(branch, namespace)]));
  if (!isObject(json)) return new Map();
  const [type, name] = [json.get("type"), text(json, "name")];
  if (type === "array") return definitionsIn(json.get("items"), namespace);
  if (type === "map") return definitionsIn(json.get("values"), namespace);
  const isNamed = type === "record" || type === "error" || type === "enum" || type === "fixed";
  if (!isNamed || name === undefined) return new Map();
  const fullName = fullNameIn(json, name, namespace);
  const found = new Map([[fullName, { json, namespace }]]);
  const own = fullName.slice(0, Math.max(0, fullName.lastIndexOf(".")));
  const fields = json.get("fields");
  for (const field of isArray(fields) ? fields : []) {
    if (!isObject(field)) continue;
    for (const [inner, definition] of definitionsIn(field.get("type"), own)) {
      if (!found.has(inner)) found.set(inner, definition);
    }
  }
  return found;
}

function fullNameIn(json: JsonObject, name: string, namespace: string): string {
  if (name.includes(".")) return name.replace(/^\./, "");
  const own = text(json, "namespace") ?? namespace;
  return own === "" ? name : `${own}.${name}`;
}

class AvroParser {
  /** Definitions that were parsed where their type was used first. */
  readonly #early = new Map<JsonObject, AvroSchema>();

  constructor(
    private readonly names: AvroNames,
    private readonly rules: AvroRules,
    private readonly definitions: ReadonlyMap<string, Definition>,
  ) {}

  schema(json: Json, namespace: string): AvroSchema {
    if (typeof json === "string") return this.#reference(json, namespace, json);
    if (isArray(json)) return this.#union(json, namespace);
    if (!isObject(json)) throw new SchemaFault(`Schema not yet supported: ${writeJson(json)}`);
    const early = this.#early.get(json);
    if (early) {
      this.#early.delete(json);
      return early;
    }
    const type = this.#text(json, "type", "No type");
    if (isPrimitive(type)) return { type, properties: propertiesOf(json, RESERVED) };
    switch (type) {
      case "record":
      case "error":
        return this.#record(json, namespace, type === "error");
      case "enum":
        return this.#enum(json, namespace);
      case "fixed":
        return this.#fixed(json, namespace);
      case "array":
        return {
          type,
          items: this.schema(required(json, "items", "No items type"), namespace),
          properties: propertiesOf(json, RESERVED),
        };
      case "map":
        return {
          type,
          values: this.schema(required(json, "values", "No values type"), namespace),
          properties: propertiesOf(json, RESERVED),
        };
      default:
        return this.#reference(type, namespace, undefined);
    }
  }

  #reference(name: string, namespace: string, plain: string | undefined): AvroSchema {
    if (plain !== undefined && isPrimitive(name)) return { type: name, properties: new Map() };
    const own = name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
    const found = this.names.get(own) ?? this.names.get(name);
    if (found) return found;
    const later = this.definitions.get(own) ?? this.definitions.get(name);
    if (later) {
      const schema = this.schema(later.json, later.namespace);
      this.#early.set(later.json, schema);
      return schema;
    }
    throw new SchemaFault(plain === undefined ? `Type not supported: ${name}` : `Undefined schema: ${own}`);
  }

  #union(json: readonly Json[], namespace: string): AvroSchema {
    const branches = json.map((branch) => this.schema(branch, namespace));
    const seen = new Set<string>();
    for (const branch of branches) {
      if (branch.type === "union") throw new SchemaFault(`Nested union: ${writeJson(json)}`);
      const name = "name" in branch ? fullNameOf(branch) : branch.type;
      if (seen.has(name)) throw new SchemaFault(`Duplicate in union:${name}`);
      seen.add(name);
    }
    return { type: "union", branches };
  }

  #record(json: JsonObject, namespace: string, isError: boolean): AvroSchema {
    const fields: AvroField[] = [];
    const record = { type: "record" as const, isError, ...this.#named(json, namespace), fields };
    const properties = propertiesOf(json, RESERVED);
    const whole = Object.assign(record, { properties });
    this.#define(whole);
    const nodes = json.get("fields");
    if (!isArray(nodes)) throw new SchemaFault(`Record has no fields: ${writeJson(json)}`);
    const seen = new Set<string>();
    for (const node of nodes) {
      const field = this.#field(node, whole.namespace);
      if (seen.has(field.name)) {
        const first = fields.findIndex(({ name }) => name === field.name);
        const described = (each: AvroField, at: number) =>
          `${each.name} type:${each.schema.type.toUpperCase()} pos:${at}`;
        throw new SchemaFault(
          `Duplicate field ${field.name} in record ${fullNameOf(whole)}: ${described(field, fields.length)} and ${described(fields[first]!, first)}.`,
        );
      }
      seen.add(field.name);
      fields.push(field);
    }
    return whole;
  }

  #field(json: Json, namespace: string): AvroField {
    if (!isObject(json)) throw new SchemaFault(`No field name: ${writeJson(json)}`);
    const name = this.#checkedName(this.#text(json, "name", "No field name"));
    const typeNode = json.get("type");
    if (typeNode === undefined) throw new SchemaFault(`No field type: ${writeJson(json)}`);
    const schema = this.schema(typeNode, namespace);
    let value = json.get("default");
    const isFloat = schema.type === "float" || schema.type === "double";
    const isNoNumber = typeof value === "string" && /^[+-]?(?:NaN|Infinity)$/.test(value);
    if (typeof value === "string" && isFloat && !isNoNumber && value.trim() !== "" && Number.isFinite(Number(value))) {
      value = new JsonNumber(/[.eE]/.test(value) ? value.trim() : `${value.trim()}.0`);
    }
    const isTaken = value === undefined || (isFloat && isNoNumber) || isValidDefault(schema, value);
    if (this.rules.isStrict && value !== undefined && !isTaken) {
      throw new SchemaFault(`Invalid default for field ${name}: ${writeJson(value)} not a ${printAvro(schema)}`);
    }
    const orderText = text(json, "order");
    const order = ORDERS.find((each) => each === (orderText ?? "ascending").toLowerCase());
    if (!order)
      throw new SchemaFault(`No enum constant org.apache.avro.Schema.Field.Order.${orderText?.toUpperCase()}`);
    return {
      name,
      schema,
      doc: text(json, "doc"),
      default: value,
      order,
      aliases: aliasesOf(json),
      properties: propertiesOf(json, RESERVED_OF_FIELD),
    };
  }

  #enum(json: JsonObject, namespace: string): AvroSchema {
    const named = this.#named(json, namespace);
    const nodes = json.get("symbols");
    if (!isArray(nodes)) throw new SchemaFault(`Enum has no symbols: ${writeJson(json)}`);
    const symbols = nodes.map((node) => (typeof node === "string" ? node : writeJson(node)));
    const seen = new Set<string>();
    for (const symbol of symbols) {
      this.#checkedName(symbol);
      if (seen.has(symbol)) throw new SchemaFault(`Duplicate enum symbol: ${symbol}`);
      seen.add(symbol);
    }
    const value = text(json, "default");
    if (value !== undefined && !seen.has(value)) {
      throw new SchemaFault(`The Enum Default: ${value} is not in the enum symbol set: [${symbols.join(", ")}]`);
    }
    const properties = propertiesOf(json, RESERVED_OF_ENUM);
    return this.#define({ type: "enum", ...named, symbols, default: value, properties });
  }

  #fixed(json: JsonObject, namespace: string): AvroSchema {
    const named = this.#named(json, namespace);
    const node = json.get("size");
    const size = node instanceof JsonNumber && node.isInteger ? Number(node.literal) : Number.NaN;
    if (Number.isNaN(size) || size > 2 ** 31 - 1) throw new SchemaFault(`Invalid or no size: ${writeJson(json)}`);
    if (size < 0) throw new SchemaFault(`Invalid fixed size: ${size}`);
    return this.#define({ type: "fixed", ...named, size, properties: propertiesOf(json, RESERVED) });
  }

  #named(json: JsonObject, enclosing: string) {
    const given = this.#text(json, "name", "No name in schema");
    const dot = given.lastIndexOf(".");
    const namespace = dot < 0 ? (text(json, "namespace") ?? enclosing) : given.slice(0, dot);
    for (const part of namespace === "" || !this.rules.isStrict ? [] : namespace.split(".")) {
      if (!STRICT_NAME.test(part)) {
        throw new SchemaFault(`Namespace part "${part}" is invalid: Illegal character in: ${part}`);
      }
    }
    const name = this.#checkedName(given.slice(dot + 1));
    const aliases = aliasesOf(json).map((alias) =>
      alias.includes(".") || namespace === "" ? alias.replace(/^\./, "") : `${namespace}.${alias}`,
    );
    return { name, namespace, doc: text(json, "doc"), aliases };
  }

  #define<T extends MutableNamed>(schema: T): T {
    const name = fullNameOf(schema);
    if (this.names.has(name)) throw new SchemaFault(`Can't redefine: ${name}`);
    if (isPrimitive(name)) throw new SchemaFault(`Schemas may not be named after primitives: ${name}`);
    this.names.set(name, schema);
    return schema;
  }

  #text(json: JsonObject, key: string, missing: string): string {
    const found = text(json, key);
    if (found === undefined) throw new SchemaFault(`${missing}: ${writeJson(json)}`);
    return found;
  }

  #checkedName(name: string): string {
    if (name === "") throw new SchemaFault("Empty name");
    if ((this.rules.isStrict ? STRICT_NAME : LOOSE_NAME).test(name)) return name;
    const startsRight = this.rules.isStrict ? /^[A-Za-z_]/.test(name) : /^[\p{L}_]/u.test(name);
    throw new SchemaFault(startsRight ? `Illegal character in: ${name}` : `Illegal initial character: ${name}`);
  }
}

function isPrimitive(name: string): name is Primitive {
  return (PRIMITIVES as readonly string[]).includes(name);
}

function text(json: JsonObject, key: string): string | undefined {
  const value = json.get(key);
  return typeof value === "string" ? value : undefined;
}

function required(json: JsonObject, key: string, missing: string): Json {
  const value = json.get(key);
  if (value === undefined) throw new SchemaFault(`${missing}: ${writeJson(json)}`);
  return value;
}

function aliasesOf(json: JsonObject): string[] {
  const node = json.get("aliases");
  if (node === undefined) return [];
  if (!isArray(node)) throw new SchemaFault(`aliases not an array: ${writeJson(node)}`);
  const aliases = node.map((alias) => {
    if (typeof alias !== "string") throw new SchemaFault(`alias not a string: ${writeJson(alias)}`);
    return alias;
  });
  return [...new Set(aliases)];
}

function propertiesOf(json: JsonObject, reserved: readonly string[]): JsonObject {
  return new Map([...json].filter(([key]) => !reserved.includes(key)));
}
