import {
  type AvroDataSettings,
  AvroReader,
  type AvroSchema,
  AvroWriter,
  avroFromConnect,
  avroFullName,
  avroText,
  type ByteSlab,
  type ConnectValue,
  DataError,
  parseAvro,
  type Schema,
} from "../../api/index.js";
import { LruCache } from "../../registry-client/lru-cache.js";
import type { RegisteredSchema, RegistryClient, SchemaText } from "../../registry-client/registry-client.js";
import type { RegistryConverterSettings } from "../registry/registry-converter-settings.js";
import { guidBytes, idPrefix } from "../registry/schema-id.js";
import { writtenSchema } from "../registry/written-schema.js";

/** A schema that is in the registry, and how values are written as it. */
export class WriteSchema {
  readonly #prefix: Buffer;
  readonly #isRaw: boolean;

  /** @param guid for a header; undefined: the id stands before the record. */
  constructor(
    id: number | undefined,
    readonly guid: Buffer | undefined,
    private readonly writer: AvroWriter,
  ) {
    this.#prefix = guid === undefined ? idPrefix(id!) : Buffer.alloc(0);
    this.#isRaw = writer.avro.kind === "bytes";
  }

  writePrefix(slab: ByteSlab): void {
    slab.reserve(this.#prefix.length);
    slab.bytes.set(this.#prefix, slab.position);
    slab.position += this.#prefix.length;
  }

  /** Bytes alone have no length, as in Confluent's serializer. */
  write(slab: ByteSlab, value: ConnectValue): void {
    if (!this.#isRaw || !Buffer.isBuffer(value)) {
      this.writer.write(slab, value);
      return;
    }
    slab.reserve(value.length);
    slab.bytes.set(value, slab.position);
    slab.position += value.length;
  }
}

/** The registered form of a schema's text. */
interface Registered {
  readonly id: number | undefined;
  readonly guid: string | undefined;
  /** What is written: the text's own schema, or the one that the registry has chosen. */
  readonly avro: AvroSchema;
}

/** The schemas that a converter writes, by topic. */
export class AvroWriteSchemas {
  readonly #byObject = new WeakMap<Schema, Map<string, WriteSchema>>();
  readonly #schemaless = new Map<string, WriteSchema>();
  /** By topic and text: an equal schema in another object needs no further request. */
  readonly #byText: LruCache<string, Registered>;

  constructor(
    private readonly client: RegistryClient,
    private readonly settings: RegistryConverterSettings,
    private readonly data: AvroDataSettings,
  ) {
    this.#byText = new LruCache(settings.mostSchemas);
  }

  /** undefined: `prepare` must be awaited first. @throws DataError when Avro cannot express the schema. */
  find(topic: string, schema: Schema | null): WriteSchema | undefined {
    const found = this.#of(schema)?.get(topic);
    if (found) return found;
    const avro = avroFromConnect(schema, this.data);
    const registered = this.#byText.get(keyOf(topic, avroText(avro)));
    if (!registered) return undefined;
    return this.#keep(topic, schema, registered);
  }

  /** Registers or looks up a schema. */
  async prepare(topic: string, schema: Schema | null): Promise<void> {
    const avro = avroFromConnect(schema, this.data);
    const text = avroText(avro);
    const name = avro.kind === "record" ? avroFullName(avro) : schema?.name;
    const subject = this.settings.subjectName(topic, name);
    const asked: SchemaText = { schemaType: "AVRO", schema: text, references: [] };
    const chosen = await writtenSchema(this.client, this.settings, subject, asked, (target) =>
      this.#reads(target, avro),
    );
    const { id } = chosen;
    const guid = this.settings.writesHeader ? await this.#guidOf(chosen) : undefined;
    if (id === undefined && guid === undefined) {
      throw new DataError(
        "REGISTRY_SCHEMA_REFUSED",
        `The registry has named no id for the schema of subject ${subject}`,
      );
    }
    const registered = { id, guid, avro: chosen.schema === text ? avro : await this.#parse(chosen) };
    this.#keep(topic, schema, registered);
    this.#byText.set(keyOf(topic, text), registered);
  }

  #keep(topic: string, schema: Schema | null, { id, guid, avro }: Registered): WriteSchema {
    const writer = new AvroWriter(schema, this.data, avro);
    const made = new WriteSchema(id, guid === undefined ? undefined : guidBytes(guid), writer);
    let topics = this.#of(schema);
    if (!topics) {
      topics = new Map();
      this.#byObject.set(schema!, topics);
    }
    topics.set(topic, made);
    return made;
  }

  #of(schema: Schema | null): Map<string, WriteSchema> | undefined {
    return schema === null ? this.#schemaless : this.#byObject.get(schema);
  }

  async #parse(chosen: RegisteredSchema): Promise<AvroSchema> {
    const references = await this.client.referenceTexts(chosen);
    return parseAvro(
      chosen.schema,
      references.map(({ schema }) => schema),
    );
  }

  async #reads(target: RegisteredSchema, writer: AvroSchema): Promise<boolean> {
    try {
      new AvroReader(writer, this.data, await this.#parse(target));
      return true;
    } catch (error) {
      if (error instanceof DataError && error.code === "SCHEMA_INVALID") return false;
      throw error;
    }
  }

  async #guidOf({ id, guid }: RegisteredSchema): Promise<string> {
    const found = guid ?? (id === undefined ? undefined : (await this.client.byId(id)).guid);
    if (found !== undefined) return found;
    const part = this.settings.isKey ? "key" : "value";
    throw new DataError(
      "REGISTRY_SCHEMA_REFUSED",
      `The registry names no GUIDs, which ${part}.schema.id.serializer needs: use a registry from 8.0 on, or write ids before records`,
    );
  }
}

function keyOf(topic: string, text: string): string {
  return `${topic} ${text}`;
}
