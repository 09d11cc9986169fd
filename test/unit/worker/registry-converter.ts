import {
  type ConfigDef,
  type ConnectValue,
  type Converter,
  DataError,
  NotPreparedError,
  type RecordHeader,
  type RecordHeaders,
  Schema,
  type SchemaAndValue,
} from "../../../src/api/index.js";
import { deferred } from "../../../src/base/deferred.js";

const MAGIC = 0;

/** Schemas by id, like a schema registry. The test decides when each request is answered. */
export class FakeRegistry {
  readonly requests: string[] = [];
  /** Thrown by the next requests, one each. */
  readonly failures: Error[] = [];
  /** Requests wait for it. */
  gate: Promise<void> | undefined;
  readonly #schemas: Schema[] = [];
  #asked = deferred();

  /** Resolves at the next request. */
  asked(): Promise<void> {
    return this.#asked.promise;
  }

  async idOf(schema: Schema): Promise<number> {
    await this.#request(`register ${schema.name}`);
    const known = this.#schemas.indexOf(schema);
    return known >= 0 ? known : this.#schemas.push(schema) - 1;
  }

  async schemaOf(id: number): Promise<Schema> {
    await this.#request(`get ${id}`);
    const schema = this.#schemas[id];
    if (!schema) throw new DataError("PLUGIN_SCHEMA_UNKNOWN", `The registry has no schema ${id}`);
    return schema;
  }

  async #request(what: string): Promise<void> {
    this.requests.push(what);
    const asked = this.#asked;
    this.#asked = deferred();
    asked.resolve();
    const failure = this.failures.shift();
    await this.gate;
    if (failure) throw failure;
  }
}

/** A converter like a schema registry's: a magic byte, the schema's id in 4 bytes, then the value. */
export class RegistryConverter implements Converter {
  readonly config: ConfigDef = {};
  /** Header values that reading has seen. */
  readonly headersSeen: string[] = [];
  readonly #ids = new Map<Schema, number>();
  readonly #schemas = new Map<number, Schema>();
  readonly #memory = Buffer.alloc(256);
  #used = 0;

  constructor(
    private readonly registry: FakeRegistry,
    private readonly addsHeader = false,
  ) {}

  configure(): void {}

  fromConnectData(_topic: string, headers: RecordHeaders, schema: Schema | null, value: ConnectValue): Buffer | null {
    if (schema === null) return null;
    const id = this.#ids.get(schema);
    if (id === undefined) throw new NotPreparedError(`the id of schema ${schema.name}`);
    if (this.addsHeader) headers.add({ key: "schema-id", value: Buffer.from(String(id)) });
    const start = this.#used;
    this.#memory.writeUInt8(MAGIC, start);
    this.#memory.writeInt32BE(id, start + 1);
    this.#used = start + 5 + this.#memory.write(String(value), start + 5);
    return this.#memory.subarray(start, this.#used);
  }

  release(): void {
    this.#used = 0;
  }

  toConnectData(_topic: string, headers: readonly RecordHeader[], bytes: Buffer | null): SchemaAndValue {
    if (bytes === null) return { schema: null, value: null };
    for (const { key, value } of headers) this.headersSeen.push(`${key}=${value}`);
    const schema = this.#schemas.get(idIn(bytes));
    if (!schema) throw new NotPreparedError(`schema id ${idIn(bytes)}`);
    return { schema, value: bytes.toString("utf8", 5) };
  }

  async prepare(_topic: string, subject: Schema | Buffer | null): Promise<void> {
    if (subject instanceof Schema) this.#ids.set(subject, await this.registry.idOf(subject));
    else if (subject) this.#schemas.set(idIn(subject), await this.registry.schemaOf(idIn(subject)));
  }
}

function idIn(bytes: Buffer): number {
  if (bytes.length < 5 || bytes[0] !== MAGIC) throw new DataError("RECORD_MALFORMED", "No magic byte");
  return bytes.readInt32BE(1);
}
