import {
  type ConfigDef,
  ConfigError,
  type ConfigValues,
  type ConnectValue,
  type Converter,
  DataError,
  type Header,
  type HeaderConverter,
  oneOfIgnoringCase,
  parseConfig,
  type RecordHeader,
  type RecordHeaders,
  type Schema,
  type SchemaAndValue,
} from "../../api/index.js";
import { ByteSlab } from "../../api/values/byte-slab.js";
import { converterType, withConverterType } from "../converter-type.js";
import { EnvelopeReader } from "./envelope-reader.js";
import { type JsonFormat, type JsonPlan, planJson } from "./json-plan.js";
import { readSchema } from "./json-schema-reader.js";
import { writeSchema } from "./json-schema-writer.js";
import { readJson, readJsonText } from "./json-text-reader.js";
import { FixedText, writeAscii, writeByte, writeFixed } from "./json-text-writer.js";
import { readValue } from "./json-value-reader.js";
import { writeValue } from "./json-value-writer.js";

const jsonConverterConfig = {
  "converter.type": converterType,
  "schemas.enable": {
    type: "boolean",
    doc: "Whether each record carries its schema, as an object of two fields, `schema` and `payload`.",
    default: true,
    importance: "high",
    group: "Schemas",
    order: 0,
    width: "medium",
    displayName: "Enable Schemas",
  },
  "schemas.cache.size": {
    type: "int",
    doc: "The number of schemas to cache, by their bytes in records.",
    default: 1000,
    importance: "high",
    group: "Schemas",
    order: 1,
    width: "medium",
    displayName: "Schema Cache Size",
  },
  "schema.content": {
    type: "string",
    doc: "The schema of every record read, for records that hold only the payload. Used with schemas.enable.",
    default: null,
    importance: "high",
    group: "Schemas",
    order: 2,
    width: "medium",
    displayName: "Schema Content",
  },
  "decimal.format": {
    type: "string",
    doc: "How decimals are written: BASE64 (the unscaled value's bytes) or NUMERIC (a JSON number). Both are read.",
    default: "BASE64",
    importance: "low",
    group: "Serialization",
    order: 0,
    width: "medium",
    displayName: "Decimal Format",
    // The order of Kafka's own message.
    check: oneOfIgnoringCase("NUMERIC", "BASE64"),
  },
  "replace.null.with.default": {
    type: "boolean",
    doc: "Whether to replace a null by the field's default, if it has one.",
    default: true,
    importance: "low",
    group: "Serialization",
    order: 1,
    width: "medium",
    displayName: "Replace null with default",
  },
} as const satisfies ConfigDef;

/** A schema compiled for writing: the envelope up to the payload, and the plan of the payload. */
interface Compiled {
  readonly head: FixedText;
  readonly plan: JsonPlan;
}

/**
 * Connect data as JSON, `org.apache.kafka.connect.json.JsonConverter`. Its bytes equal Kafka's, except for floats of
 * JDKs before 19. It is optimised for many records of few schemas: work that depends only on the Schema object is done
 * once per object, and records are slices of a slab.
 */
export class JsonConverter implements Converter, HeaderConverter {
  readonly config: ConfigDef = jsonConverterConfig;
  #settings: ConfigValues<typeof jsonConverterConfig> | undefined;
  #format: JsonFormat = { decimalsAsNumbers: false, replaceNullWithDefault: true };
  #contentSchema: Schema | null = null;
  #envelopes: EnvelopeReader | undefined;
  readonly #slab = new ByteSlab();
  readonly #compiled = new WeakMap<Schema, Compiled>();
  #schemaless: Compiled | undefined;
  // The last schema is kept here because a WeakMap lookup costs as much as writing a column.
  #lastSchema: Schema | null = null;
  #last: Compiled | undefined;

  /** @throws ConfigError for an invalid value, or a `schema.content` that is not a schema. */
  configure(props: Readonly<Record<string, string>>, isKey?: boolean): void {
    const use = isKey === undefined ? "header" : isKey ? "key" : "value";
    const settings = parseConfig(jsonConverterConfig, withConverterType(props, use));
    this.#settings = settings;
    this.#format = {
      decimalsAsNumbers: settings["decimal.format"].toUpperCase() === "NUMERIC",
      replaceNullWithDefault: settings["replace.null.with.default"],
    };
    this.#contentSchema = readContentSchema(settings["schema.content"], this.#format);
    this.#envelopes = new EnvelopeReader(Math.max(0, settings["schemas.cache.size"]), this.#format);
  }

  /** @throws DataError for a value that does not match its schema. */
  fromConnectData(_topic: string, _headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    return this.#write(schema, value);
  }

  release(): void {
    this.#slab.release();
  }

  /** @throws DataError when the bytes are not JSON, lack a required envelope, or do not match the schema. */
  toConnectData(topic: string, _headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    return this.#read(topic, bytes);
  }

  fromConnectHeader(_topic: string, header: Header): Buffer | null {
    return this.#write(header.schema, header.value);
  }

  toConnectHeader(topic: string, key: string, bytes: Buffer | null): Header {
    return { key, ...this.#read(topic, bytes) };
  }

  #write(schema: Schema | null, value: ConnectValue): Buffer | null {
    if (schema === null && value === null) return null;
    const compiled = this.#compile(schema);
    const slab = this.#slab;
    slab.begin();
    if (this.#enveloped()) {
      writeFixed(slab, compiled.head);
      writeValue(slab, compiled.plan, value);
      writeByte(slab, 0x7d);
    } else {
      writeValue(slab, compiled.plan, value);
    }
    return slab.finish();
  }

  #read(topic: string, bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null };
    if (!this.#enveloped()) return { schema: null, value: readValue(null, readJson(bytes, "kinds"), this.#format) };
    const schema = this.#contentSchema;
    if (schema) return { schema, value: readValue(schema, readJson(bytes, "digits"), this.#format) };
    this.#envelopes ??= new EnvelopeReader(1000, this.#format);
    return this.#envelopes.read(topic, bytes);
  }

  #enveloped(): boolean {
    return this.#settings?.["schemas.enable"] ?? true;
  }

  #compile(schema: Schema | null): Compiled {
    if (schema === null) {
      this.#schemaless ??= { head: FixedText.of('{"schema":null,"payload":'), plan: planJson(null, this.#format) };
      return this.#schemaless;
    }
    if (schema === this.#lastSchema && this.#last) return this.#last;
    let compiled = this.#compiled.get(schema);
    if (!compiled) {
      compiled = { head: envelopeHead(schema, this.#format), plan: planJson(schema, this.#format) };
      this.#compiled.set(schema, compiled);
    }
    this.#lastSchema = schema;
    this.#last = compiled;
    return compiled;
  }
}

function envelopeHead(schema: Schema, format: JsonFormat): FixedText {
  const slab = new ByteSlab();
  writeAscii(slab, '{"schema":');
  writeSchema(slab, schema, format);
  writeAscii(slab, ',"payload":');
  return new FixedText(Buffer.from(slab.finish()));
}

function readContentSchema(text: string | null, format: JsonFormat): Schema | null {
  if (text === null || text === "") return null;
  try {
    return readSchema(readJsonText(text, "digits") ?? null, format);
  } catch (cause) {
    if (!(cause instanceof DataError)) throw cause;
    throw new ConfigError("schema.content", `Invalid value for configuration schema.content: ${cause.message}`, {
      cause,
    });
  }
}
