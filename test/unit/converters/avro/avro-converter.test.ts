import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  ArrayStruct,
  BYTES,
  type ConnectValue,
  errorKind,
  INT32,
  NotPreparedError,
  OPTIONAL_INT32,
  primitive,
  type RecordHeader,
  RecordHeaders,
  type Schema,
  type SchemaAndValue,
  STRING,
  type Struct,
  structOf,
} from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { AvroConverter } from "../../../../src/converters/avro/avro-converter.js";
import { RegistryHttp } from "../../../support/registry-http.js";
import { REC_TEXT, rec, recValue } from "../../api/avro/avro-schemas.js";

const URL_KEY = { "schema.registry.url": "http://registry:8081" };
const REC_HEX = "02020278027902026b0a0002020e027700040202000002d00f";

/** A converter, with the worker's part: it awaits `prepare` once, and converts again. */
class Converting {
  readonly clock = new SimClock();
  readonly converter: AvroConverter;

  constructor(
    readonly registry: RegistryHttp,
    props: Record<string, string> = {},
    private readonly isKey = false,
  ) {
    this.converter = new AvroConverter({ clock: this.clock, random: new SeededRandom(1), http: () => registry });
    this.converter.configure({ ...URL_KEY, ...props }, isKey);
  }

  async write(schema: Schema | null, value: ConnectValue, topic = "t", headers = new RecordHeaders()) {
    const convert = () => this.converter.fromConnectData(topic, headers, schema, value);
    const bytes = await this.#prepared(convert, () => this.converter.prepare(topic, schema, headers.all));
    const copy = bytes && Buffer.from(bytes);
    this.converter.release();
    return copy;
  }

  read(bytes: Buffer | null, topic = "t", headers: readonly RecordHeader[] = []): Promise<SchemaAndValue> {
    const convert = () => this.converter.toConnectData(topic, headers, bytes);
    return this.#prepared(convert, () => this.converter.prepare(topic, bytes, headers));
  }

  /** The error of `work`, with all waits skipped. */
  async failure(work: Promise<unknown>): Promise<Error & { code?: string }> {
    const settled = work.then(
      () => new Error(`nothing failed in a ${this.isKey ? "key" : "value"}`),
      (error: Error) => error,
    );
    let over = false;
    void settled.then(() => {
      over = true;
    });
    while (!over) {
      await this.clock.settled();
      await this.clock.advance(60_000);
    }
    return settled;
  }

  async #prepared<T>(convert: () => T, prepare: () => Promise<void>): Promise<T> {
    try {
      return convert();
    } catch (error) {
      if (!(error instanceof NotPreparedError)) throw error;
      await prepare();
      return convert();
    }
  }
}

const small = (name = "a.R") => structOf([["id", OPTIONAL_INT32]], { name });
const smallText =
  '{"type":"record","name":"R","namespace":"a","fields":[{"name":"id","type":["null","int"],"default":null}],"connect.name":"a.R"}';
const one = (schema: Schema) => new ArrayStruct(schema, [1]);

describe("writing", () => {
  test("the id of the registered schema stands before the record (V-3, V-8)", async () => {
    const registry = await RegistryHttp.open();
    const bytes = await new Converting(registry).write(rec, recValue);
    expect(bytes!.toString("hex")).toBe(`0000000001${REC_HEX}`);
    expect(registry.requests).toEqual(["POST /subjects/t-value/versions"]);
    expect(JSON.parse(registry.sent[0]!.body!.toString())).toEqual({ schema: REC_TEXT });
  });

  test("one request registers a schema for all of its records, and for equal ones", async () => {
    const registry = await RegistryHttp.open();
    const converting = new Converting(registry, {}, true);
    const schema = small();
    for (let i = 0; i < 1000; i++) await converting.write(schema, one(schema));
    for (let i = 0; i < 10; i++) {
      const equal = small();
      await converting.write(equal, one(equal));
    }
    expect(registry.requests).toEqual(["POST /subjects/t-key/versions"]);
  });

  test("a tombstone needs no registry", async () => {
    const registry = await RegistryHttp.open();
    const converting = new Converting(registry);
    const optional = primitive("string", { optional: true });
    expect([await converting.write(null, null), await converting.write(optional, null)]).toEqual([null, null]);
    expect(registry.requests).toEqual([]);
    const error = await converting.failure(converting.write(STRING, null));
    expect(error.message).toBe("Failed to serialize Avro data from topic t: Found null value for non-optional schema");
  });

  test("bytes alone have no length, in both directions", async () => {
    const converting = new Converting(await RegistryHttp.open());
    const bytes = await converting.write(BYTES, Buffer.from("abc"));
    expect(bytes!.toString("hex")).toBe("0000000001616263");
    expect((await converting.read(bytes)).value).toEqual(Buffer.from("abc"));
  });

  test("values without a schema", async () => {
    const converting = new Converting(await RegistryHttp.open());
    const value = new Map<ConnectValue, ConnectValue>([["a", [1, "x"]]]);
    const bytes = await converting.write(null, value);
    expect(await converting.read(bytes)).toEqual({ schema: null, value });
  });

  test("the GUID of a schema in a header, once", async () => {
    const serializer = "io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer";
    const converting = new Converting(await RegistryHttp.open(), { "value.schema.id.serializer": serializer });
    const headers = new RecordHeaders([{ key: "h", value: null }]);
    const schema = small();
    const bytes = await converting.write(schema, one(schema), "t", headers);
    await converting.write(schema, one(schema), "t", headers);
    expect(bytes!.toString("hex")).toBe("0202");
    const guid = `01${createHash("md5").update(smallText).digest("hex")}`;
    expect(headers.all.map(({ key, value }) => [key, value?.toString("hex")])).toEqual([
      ["h", undefined],
      ["__value_schema_id", guid],
    ]);
    const read = await converting.read(bytes, "t", headers.all);
    expect((read.value as Struct).at(0)).toBe(1);
    // The same before the record, without a header.
    const prefixed = await converting.read(Buffer.concat([Buffer.from(guid, "hex"), bytes!]));
    expect((prefixed.value as Struct).at(0)).toBe(1);
  });

  test.each([
    ["RecordNameStrategy", "a.R"],
    ["TopicRecordNameStrategy", "t-a.R"],
  ])("%s", async (strategy, subject) => {
    const registry = await RegistryHttp.open();
    const name = `io.confluent.kafka.serializers.subject.${strategy}`;
    const converting = new Converting(registry, { "value.subject.name.strategy": name });
    const schema = small();
    await converting.write(schema, one(schema));
    expect(registry.requests).toEqual([`POST /subjects/${subject}/versions`]);
    const error = await converting.failure(converting.write(STRING, "x"));
    expect(error.message).toContain("the message value must only be a record schema");
  });

  test("without auto.register.schemas, a schema must be there", async () => {
    const registry = await RegistryHttp.open();
    const converting = new Converting(registry, { "auto.register.schemas": "false", "normalize.schemas": "true" });
    const schema = small();
    const error = await converting.failure(converting.write(schema, one(schema)));
    expect([errorKind(error), error.code]).toEqual(["data", "REGISTRY_SCHEMA_UNKNOWN"]);
    expect(error.message).toBe(
      "Failed to serialize Avro data from topic t: The schema registry http://registry:8081 refused the look-up of a schema in subject t-value: Subject 't-value' not found. (error 40401, HTTP 404). Register it under subject t-value, or set auto.register.schemas=true or use.latest.version=true",
    );
    await registry.register("t-value", smallText);
    expect((await converting.write(schema, one(schema)))!.toString("hex")).toBe("00000000010202");
    expect(registry.requests).toEqual(Array(2).fill("POST /subjects/t-value?normalize=true"));
  });

  test("use.latest.version writes what is there", async () => {
    const registry = await RegistryHttp.open();
    const latest = smallText.replace('"fields":[', '"fields":[{"name":"added","type":"string","default":"z"},');
    await registry.register("t-value", latest);
    const props = { "auto.register.schemas": "false", "use.latest.version": "true" };
    const schema = small();
    expect((await new Converting(registry, props).write(schema, one(schema)))!.toString("hex")).toBe(
      "0000000001027a0202",
    );
    await registry.register("t-value", '{"type":"record","name":"R","fields":[{"name":"other","type":"int"}]}');
    const converting = new Converting(registry, props);
    expect((await converting.failure(converting.write(schema, one(schema)))).message).toBe(
      "Failed to serialize Avro data from topic t: Incompatible schema of type 'AVRO'. Set latest.compatibility.strict=false to disable this check. The latest is version 2 of subject t-value.",
    );
  });

  test("use.schema.id writes that schema", async () => {
    const registry = await RegistryHttp.open();
    await registry.register("other", '"string"');
    await registry.register("other", smallText);
    const props = { "auto.register.schemas": "false", "use.schema.id": "2" };
    const schema = small();
    expect((await new Converting(registry, props).write(schema, one(schema)))!.toString("hex")).toBe("00000000020202");
    const converting = new Converting(registry, { ...props, "use.schema.id": "1" });
    expect((await converting.failure(converting.write(schema, one(schema)))).message).toContain(
      "Incompatible schema of type 'AVRO'. Set id.compatibility.strict=false to disable this check.",
    );
  });

  test("a refused evolution tells what the registry says, and the way out", async () => {
    const registry = await RegistryHttp.open("BACKWARD");
    await registry.register("t-value", '{"type":"record","name":"R","namespace":"a","fields":[]}');
    const converting = new Converting(registry);
    const schema = structOf([["id", INT32]], { name: "a.R" });
    const error = await converting.failure(converting.write(schema, one(schema)));
    expect([errorKind(error), error.code]).toEqual(["data", "REGISTRY_SCHEMA_REFUSED"]);
    const refused =
      "Failed to serialize Avro data from topic t: The schema registry http://registry:8081 refused the schema of subject t-value: Schema being registered is incompatible with an earlier schema for subject \"t-value\", details: [{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE'";
    const wayOut =
      " (error 40901, HTTP 409). Undo the change of the schema; or, if all readers can do with it, allow it (PUT http://registry:8081/config/t-value with another compatibility) and restart the task";
    expect([error.message.slice(0, refused.length), error.message.slice(-wayOut.length)]).toEqual([refused, wayOut]);
    expect(registry.requests).toHaveLength(1);
  });
});

describe("reading", () => {
  test("what another client wrote, with the version of the registry", async () => {
    const registry = await RegistryHttp.open();
    await registry.register("t-value", '"int"');
    await registry.register("t-value", '"string"');
    const converting = new Converting(registry);
    for (let i = 0; i < 100; i++) {
      const { schema, value } = await converting.read(Buffer.from("00000000020278", "hex"));
      expect([schema!.type, schema!.version, value]).toEqual(["string", 2, "x"]);
    }
    expect(registry.requests).toEqual(["GET /schemas/ids/2", "POST /subjects/t-value?deleted=true"]);
  });

  test("the same Schema object for all records of a schema", async () => {
    const converting = new Converting(await RegistryHttp.open());
    const bytes = await converting.write(rec, recValue);
    const first = await converting.read(bytes);
    expect((await converting.read(bytes)).schema).toBe(first.schema);
    expect(first.schema!.version).toBe(1);
  });

  test("a tombstone", async () => {
    const converting = new Converting(await RegistryHttp.open());
    expect(await converting.read(null)).toEqual({ schema: null, value: null });
  });

  test("references", async () => {
    const registry = await RegistryHttp.open();
    await registry.register("inner", '{"type":"record","name":"a.B","fields":[{"name":"f","type":"int"}]}');
    const outer = '{"type":"record","name":"C","namespace":"a","fields":[{"name":"b","type":"B"}]}';
    await registry.register("t-value", outer, { references: [{ name: "a.B", subject: "inner", version: 1 }] });
    const { value } = await new Converting(registry).read(Buffer.from("000000000202", "hex"));
    expect(((value as Struct).at(0) as Struct).at(0)).toBe(1);
  });

  test("use.latest.version reads as the latest, until another is", async () => {
    const registry = await RegistryHttp.open();
    await registry.register("t-value", smallText);
    await registry.register(
      "t-value",
      smallText.replace('"fields":[', '"fields":[{"name":"added","type":"string","default":"z"},'),
    );
    const converting = new Converting(registry, { "use.latest.version": "true" });
    const bytes = Buffer.from("00000000010202", "hex");
    const fields = async () => (await converting.read(bytes)).schema!.fields.map(({ name }) => name);
    expect(await fields()).toEqual(["added", "id"]);
    await registry.register(
      "t-value",
      smallText.replace('"fields":[', '"fields":[{"name":"more","type":"string","default":"z"},'),
    );
    expect(await fields()).toEqual(["added", "id"]);
    await converting.clock.advance(60_000);
    expect(await fields()).toEqual(["more", "id"]);
  });

  test("latest.cache.ttl.sec=0 asks for each record", async () => {
    const registry = await RegistryHttp.open();
    await registry.register("t-value", smallText);
    const converting = new Converting(registry, { "use.latest.version": "true", "latest.cache.ttl.sec": "0" });
    const bytes = Buffer.from("00000000010202", "hex");
    for (let i = 0; i < 3; i++) expect((await converting.read(bytes)).schema!.name).toBe("a.R");
    const latest = registry.requests.filter((request) => request.endsWith("/versions/latest"));
    expect(latest).toHaveLength(3);
  });

  test.each([
    ["{}", "Unknown magic byte!"],
    ["\u0000\u0000", "Unknown magic byte!"],
  ])("bytes of another format are refused: %j", async (text, message) => {
    const registry = await RegistryHttp.open();
    const converting = new Converting(registry);
    const error = await converting.failure(converting.read(Buffer.from(text)));
    expect([errorKind(error), error.code]).toEqual(["data", "RECORD_MALFORMED"]);
    expect(error.message).toContain(`Failed to deserialize data for topic t to Avro: ${message}`);
    expect(registry.requests).toEqual([]);
  });

  test("an unknown id, and one of another type, are faults of the record", async () => {
    const registry = await RegistryHttp.open();
    registry.answers.set("/schemas/ids/7", { schemaType: "JSON", schema: "{}" });
    const converting = new Converting(registry);
    const unknown = await converting.failure(converting.read(Buffer.from("000000000900", "hex")));
    expect([errorKind(unknown), unknown.code]).toEqual(["data", "REGISTRY_SCHEMA_UNKNOWN"]);
    expect(unknown.message).toContain("refused the schema of id 9: Schema 9 not found (error 40403, HTTP 404)");
    const json = await converting.failure(converting.read(Buffer.from("0000000007", "hex")));
    expect(json.message).toContain("The schema of id 7 is of type JSON, not AVRO");
  });
});

test.each([
  ["value.subject.name.strategy", "x.Mine", "Java classes cannot be loaded"],
  ["context.name.strategy", "x.Mine", "Java classes cannot be loaded"],
  ["value.schema.id.serializer", "x.Mine", "Java classes cannot be loaded"],
  ["use.latest.with.metadata", "a", "KEY=VALUE"],
  ["schema.registry.url", "mock://x", "http:// and https:// are supported"],
])("%s=%s is refused", async (key, value, message) => {
  const registry = await RegistryHttp.open();
  expect(() => new Converting(registry, { [key]: value })).toThrow(message);
});
