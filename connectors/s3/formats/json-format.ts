import {
  type ConnectValue,
  type Converter,
  DataError,
  INT64,
  LOGICAL,
  mapOf,
  RecordHeaders,
  type Schema,
  type SinkRecord,
  STRING,
  withAttributes,
} from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import { digestRows, GzipPacker } from "./gzip.js";
import { inJavaOrder } from "./java-map-order.js";
import type { ExistingRows } from "./row-digest.js";

const JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter";
/** An object has no place for headers in the rows. */
const NO_HEADERS = new RecordHeaders();
const DAY_MS = 86_400_000;

/** A JSON text per line: Connect's JsonConverter without schemas. */
export class JsonFormat implements Format, ObjectFormat {
  readonly extension: string;
  readonly terminator = Buffer.from("\n");
  readonly #converter: Converter;
  readonly #numeric: Converter;
  readonly #textKeyed = new WeakMap<Schema, Schema>();

  /**
   * @param converter returns a built-in converter, as a task's context does.
   * @param decimalFormat BASE64 or NUMERIC.
   * @param gzipLevel zlib's; undefined: no compression.
   */
  constructor(
    converter: (className: string, props: Readonly<Record<string, string>>, isKey: boolean) => Converter,
    decimalFormat: string,
    private readonly gzipLevel: number | undefined,
  ) {
    this.extension = gzipLevel === undefined ? ".json" : ".json.gz";
    const props = { "schemas.enable": "false", "decimal.format": decimalFormat };
    this.#converter = converter(JSON_CONVERTER, props, false);
    this.#numeric = converter(JSON_CONVERTER, { ...props, "decimal.format": "NUMERIC" }, false);
  }

  open(): ObjectFormat {
    return this;
  }

  row(record: SinkRecord): Buffer {
    this.#converter.release?.();
    this.#numeric.release?.();
    const { topic, valueSchema: schema } = record;
    const value = inJavaOrder(schema, record.value);
    const bytes =
      schema === null || schema.type === "struct"
        ? this.#converter.fromConnectData(topic, NO_HEADERS, schema, value)
        : this.#encodeBare(topic, schema, value);
    if (bytes === null) throw new DataError("S3_RECORD_REFUSED", "A value that is null cannot be a row.");
    return bytes;
  }

  packer(): Packer | undefined {
    return this.gzipLevel === undefined ? undefined : new GzipPacker(this.gzipLevel);
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return digestRows(object, beginning, this.gzipLevel !== undefined);
  }

  /** The original writes values that are not structs by Jackson, which differs from the converter in these cases. */
  #encodeBare(topic: string, schema: Schema, value: ConnectValue): Buffer | null {
    if (schema.type === "map" && schema.keySchema?.type !== "string" && value instanceof Map) {
      let textKeyed = this.#textKeyed.get(schema);
      if (!textKeyed) {
        textKeyed = mapOf(STRING, schema.valueSchema!);
        this.#textKeyed.set(schema, textKeyed);
      }
      const entries = [...(value as ReadonlyMap<ConnectValue, ConnectValue>)];
      return this.#converter.fromConnectData(
        topic,
        NO_HEADERS,
        textKeyed,
        new Map(entries.map(([key, item]) => [String(key), item])),
      );
    }
    if (schema.name === LOGICAL.decimal)
      return this.#numeric.fromConnectData(topic, NO_HEADERS, withAttributes(schema, { optional: false }), value);
    if (schema.name === LOGICAL.date)
      return this.#converter.fromConnectData(topic, NO_HEADERS, INT64, Number(value) * DAY_MS);
    return this.#converter.fromConnectData(topic, NO_HEADERS, schema, value);
  }
}
