import { DataError } from "../errors.js";
import { LOGICAL, type Schema, withAttributes } from "../schema.js";
import { decimalScale } from "../values/decimal.js";
import { sameFields, sameParameters, sameSchema } from "../values/schema-equality.js";
import { ANYTHING } from "./anything.js";
import { AVRO_DATA_DEFAULTS, type AvroDataSettings } from "./avro-data-settings.js";
import { type AvroJson, AvroNumber } from "./avro-json.js";
import {
  type AvroField,
  type AvroPrimitiveType,
  type AvroProperties,
  type AvroRecord,
  type AvroSchema,
  avroPrimitive,
  splitAvroName,
} from "./avro-schema.js";
import {
  CONNECT_NAMESPACE,
  DEFAULT_PRECISION,
  DEFAULT_RECORD,
  enumParameter,
  isAvroMap,
  isEnum,
  isFixed,
  isUnion,
  MAP_ENTRY,
  PARAMETER,
  PROPERTY,
  writtenFullName,
  writtenName,
} from "./connect-names.js";
import { defaultJson, isAvroDefault } from "./default-value.js";

const PRIMITIVES: Partial<Record<Schema["type"], AvroPrimitiveType>> = {
  int8: "int",
  int16: "int",
  int32: "int",
  int64: "long",
  float32: "float",
  float64: "double",
  boolean: "boolean",
  string: "string",
  bytes: "bytes",
};

const LOGICAL_TYPES: Readonly<Record<string, string>> = {
  [LOGICAL.decimal]: "decimal",
  [LOGICAL.date]: "date",
  [LOGICAL.time]: "time-millis",
  [LOGICAL.timestamp]: "timestamp-millis",
};

/** Letters of any script, as Avro's Java library takes them. */
const LEGAL = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;

/**
 * The Avro schema in which Confluent's AvroConverter writes values of `schema`: `avroText` of it is the text that a
 * Java worker would register.
 *
 * @param schema null for schemaless values.
 * @throws DataError SCHEMA_INVALID when Avro cannot express it.
 */
export function avroFromConnect(schema: Schema | null, settings: AvroDataSettings = AVRO_DATA_DEFAULTS): AvroSchema {
  return schema === null ? ANYTHING : new Mapping(settings).schema(schema);
}

class Mapping {
  #unnamed = 0;
  /** Struct and map schemas that have been mapped: an equal one is the same Avro type. */
  readonly #mapped: { schema: Schema; avro: AvroSchema }[] = [];
  readonly #records = new Map<string, { schema: Schema; record: AvroRecord }>();

  constructor(private readonly settings: AvroDataSettings) {}

  schema(schema: Schema): AvroSchema {
    if (schema.type === "struct" && isUnion(schema)) return this.#union(schema);
    const required = schema.optional ? withAttributes(schema, { optional: false }) : schema;
    const avro = this.#required(required);
    if (!schema.optional) return avro;
    const hasDefault = schema.type !== "struct" && schema.hasDefault && schema.defaultValue !== null;
    return { kind: "union", branches: hasDefault ? [avro, NULL] : [NULL, avro] };
  }

  #union(schema: Schema): AvroSchema {
    const branches = schema.fields.map((field) => this.#required(withAttributes(field.schema, { optional: false })));
    return { kind: "union", branches: schema.optional ? [NULL, ...branches] : branches };
  }

  #required(schema: Schema): AvroSchema {
    const primitive = PRIMITIVES[schema.type];
    if (primitive !== undefined) {
      const avro = this.#scalar(schema, primitive);
      this.#describe(schema, avro.properties);
      return avro;
    }
    if (schema.type === "struct" && isUnion(schema)) return this.#union(schema);
    const earlier = this.#mapped.find((each) => sameSchema(each.schema, schema));
    if (earlier) return earlier.avro;
    const known = this.#records.get(schema.name ?? "");
    if (schema.type === "struct" && known && sameFields(known.schema, schema)) return known.record;
    const avro = schema.type === "struct" ? this.#record(schema) : this.#collection(schema);
    this.#describe(schema, avro.properties);
    this.#mapped.push({ schema, avro });
    return avro;
  }

  #scalar(schema: Schema, type: AvroPrimitiveType) {
    const properties: AvroProperties = new Map();
    const parameters = schema.parameters ?? {};
    if (isEnum(schema, this.settings)) return this.#enum(schema);
    if (isFixed(schema)) {
      const size = Number(parameters[PARAMETER.fixedSize]);
      if (!Number.isInteger(size) || size < 0) {
        throw new DataError("SCHEMA_INVALID", `Invalid parameter ${PARAMETER.fixedSize} of ${schema.name}: no size`);
      }
      const name = splitAvroName(writtenFullName(schema.name!, this.settings));
      requireLegal(name.name);
      const fixed = { kind: "fixed", ...name, size, aliases: [], properties } as const;
      if (schema.name === LOGICAL.decimal) describeDecimal(schema, properties);
      return fixed;
    }
    if (schema.name === LOGICAL.decimal) describeDecimal(schema, properties);
    return avroPrimitive(type, properties);
  }

  #enum(schema: Schema) {
    const parameters = schema.parameters ?? {};
    const parameter = enumParameter(this.settings);
    const prefix = `${parameter}.`;
    const name = splitAvroName(writtenFullName(parameters[parameter]!, this.settings));
    const symbols = Object.keys(parameters)
      .filter((key) => key.startsWith(prefix))
      .map((key) => writtenName(key.slice(prefix.length), this.settings));
    for (const each of [name.name, ...symbols]) requireLegal(each);
    requireDistinct(symbols, "enum symbol", name.name);
    return {
      kind: "enum",
      ...name,
      symbols,
      doc: this.settings.discardTypeDocDefault ? undefined : parameters[PARAMETER.enumDoc + name.name],
      defaultSymbol: this.settings.discardTypeDocDefault ? undefined : parameters[PARAMETER.enumDefault + name.name],
      aliases: [],
      properties: new Map(),
    } as const;
  }

  #collection(schema: Schema) {
    if (schema.type === "array")
      return { kind: "array", items: this.schema(schema.valueSchema!), properties: new Map() } as const;
    if (isAvroMap(schema, this.settings))
      return { kind: "map", values: this.schema(schema.valueSchema!), properties: new Map() } as const;
    const name =
      schema.name === undefined
        ? { name: MAP_ENTRY, namespace: CONNECT_NAMESPACE }
        : splitAvroName(writtenFullName(schema.name, this.settings));
    requireLegal(name.name);
    const entry: AvroRecord = {
      kind: "record",
      ...name,
      fields: [this.#field("key", schema.keySchema!), this.#field("value", schema.valueSchema!)],
      aliases: [],
      properties: new Map(schema.name === undefined ? [] : [[PROPERTY.internalType, MAP_ENTRY]]),
    };
    return { kind: "array", items: entry, properties: new Map() } as const;
  }

  #record(schema: Schema): AvroRecord {
    const parameters = schema.parameters ?? {};
    const record: AvroRecord = {
      kind: "record",
      ...this.#recordName(schema),
      doc: parameters[PARAMETER.recordDoc],
      fields: [],
      aliases: [],
      properties: new Map(),
    };
    requireLegal(record.name);
    if (schema.name !== undefined) this.#records.set(schema.name, { schema, record });
    for (const field of schema.fields) {
      record.fields.push(this.#field(field.name, field.schema, parameters[PARAMETER.fieldDoc + field.name]));
    }
    const names = record.fields.map(({ name }) => name);
    for (const name of names) requireLegal(name);
    requireDistinct(names, "field", record.name);
    return record;
  }

  #recordName(schema: Schema): { name: string; namespace: string } {
    if (schema.name !== undefined) return splitAvroName(writtenFullName(schema.name, this.settings));
    const number = ++this.#unnamed;
    return { name: number === 1 ? DEFAULT_RECORD : `${DEFAULT_RECORD}${number}`, namespace: CONNECT_NAMESPACE };
  }

  #field(name: string, schema: Schema, doc?: string): AvroField {
    const known = schema.type === "struct" ? this.#records.get(schema.name ?? "") : undefined;
    const avro = this.schema(schema);
    // A type that stands elsewhere has the parameters of its first use; those of this one are the field's.
    const isOther = this.settings.metaData && known && !sameParameters(known.schema.parameters, schema.parameters);
    const parameters = isOther ? parametersJson(schema) : undefined;
    return {
      name: writtenName(name, this.settings),
      schema: avro,
      doc,
      defaultValue: this.#fieldDefault(schema, avro),
      aliases: [],
      properties: new Map(parameters ? [[PROPERTY.parameters, parameters]] : []),
    };
  }

  /** One that Avro does not accept stays out: it is in `connect.default`. */
  #fieldDefault(schema: Schema, avro: AvroSchema): AvroJson | undefined {
    if (!schema.hasDefault || schema.defaultValue === null) return schema.optional ? null : undefined;
    const json = defaultJson(schema, schema.defaultValue, this.settings);
    return json !== undefined && isAvroDefault(avro, json) ? json : undefined;
  }

  /** Adds the properties of any type, in the order in which Java writes them. */
  #describe(schema: Schema, properties: AvroProperties): void {
    if (this.settings.metaData) this.#describeConnect(schema, properties);
    const logicalType = LOGICAL_TYPES[schema.name ?? ""];
    if (logicalType !== undefined) properties.set(PROPERTY.logicalType, logicalType);
    for (const [key, value] of Object.entries(schema.parameters ?? {})) {
      if (key.startsWith(PARAMETER.avroPrefix)) properties.set(key, value);
    }
  }

  #describeConnect(schema: Schema, properties: AvroProperties): void {
    if (schema.doc !== undefined) properties.set(PROPERTY.doc, schema.doc);
    if (schema.version !== undefined) properties.set(PROPERTY.version, AvroNumber.integer(schema.version));
    const parameters = parametersJson(schema);
    if (parameters) properties.set(PROPERTY.parameters, parameters);
    if (schema.hasDefault && schema.defaultValue !== null && !schema.parameters?.[PARAMETER.fieldDefault]) {
      const json = defaultJson(schema, schema.defaultValue, this.settings);
      if (json !== undefined) properties.set(PROPERTY.defaultValue, json);
    }
    if (schema.name !== undefined) properties.set(PROPERTY.name, schema.name);
    if (schema.type === "int8" || schema.type === "int16") properties.set(PROPERTY.type, schema.type);
  }
}

/** What Avro's readers refuse would make a whole file unreadable. */
function requireLegal(name: string): void {
  if (LEGAL.test(name)) return;
  throw new DataError(
    "SCHEMA_INVALID",
    `Illegal name for Avro: ${JSON.stringify(name)} is not of letters, digits and _, without a digit first; rename it by a transformation, or set scrub.invalid.names=true where the converter is Avro's`,
  );
}

/** Names that differ may be written alike. */
function requireDistinct(names: readonly string[], what: string, of: string): void {
  const again = names.find((name, at) => names.indexOf(name) !== at);
  if (again === undefined) return;
  throw new DataError(
    "SCHEMA_INVALID",
    `Duplicate ${what} ${again} in ${of}: scrub.invalid.names writes two names alike; rename one by a transformation`,
  );
}

const NULL = avroPrimitive("null");

function parametersJson(schema: Schema): AvroJson | undefined {
  const entries = Object.entries(schema.parameters ?? {});
  return entries.length === 0 ? undefined : new Map(entries);
}

function describeDecimal(schema: Schema, properties: AvroProperties): void {
  const precision = schema.parameters?.[PARAMETER.decimalPrecision];
  if (precision !== undefined && !/^[+-]?\d{1,9}$/.test(precision)) {
    throw new DataError("SCHEMA_INVALID", `Invalid Decimal schema: ${PARAMETER.decimalPrecision} is not an integer`);
  }
  properties.set(PROPERTY.scale, AvroNumber.integer(decimalScale(schema)));
  properties.set(PROPERTY.precision, AvroNumber.integer(Number(precision ?? DEFAULT_PRECISION)));
}
