import {
  ByteSlab,
  type ConfigDef,
  type ConnectValue,
  type Converter,
  NotPreparedError,
  parseConfig,
  type RecordHeader,
  type RecordHeaders,
  type Schema,
  type SchemaAndValue,
} from "../../api/index.js";
import { withConverterType } from "../converter-type.js";
import { conversionFailure } from "../registry/conversion-failure.js";
import {
  parseRegistryConverterSettings,
  type RegistryConverterSettings,
} from "../registry/registry-converter-settings.js";
import { openRegistry, type RegistryParts, systemParts } from "../registry/registry-parts.js";
import { findSchemaId, idHeader } from "../registry/schema-id.js";
import { avroConverterKeys, avroDataSettings } from "./avro-converter-keys.js";
import { AvroReadSchemas, type ReadSchema } from "./avro-read-schemas.js";
import { AvroWriteSchemas, type WriteSchema } from "./avro-write-schemas.js";

const NOTHING: SchemaAndValue = { schema: null, value: null };

/**
 * Connect data in Avro, with the schemas in a registry: `io.confluent.connect.avro.AvroConverter`. Bytes and schema texts
 * equal those of Confluent's. The registry is asked when a schema or id is new; all else is done once per Schema object.
 */
export class AvroConverter implements Converter {
  readonly config: ConfigDef = avroConverterKeys;
  readonly #slab = new ByteSlab();
  #settings!: RegistryConverterSettings;
  #writing!: AvroWriteSchemas;
  #reading!: AvroReadSchemas;
  // The last schemas are kept here because a look-up in a map costs as much as writing a column.
  #lastWritten: { readonly topic: string; readonly schema: Schema | null; readonly as: WriteSchema } | undefined;
  #lastRead: { readonly topic: string; readonly id: number | string; readonly as: ReadSchema } | undefined;

  constructor(private readonly parts: RegistryParts = systemParts()) {}

  /** @throws ConfigError for an invalid value. */
  configure(props: Readonly<Record<string, string>>, isKey: boolean): void {
    const values = parseConfig(avroConverterKeys, withConverterType(props, isKey ? "key" : "value"));
    const settings = parseRegistryConverterSettings(values, props, isKey);
    const data = avroDataSettings(values);
    const client = openRegistry(settings.registry, this.parts);
    this.#settings = settings;
    this.#writing = new AvroWriteSchemas(client, settings, data);
    this.#reading = new AvroReadSchemas(client, settings, data, this.parts.clock);
  }

  /** @throws DataError for a value that does not match its schema; NotPreparedError for a new schema. */
  fromConnectData(topic: string, headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (value === null && (schema === null || schema.optional)) return null;
    try {
      return this.#write(topic, headers, schema, value);
    } catch (error) {
      throw conversionFailure(`Failed to serialize Avro data from topic ${topic}`, error);
    }
  }

  release(): void {
    this.#slab.release();
  }

  /** @throws DataError for bytes that are not in this format; NotPreparedError for a new id. */
  toConnectData(topic: string, headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return NOTHING;
    try {
      return this.#read(topic, headers, bytes);
    } catch (error) {
      throw conversionFailure(`Failed to deserialize data for topic ${topic} to Avro`, error);
    }
  }

  /** @throws RetriableError while the registry does not answer; DataError when it refuses; ConfigError for its user. */
  async prepare(topic: string, subject: Schema | Buffer | null, headers: readonly RecordHeader[]): Promise<void> {
    if (Buffer.isBuffer(subject)) {
      try {
        await this.#reading.prepare(topic, this.#findId(headers, subject).id);
      } catch (error) {
        throw conversionFailure(`Failed to deserialize data for topic ${topic} to Avro`, error);
      }
      return;
    }
    try {
      await this.#writing.prepare(topic, subject);
    } catch (error) {
      throw conversionFailure(`Failed to serialize Avro data from topic ${topic}`, error);
    }
  }

  #write(topic: string, headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer {
    const last = this.#lastWritten;
    const as = last?.schema === schema && last.topic === topic ? last.as : this.#writeSchema(topic, schema);
    const slab = this.#slab;
    slab.begin();
    if (as.guid === undefined) as.writePrefix(slab);
    else addOnce(headers, idHeader(this.#settings.isKey), as.guid);
    as.write(slab, value);
    return slab.finish();
  }

  #writeSchema(topic: string, schema: Schema | null): WriteSchema {
    const as = this.#writing.find(topic, schema);
    if (!as) throw new NotPreparedError(`the id of the schema of topic ${topic}`);
    this.#lastWritten = { topic, schema, as };
    return as;
  }

  #read(topic: string, headers: readonly RecordHeader[], bytes: Buffer): SchemaAndValue {
    const { id, start } = this.#findId(headers, bytes);
    const last = this.#lastRead;
    const isLast = last?.id === id && last.topic === topic && !this.#reading.expires;
    const as = isLast ? last.as : this.#readSchema(topic, id);
    return { schema: as.schema, value: as.read(bytes.subarray(start)) };
  }

  #readSchema(topic: string, id: number | string): ReadSchema {
    const as = this.#reading.find(topic, id);
    if (!as) throw new NotPreparedError(`the schema of id ${id}`);
    this.#lastRead = { topic, id, as };
    return as;
  }

  #findId(headers: readonly RecordHeader[], bytes: Buffer) {
    const { isKey, readsFrom, fixedId } = this.#settings;
    if (readsFrom === "config") return { id: fixedId!, start: 0 };
    return findSchemaId(bytes, isKey, readsFrom === "both" ? headers : undefined);
  }
}

/** Adds the header unless it is there: a record's conversion may be repeated. */
function addOnce(headers: RecordHeaders, key: string, value: Buffer): void {
  const isThere = headers.all.some((header) => header.key === key && header.value?.equals(value));
  if (!isThere) headers.add({ key, value });
}
