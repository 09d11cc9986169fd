import {
  type AvroDataSettings,
  AvroReader,
  type AvroSchema,
  type Clock,
  type ConnectValue,
  DataError,
  parseAvro,
  type Schema,
} from "../../api/index.js";
import { LruCache } from "../../registry-client/lru-cache.js";
import type { RegisteredSchema, RegistryClient } from "../../registry-client/registry-client.js";
import { RegistryRefusal } from "../../registry-client/registry-transport.js";
import type { RegistryConverterSettings } from "../registry/registry-converter-settings.js";

/** How records of one writer's schema are read. */
export interface ReadSchema {
  readonly schema: Schema | null;
  read(bytes: Buffer): ConnectValue;
}

/** The schemas that a converter reads, by topic and id. */
export class AvroReadSchemas {
  /** Whether what is found may be another later: the latest version is read as, which changes. */
  readonly expires: boolean;
  readonly #found: LruCache<string, { readonly as: ReadSchema; readonly untilMs: number; isUsed: boolean }>;

  constructor(
    private readonly client: RegistryClient,
    private readonly settings: RegistryConverterSettings,
    private readonly data: AvroDataSettings,
    private readonly clock: Clock,
  ) {
    this.expires = settings.latest || settings.latestWithMetadata !== undefined;
    this.#found = new LruCache(settings.mostSchemas);
  }

  /** undefined: `prepare` must be awaited first. */
  find(topic: string, id: number | string): ReadSchema | undefined {
    const found = this.#found.get(`${topic} ${id}`);
    // What was prepared serves its record, however long the rest of it took.
    if (!found || (this.expires && found.isUsed && found.untilMs <= this.clock.monotonicMs())) return undefined;
    found.isUsed = true;
    return found.as;
  }

  /** Fetches a writer's schema, and the one to read it as. */
  async prepare(topic: string, id: number | string): Promise<void> {
    const written = await (typeof id === "number" ? this.client.byId(id) : this.client.byGuid(id));
    const writer = await this.#parse(written, `The schema of id ${id}`);
    const as = await this.#readSchema(topic, written, writer);
    const untilMs = this.clock.monotonicMs() + this.settings.registry.latestTtlMs;
    this.#found.set(`${topic} ${id}`, { as, untilMs, isUsed: false });
  }

  async #readSchema(topic: string, written: RegisteredSchema, writer: AvroSchema): Promise<ReadSchema> {
    if (this.expires) {
      const subject = this.#subject(topic, writer);
      const { latestWithMetadata } = this.settings;
      const latest = await (latestWithMetadata
        ? this.client.latestWithMetadata(subject, latestWithMetadata)
        : this.client.latest(subject));
      const reader = await this.#parse(latest, `Version ${latest.version} of subject ${subject}`);
      return this.#reading(writer, reader, latest.version);
    }
    return this.#reading(writer, writer, await this.#versionOf(topic, written, writer));
  }

  #reading(writer: AvroSchema, reader: AvroSchema, version: number | undefined): ReadSchema {
    const compiled = new AvroReader(writer, this.data, reader, version);
    // Bytes alone have no length, as in Confluent's serializer.
    if (writer.kind === "bytes") return { schema: compiled.schema, read: (bytes) => Buffer.from(bytes) };
    return compiled;
  }

  /** The version under the topic's subject; undefined where the subject does not have the schema. */
  async #versionOf(topic: string, written: RegisteredSchema, writer: AvroSchema): Promise<number | undefined> {
    if (writer.kind !== "union" && writer.properties.has("connect.version")) return undefined;
    try {
      const subject = this.#subject(topic, writer);
      return (await this.client.lookUp(subject, written, this.settings.normalize, true)).version;
    } catch (error) {
      // Whoever wrote the record may have named the subject in another way.
      if (error instanceof RegistryRefusal && (error.status === 404 || error.status === 422)) return undefined;
      if (error instanceof DataError && error.code === "SCHEMA_INVALID") return undefined;
      throw error;
    }
  }

  #subject(topic: string, avro: AvroSchema): string {
    const isNamed = avro.kind === "record" || avro.kind === "enum" || avro.kind === "fixed";
    const name = isNamed ? (avro.namespace === "" ? avro.name : `${avro.namespace}.${avro.name}`) : undefined;
    return this.settings.subjectName(topic, name);
  }

  async #parse(schema: RegisteredSchema, what: string): Promise<AvroSchema> {
    if (schema.schemaType !== "AVRO") {
      throw new DataError(
        "RECORD_MALFORMED",
        `${what} is of type ${schema.schemaType}, not AVRO: choose the converter of that type`,
      );
    }
    const references = await this.client.referenceTexts(schema);
    return parseAvro(
      schema.schema,
      references.map((reference) => reference.schema),
    );
  }
}
