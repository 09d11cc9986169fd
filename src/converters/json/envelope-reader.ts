import { DataError, LOGICAL, type Schema, type SchemaAndValue } from "../../api/index.js";
import { splitEnvelope } from "./json-envelope.js";
import { readSchema } from "./json-schema-reader.js";
import { type Exactness, type Json, JsonNumber, readJson, readWholeJson } from "./json-text-reader.js";
import { type JsonReading, readValue } from "./json-value-reader.js";

/** A parsed schema, and how exactly its payloads must be read. */
interface KnownSchema {
  readonly schema: Schema | null;
  readonly exactness: Exactness;
}

/** The bytes before the payload of a topic's last record. The next record nearly always begins with the same. */
interface Head {
  readonly bytes: Buffer;
  readonly known: KnownSchema;
}

/**
 * Reads `{"schema":…,"payload":…}`. A schema's text is many times longer than its payload, so each is parsed once: when
 * a record begins with the same bytes as the last one of its topic, only its payload is parsed; otherwise the schema is
 * looked up by its bytes.
 */
export class EnvelopeReader {
  readonly #capacity: number;
  readonly #reading: JsonReading;
  readonly #byText = new Map<string, KnownSchema>();
  readonly #heads = new Map<string, Head>();

  /** @param capacity the number of schemas to remember. */
  constructor(capacity: number, reading: JsonReading) {
    this.#capacity = capacity;
    this.#reading = reading;
  }

  /** @throws DataError if the bytes are not JSON or not an envelope, or if the payload does not match the schema. */
  read(topic: string, bytes: Buffer): SchemaAndValue {
    const head = this.#heads.get(topic);
    if (head && startsWith(bytes, head.bytes) && bytes[bytes.length - 1] === 0x7d) {
      const payload = readWholeJson(bytes.subarray(head.bytes.length, bytes.length - 1), head.known.exactness);
      if (payload !== undefined) return this.#result(head.known, payload);
    }
    return this.#readWhole(topic, bytes);
  }

  #readWhole(topic: string, bytes: Buffer): SchemaAndValue {
    const parts = splitEnvelope(bytes);
    if (!parts) return this.#readOdd(bytes);
    const [schemaStart, schemaEnd] = parts.schema;
    const known = this.#schemaOf(bytes.subarray(schemaStart, schemaEnd));
    const [start, end] = parts.payload;
    const payload = readWholeJson(bytes.subarray(start, end), known.exactness);
    if (payload === undefined) return this.#readOdd(bytes);
    if (schemaStart < start) this.#rememberHead(topic, { bytes: Buffer.from(bytes.subarray(0, start)), known });
    return this.#result(known, payload);
  }

  /** Reads bytes without the usual outline: not JSON, not an envelope, with escapes in names or text after the end. */
  #readOdd(bytes: Buffer): SchemaAndValue {
    const json = readJson(bytes, "digits");
    const envelope = isObject(json) ? json : {};
    const { schema, payload } = envelope;
    if (Object.keys(envelope).length !== 2 || schema === undefined || payload === undefined) {
      throw new DataError(
        "RECORD_MALFORMED",
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional fields. ' +
          "If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.",
      );
    }
    return this.#result({ schema: readSchema(schema, this.#reading), exactness: "digits" }, payload);
  }

  #result(known: KnownSchema, payload: Json): SchemaAndValue {
    return { schema: known.schema, value: readValue(known.schema, payload, this.#reading) };
  }

  #schemaOf(bytes: Buffer): KnownSchema {
    const text = bytes.toString("latin1");
    let known = this.#byText.get(text);
    if (!known) {
      const json = readJson(bytes, "digits") ?? null;
      const schema = readSchema(json, this.#reading);
      known = { schema, exactness: schema === null ? "kinds" : hasDecimal(schema) ? "digits" : "integers" };
      forgetOldest(this.#byText, this.#capacity);
      if (this.#capacity > 0) this.#byText.set(text, known);
    }
    return known;
  }

  #rememberHead(topic: string, head: Head): void {
    forgetOldest(this.#heads, this.#capacity);
    if (this.#capacity > 0) this.#heads.set(topic, head);
  }
}

function startsWith(bytes: Buffer, head: Buffer): boolean {
  return bytes.length > head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0;
}

function forgetOldest<V>(known: Map<string, V>, capacity: number): void {
  if (known.size < capacity) return;
  const [oldest] = known.keys();
  if (oldest !== undefined) known.delete(oldest);
}

function hasDecimal(schema: Schema): boolean {
  return (
    schema.name === LOGICAL.decimal ||
    schema.fields.some((field) => hasDecimal(field.schema)) ||
    (schema.keySchema !== undefined && hasDecimal(schema.keySchema)) ||
    (schema.valueSchema !== undefined && hasDecimal(schema.valueSchema))
  );
}

function isObject(json: Json | undefined): json is { readonly [name: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json) && !(json instanceof JsonNumber);
}
