import { DataError } from "../errors.js";
import { type Field, LOGICAL, Schema, type SchemaAttributes, type SchemaType } from "../schema.js";
import { AVRO_DATA_DEFAULTS, type AvroDataSettings } from "./avro-data-settings.js";
import { type AvroJson, AvroNumber, avroJsonText } from "./avro-json.js";
import {
  type AvroArray,
  type AvroEnum,
  type AvroProperties,
  type AvroRecord,
  type AvroSchema,
  type AvroUnion,
  avroFullName,
} from "./avro-schema.js";
import {
  CONNECT_NAMESPACE,
  DEFAULT_PRECISION,
  DEFAULT_RECORD,
  enumParameter,
  MAP_ENTRY,
  PARAMETER,
  PROPERTY,
} from "./connect-names.js";
import { defaultFromJson } from "./default-value.js";

/**
 * The Connect schema in which Confluent's AvroConverter reads values of `avro`; null for schemaless values (Anything).
 *
 * @param version of the schema in its registry, which the Connect schema gets unless `avro` names another.
 * @throws DataError SCHEMA_INVALID when Connect cannot express it.
 */
export function connectFromAvro(
  avro: AvroSchema,
  settings: AvroDataSettings = AVRO_DATA_DEFAULTS,
  version?: number,
): Schema | null {
  return isAnything(avro) ? null : new Mapping(settings).schema(avro, { version });
}

/** Whether `avro` is the record of values without a schema. */
export function isAnything(avro: AvroSchema): boolean {
  return avro.kind === "record" && avroFullName(avro) === `${CONNECT_NAMESPACE}.Anything`;
}

/** Whether the items of an array are the entries of a map. */
export function isMapEntry(items: AvroSchema): items is AvroRecord {
  if (items.kind !== "record") return false;
  const isOwn = avroFullName(items) === `${CONNECT_NAMESPACE}.${MAP_ENTRY}`;
  return isOwn || items.properties.get(PROPERTY.internalType) === MAP_ENTRY;
}

/** The branch of a union that may also be null, or that is alone in it; undefined for any other union. */
export function onlyBranch(union: AvroUnion, settings: AvroDataSettings): AvroSchema | undefined {
  const branches = union.branches.filter(({ kind }) => kind !== "null");
  const isNullable = union.branches.length === 2 && branches.length === 1;
  const isSingle = settings.flattenSingletonUnions && union.branches.length === 1 && branches.length === 1;
  return isNullable || isSingle ? branches[0] : undefined;
}

interface Use {
  readonly optional?: boolean;
  /** Of the field in Avro. */
  readonly fieldDefault?: AvroJson | undefined;
  readonly version?: number | undefined;
}

/** A Connect schema in the making. */
interface Draft {
  readonly type: SchemaType;
  name?: string;
  version?: number;
  optional?: boolean;
  readonly parameters: Record<string, string>;
  readonly fields: Field[];
  readonly keys?: Schema;
  readonly values?: Schema;
}

/**
 * So many uses of records are mapped one by one, as in Java: records that name each other can be walked through in more
 * ways than can be counted.
 */
const MOST_MAPPED = 2_000;

class Mapping {
  /** Records whose fields are being mapped: one that contains itself shares its fields. */
  readonly #open = new Map<AvroRecord, { readonly draft: Draft; readonly depth: number }>();
  /** Records that are mapped. One that is not whole has open ones in it, which lack what is added at their end. */
  readonly #mapped = new Map<AvroRecord, { readonly draft: Draft; readonly isWhole: boolean }>();
  #mappings = 0;
  /** The outermost open record that what is being mapped has in it. */
  #outermost = Number.POSITIVE_INFINITY;
  #unions = 0;

  constructor(private readonly settings: AvroDataSettings) {}

  schema(avro: AvroSchema, use: Use): Schema {
    if (avro.kind === "union") {
      const only = onlyBranch(avro, this.settings);
      // As in Java, the default of a field that may be null is that of the branch.
      if (only) return this.schema(only, { optional: avro.branches.length === 2, version: undefined });
      return this.#finish(avro, this.#union(avro), new Map(), use);
    }
    const open = avro.kind === "record" ? this.#open.get(avro) : undefined;
    if (open) {
      this.#outermost = Math.min(this.#outermost, open.depth);
      return made(open.draft, { ...open.draft, ...(use.optional && { optional: true }) });
    }
    const draft = this.#draft(avro);
    return this.#finish(avro, draft, avro.properties, use);
  }

  #draft(avro: Exclude<AvroSchema, AvroUnion>): Draft {
    switch (avro.kind) {
      case "null":
        throw invalid("Standalone null schemas are not supported by this converter");
      case "boolean":
      case "string":
        return drafted(avro.kind);
      case "float":
        return drafted("float32");
      case "double":
        return drafted("float64");
      case "int":
        return this.#int(avro.properties);
      case "long":
        return logicalTypeOf(avro.properties) === "timestamp-millis" ? logical("int64", "timestamp") : drafted("int64");
      case "bytes":
        return bytes(avro.properties);
      case "fixed": {
        const draft = bytes(avro.properties);
        draft.parameters[PARAMETER.fixedSize] = String(avro.size);
        return draft;
      }
      case "enum":
        return this.#enum(avro);
      case "map":
        return { ...drafted("map"), keys: KEYS, values: this.schema(avro.values, {}) };
      case "array":
        return this.#array(avro);
      case "record":
        return this.#record(avro);
    }
  }

  #int(properties: AvroProperties): Draft {
    const logicalType = logicalTypeOf(properties);
    if (logicalType === "date") return logical("int32", "date");
    if (logicalType === "time-millis") return logical("int32", "time");
    const type = logicalType === undefined ? properties.get(PROPERTY.type) : undefined;
    if (type === undefined) return drafted("int32");
    if (type === "int8" || type === "int16") return drafted(type);
    throw invalid("Connect type annotation for Avro int field is neither int8 nor int16");
  }

  #enum(avro: AvroEnum): Draft {
    const draft = drafted("string");
    if (this.#keepsDocs && avro.doc !== undefined) draft.parameters[PARAMETER.enumDoc + avro.name] = avro.doc;
    if (this.#keepsDocs && avro.defaultSymbol !== undefined)
      draft.parameters[PARAMETER.enumDefault + avro.name] = avro.defaultSymbol;
    const parameter = enumParameter(this.settings);
    draft.parameters[parameter] = avroFullName(avro);
    for (const [ordinal, symbol] of avro.symbols.entries()) {
      draft.parameters[`${parameter}.${symbol}`] = this.settings.generalizedSumTypes ? String(ordinal) : symbol;
    }
    return draft;
  }

  #array(avro: AvroArray): Draft {
    if (!isMapEntry(avro.items)) return { ...drafted("array"), values: this.schema(avro.items, {}) };
    const [keys, values] = avro.items.fields;
    if (avro.items.fields.length !== 2 || keys?.name !== "key" || values?.name !== "value") {
      throw invalid("Found map encoded as array of key-value pairs, but its records are not of the expected format");
    }
    return { ...drafted("map"), keys: this.schema(keys.schema, {}), values: this.schema(values.schema, {}) };
  }

  #record(avro: AvroRecord): Draft {
    const mapped = this.#mapped.get(avro);
    // Unions are numbered by their uses.
    const isShared = mapped?.isWhole && !this.settings.generalizedSumTypes;
    if (mapped && (isShared || this.#mappings > MOST_MAPPED)) return copyOf(mapped.draft);
    this.#mappings++;
    const [depth, outermost] = [this.#open.size, this.#outermost];
    this.#outermost = Number.POSITIVE_INFINITY;
    const draft = drafted("struct");
    this.#open.set(avro, { draft, depth });
    const name = nameOf(avro);
    if (name !== undefined) draft.name = name;
    if (this.#keepsDocs) {
      if (avro.doc !== undefined) draft.parameters[PARAMETER.recordDoc] = avro.doc;
      for (const field of avro.fields)
        if (field.doc !== undefined) draft.parameters[PARAMETER.fieldDoc + field.name] = field.doc;
    }
    for (const [index, { name: fieldName, schema, defaultValue }] of avro.fields.entries()) {
      draft.fields.push({ name: fieldName, index, schema: this.schema(schema, { fieldDefault: defaultValue }) });
    }
    this.#open.delete(avro);
    const isWhole = this.#outermost >= depth;
    this.#mapped.set(avro, { draft: copyOf(draft), isWhole });
    this.#outermost = isWhole ? outermost : Math.min(outermost, this.#outermost);
    return draft;
  }

  #union(avro: AvroUnion): Draft {
    const { generalizedSumTypes } = this.settings;
    const number = this.#unions++;
    const draft = drafted("struct");
    draft.name = generalizedSumTypes ? `connect_union_${number}` : PARAMETER.unionType;
    if (generalizedSumTypes) draft.parameters[PARAMETER.generalizedUnion] = draft.name;
    for (const branch of avro.branches) {
      if (branch.kind === "null") {
        draft.optional = true;
        continue;
      }
      const index = draft.fields.length;
      const name = generalizedSumTypes ? `connect_union_field_${index}` : branchField(branch, this.settings);
      if (draft.fields.some((field) => field.name === name)) {
        throw invalid(`Multiple union schemas map to the Connect union field name ${name}`);
      }
      draft.fields.push({ name, index, schema: this.schema(branch, { optional: true }) });
    }
    return draft;
  }

  /** Adds what the properties say, in the order in which Java does. */
  #finish(avro: AvroSchema, draft: Draft, properties: AvroProperties, use: Use): Schema {
    const doc = properties.get(PROPERTY.doc);
    const version = versionOf(properties) ?? use.version;
    if (version !== undefined && draft.version !== undefined && version !== draft.version) {
      throw invalid(`Mismatched versions: ${draft.version} of the logical type and ${version} of the schema`);
    }
    if (version !== undefined) draft.version = version;
    if (this.settings.metaData) Object.assign(draft.parameters, parametersOf(properties));
    for (const [key, value] of properties) {
      if (key.startsWith(PARAMETER.avroPrefix))
        draft.parameters[key] = typeof value === "string" ? value : avroJsonText(value);
    }
    const own = properties.get(PROPERTY.defaultValue);
    const { fieldDefault } = use;
    if (fieldDefault !== undefined && own === undefined && this.#keepsDocs) {
      draft.parameters[PARAMETER.fieldDefault] = "true";
    }
    const name = nameOf(avro);
    if (name !== undefined && draft.name !== undefined && name !== draft.name) {
      throw invalid(`Mismatched names: ${draft.name} of the logical type and ${name} of the schema`);
    }
    if (name !== undefined) draft.name = name;
    const attributes = {
      ...draft,
      ...(this.settings.metaData && typeof doc === "string" && { doc }),
      ...(use.optional && { optional: true }),
    };
    return withDefault(draft, attributes, fieldDefault === undefined ? own : fieldDefault);
  }

  get #keepsDocs(): boolean {
    return this.settings.metaData && !this.settings.discardTypeDocDefault;
  }
}

const KEYS = new Schema("string", {}, [], undefined, undefined);

function drafted(type: SchemaType): Draft {
  return { type, parameters: {}, fields: [] };
}

/** With the same fields; the rest is of each use. */
function copyOf(draft: Draft): Draft {
  return { ...draft, parameters: { ...draft.parameters } };
}

function logical(type: SchemaType, name: keyof typeof LOGICAL): Draft {
  return { ...drafted(type), name: LOGICAL[name], version: 1 };
}

function bytes(properties: AvroProperties): Draft {
  if (logicalTypeOf(properties) !== "decimal") return drafted("bytes");
  const draft = logical("bytes", "decimal");
  draft.parameters["scale"] = integer(properties, PROPERTY.scale) ?? "0";
  const precision = integer(properties, PROPERTY.precision);
  if (precision !== undefined && precision !== String(DEFAULT_PRECISION))
    draft.parameters[PARAMETER.decimalPrecision] = precision;
  return draft;
}

function integer(properties: AvroProperties, key: string): string | undefined {
  const value = properties.get(key);
  if (value === undefined) return undefined;
  if (!(value instanceof AvroNumber) || !value.isIntegral) throw invalid(`The ${key} of a decimal must be an integer`);
  return value.text;
}

function logicalTypeOf(properties: AvroProperties): string | undefined {
  const type = properties.get(PROPERTY.logicalType);
  return typeof type === "string" ? type.toLowerCase() : undefined;
}

function versionOf(properties: AvroProperties): number | undefined {
  const version = properties.get(PROPERTY.version);
  if (version === undefined) return undefined;
  if (version instanceof AvroNumber && version.isIntegral) return Number(version.text);
  throw invalid("Invalid Connect version found: it is no number");
}

function parametersOf(properties: AvroProperties): Record<string, string> {
  const parameters = properties.get(PROPERTY.parameters);
  if (parameters === undefined) return {};
  if (!(parameters instanceof Map)) throw invalid("Expected JSON object for schema parameters");
  for (const value of parameters.values()) {
    if (typeof value !== "string") throw invalid("Expected schema parameter values to be strings");
  }
  return Object.fromEntries(parameters) as Record<string, string>;
}

/** The name in Connect; undefined for one that the converter has made up. */
function nameOf(avro: AvroSchema): string | undefined {
  if (avro.kind === "union") return undefined;
  const given = avro.properties.get(PROPERTY.name);
  if (given !== undefined && typeof given !== "string") throw invalid("Invalid schema name: it is no text");
  if (typeof given === "string") return given;
  if (avro.kind !== "record" && avro.kind !== "enum" && avro.kind !== "fixed") return undefined;
  // A decimal of a fixed size has its logical type's name.
  if (avro.kind === "fixed" && logicalTypeOf(avro.properties) === "decimal") return undefined;
  const name = avroFullName(avro);
  return name.startsWith(`${CONNECT_NAMESPACE}.${DEFAULT_RECORD}`) ? undefined : name;
}

/** The field of a union's branch. */
export function branchField(branch: AvroSchema, settings: AvroDataSettings): string {
  if (branch.kind !== "record" && branch.kind !== "enum" && branch.kind !== "fixed") return branch.kind;
  return settings.enhancedSupport ? avroFullName(branch) : branch.name;
}

function made(draft: Draft, attributes: SchemaAttributes): Schema {
  const { optional, name, version, doc, parameters } = attributes;
  const isPlain = parameters === undefined || Object.keys(parameters).length === 0;
  const chosen: SchemaAttributes = {
    ...(optional && { optional }),
    ...(name !== undefined && { name }),
    ...(version !== undefined && { version }),
    ...(doc !== undefined && { doc }),
    ...(!isPlain && { parameters }),
    ...("defaultValue" in attributes && { defaultValue: attributes.defaultValue }),
  };
  return new Schema(draft.type, chosen, draft.fields, draft.keys, draft.values);
}

/** The schema with its default, unless that is no value of it: as in Java, it then has none. */
function withDefault(draft: Draft, attributes: SchemaAttributes, json: AvroJson | undefined): Schema {
  const schema = made(draft, attributes);
  if (json === undefined || json === null) return schema;
  try {
    return made(draft, { ...attributes, defaultValue: defaultFromJson(schema, json) });
  } catch (error) {
    if (error instanceof DataError) return schema;
    throw error;
  }
}

function invalid(message: string): DataError {
  return new DataError("SCHEMA_INVALID", message);
}
