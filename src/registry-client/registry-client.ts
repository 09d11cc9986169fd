import { RetriableError } from "../api/errors.js";
import { LruCache } from "./lru-cache.js";
import type { RegistrySettings } from "./registry-settings.js";
import { RegistryTransport, type TransportParts } from "./registry-transport.js";

/** A reference of a schema to another. */
interface SchemaReference {
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

type RegistrySchemaType = "AVRO" | "JSON" | "PROTOBUF";

/** A schema as it is registered. */
export interface SchemaText {
  readonly schemaType: RegistrySchemaType;
  readonly schema: string;
  readonly references: readonly SchemaReference[];
}

/** A schema in the registry. */
export interface RegisteredSchema extends SchemaText {
  /** undefined: asked for by its GUID. */
  readonly id: number | undefined;
  /** undefined: the registry is older than 8.0. */
  readonly guid: string | undefined;
  /** undefined: asked for by id. */
  readonly version: number | undefined;
}

export interface RegisterOptions {
  readonly normalize: boolean;
  readonly propagateTags?: boolean;
}

/** The schemas of any kind that are kept by id. */
const MOST_BY_ID = 1000;

/**
 * A client of a schema registry. What does not change there is asked for once: a schema by its id, the id of a schema.
 * Requests for the same run once for all who wait. All methods throw as RegistryTransport.send.
 */
export class RegistryClient {
  readonly #transport: RegistryTransport;
  readonly #known: LruCache<string, RegisteredSchema>;
  readonly #registered: LruCache<string, RegisteredSchema>;
  readonly #latest: LruCache<string, { readonly schema: RegisteredSchema; readonly untilMs: number }>;
  readonly #running = new Map<string, Promise<RegisteredSchema>>();

  constructor(
    private readonly settings: RegistrySettings,
    private readonly parts: TransportParts,
  ) {
    this.#transport = new RegistryTransport(settings, parts);
    this.#known = new LruCache(MOST_BY_ID);
    this.#registered = new LruCache(settings.mostIds);
    this.#latest = new LruCache(settings.mostLatest);
  }

  /** The registry's URLs, without credentials, for messages. */
  get urls(): readonly string[] {
    return this.settings.urls;
  }

  /** Registers a schema under a subject, unless the subject has it. */
  register(subject: string, schema: SchemaText, { normalize, propagateTags }: RegisterOptions) {
    const query = `${normalize ? "?normalize=true" : ""}`;
    const body = { ...requestOf(schema), ...(propagateTags && { propagateSchemaTags: true }) };
    const path = `/subjects/${encodeURIComponent(subject)}/versions${query}`;
    const what = `the schema of subject ${subject}`;
    return this.#schema(this.#registered, `register ${query} ${keyOf(subject, schema)}`, { path, what, body }, schema);
  }

  /** The id of a schema that the subject has. */
  lookUp(subject: string, schema: SchemaText, normalize: boolean, includesDeleted = false) {
    const query = new URLSearchParams({
      ...(normalize && { normalize: "true" }),
      ...(includesDeleted && { deleted: "true" }),
    }).toString();
    const path = `/subjects/${encodeURIComponent(subject)}${query && `?${query}`}`;
    const what = `the look-up of a schema in subject ${subject}`;
    const key = `look up ${query} ${keyOf(subject, schema)}`;
    return this.#schema(this.#registered, key, { path, what, body: requestOf(schema) }, schema);
  }

  byId(id: number, subject?: string): Promise<RegisteredSchema> {
    const query = subject === undefined ? "" : `?subject=${encodeURIComponent(subject)}`;
    return this.#schema(this.#known, `${id}${query}`, {
      path: `/schemas/ids/${id}${query}`,
      what: `the schema of id ${id}`,
      id,
    });
  }

  byGuid(guid: string): Promise<RegisteredSchema> {
    return this.#schema(this.#known, guid, { path: `/schemas/guids/${guid}`, what: `the schema of GUID ${guid}` });
  }

  byVersion(subject: string, version: number): Promise<RegisteredSchema> {
    return this.#schema(this.#known, `${subject}/${version}`, {
      path: `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`,
      what: `version ${version} of subject ${subject}`,
    });
  }

  /** The newest version of a subject; asked for again once it is older than `latest.cache.ttl.sec`. */
  latest(subject: string): Promise<RegisteredSchema> {
    return this.#newest(`${subject}`, `/subjects/${encodeURIComponent(subject)}/versions/latest`, subject);
  }

  /** The newest version with these metadata properties. */
  latestWithMetadata(subject: string, properties: readonly (readonly [string, string])[]): Promise<RegisteredSchema> {
    const query = properties.map(([key, value]) => {
      return `key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`;
    });
    const path = `/subjects/${encodeURIComponent(subject)}/metadata?${query.join("&")}`;
    return this.#newest(`${subject} ${query.join("&")}`, path, subject);
  }

  /** The texts of all schemas that `schema` refers to, each after those that it needs itself. */
  async referenceTexts(schema: SchemaText): Promise<{ readonly name: string; readonly schema: string }[]> {
    const found = new Map<string, { readonly name: string; readonly schema: string }>();
    const visit = async (references: readonly SchemaReference[]): Promise<void> => {
      for (const { name, subject, version } of references) {
        if (found.has(name)) continue;
        const referred = await this.byVersion(subject, version);
        await visit(referred.references);
        found.set(name, { name, schema: referred.schema });
      }
    };
    await visit(schema.references);
    return [...found.values()];
  }

  async #newest(key: string, path: string, subject: string): Promise<RegisteredSchema> {
    const nowMs = this.parts.clock.monotonicMs();
    const kept = this.#latest.get(key);
    if (kept && kept.untilMs > nowMs) return kept.schema;
    const schema = await this.#ask(`newest ${key}`, { path, what: `the latest version of subject ${subject}` });
    this.#latest.set(key, { schema, untilMs: nowMs + this.settings.latestTtlMs });
    return schema;
  }

  async #schema(
    cache: LruCache<string, RegisteredSchema>,
    key: string,
    question: Question,
    given?: SchemaText,
  ): Promise<RegisteredSchema> {
    const kept = cache.get(key);
    if (kept) return kept;
    const schema = await this.#ask(key, question, given);
    cache.set(key, schema);
    return schema;
  }

  #ask(key: string, question: Question, given?: SchemaText): Promise<RegisteredSchema> {
    const running = this.#running.get(key);
    if (running) return running;
    const { path, what, body, id } = question;
    const asked = this.#transport
      .send({ method: body === undefined ? "GET" : "POST", path, what, body })
      .then((json) => schemaOf(json, given, id, what))
      .finally(() => this.#running.delete(key));
    this.#running.set(key, asked);
    return asked;
  }
}

interface Question {
  readonly path: string;
  readonly what: string;
  /** Absent: GET. */
  readonly body?: unknown;
  /** The id that was asked for. */
  readonly id?: number;
}

function keyOf(subject: string, { schema, references }: SchemaText): string {
  return `${subject} ${JSON.stringify(references)} ${schema}`;
}

/** The body of a request. Registries before 5.5 know Avro only, and no type. */
function requestOf({ schemaType, schema, references }: SchemaText) {
  return {
    schema,
    ...(schemaType !== "AVRO" && { schemaType }),
    ...(references.length > 0 && { references }),
  };
}

/** What a registry answers, of which older ones leave out parts. */
interface Answer {
  readonly id?: number;
  readonly guid?: string;
  readonly version?: number;
  readonly schema?: string;
  readonly schemaType?: RegistrySchemaType;
  readonly references?: readonly SchemaReference[];
}

function schemaOf(
  json: unknown,
  given: SchemaText | undefined,
  id: number | undefined,
  what: string,
): RegisteredSchema {
  const answer = (json ?? {}) as Answer;
  const schema = answer.schema ?? given?.schema;
  // It would be kept.
  if (typeof schema !== "string") {
    throw new RetriableError(
      "REGISTRY_UNREACHABLE",
      `schema.registry.url did not answer with a schema for ${what}: is this a schema registry?`,
    );
  }
  return {
    id: answer.id ?? id,
    guid: answer.guid,
    version: answer.version,
    schemaType: answer.schemaType ?? given?.schemaType ?? "AVRO",
    schema,
    references: answer.references ?? given?.references ?? [],
  };
}
