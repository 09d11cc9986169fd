import {
  type ConnectValue,
  type Converter,
  DataError,
  decimalScale,
  decodeUnscaled,
  type Field,
  javaDecimal,
  LOGICAL,
  RecordHeaders,
  type Schema,
  type SinkRecord,
  Struct,
} from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import { digestRows, GzipPacker } from "./gzip.js";
import type { ExistingRows } from "./row-digest.js";

export interface CsvSettings {
  /** One character between cells. */
  readonly delimiter: string;
  /** Whether the first line holds the names of the fields. */
  readonly hasHeader: boolean;
  /** The cell of a null; a text that equals it is quoted. */
  readonly nullText: string;
  /** zlib's; undefined: no compression. */
  readonly gzipLevel: number | undefined;
}

const NO_HEADERS = new RecordHeaders();
const DAY_MS = 86_400_000;

/**
 * Lines of cells (RFC 4180 with line feeds), a cell for each field of the value, which must be a struct. Nested values
 * are JSON texts, bytes base64, times ISO 8601, decimals exact.
 */
export class CsvFormat implements Format {
  readonly extension: string;

  /** @param json a JsonConverter without schemas and with numeric decimals. */
  constructor(
    private readonly settings: CsvSettings,
    private readonly json: Converter,
  ) {
    this.extension = settings.gzipLevel === undefined ? ".csv" : ".csv.gz";
  }

  /** @throws DataError for a value that is no struct. */
  open({ valueSchema }: SinkRecord): ObjectFormat {
    if (valueSchema?.type !== "struct") throw noStruct();
    return new CsvObjectFormat(this.settings, this.json, valueSchema);
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return digestRows(object, beginning, this.settings.gzipLevel !== undefined);
  }
}

class CsvObjectFormat implements ObjectFormat {
  readonly terminator = Buffer.from("\n");
  readonly #special: RegExp;

  constructor(
    private readonly settings: CsvSettings,
    private readonly json: Converter,
    private readonly schema: Schema,
  ) {
    const { delimiter } = settings;
    this.#special = new RegExp(
      `["\\r\\n${delimiter === "^" || delimiter === "\\" || delimiter === "]" ? "\\" : ""}${delimiter}]`,
    );
  }

  row({ value }: SinkRecord, isFirst: boolean): Buffer {
    if (!(value instanceof Struct)) throw noStruct();
    const { delimiter, hasHeader } = this.settings;
    let text = "";
    if (isFirst && hasHeader) text = `${this.schema.fields.map(({ name }) => this.#quoted(name)).join(delimiter)}\n`;
    for (const [at, field] of this.schema.fields.entries()) {
      if (at > 0) text += delimiter;
      text += this.#cell(field, value.at(field.index));
    }
    return Buffer.from(text);
  }

  packer(): Packer | undefined {
    const { gzipLevel } = this.settings;
    return gzipLevel === undefined ? undefined : new GzipPacker(gzipLevel);
  }

  #cell({ schema }: Field, given: ConnectValue): string {
    const value = given === null && schema.hasDefault ? (schema.defaultValue as ConnectValue) : given;
    if (value === null) return this.settings.nullText;
    return this.#quoted(this.#textOf(schema, value));
  }

  #textOf(schema: Schema, value: Exclude<ConnectValue, null>): string {
    if (typeof value === "string") return value;
    switch (schema.name) {
      case LOGICAL.decimal:
        return javaDecimal(decodeUnscaled(value as Buffer), decimalScale(schema));
      case LOGICAL.date:
        return isoTime(schema, Number(value) * DAY_MS).slice(0, -14);
      case LOGICAL.time:
        return isoTime(schema, Number(value)).slice(-13, -1);
      case LOGICAL.timestamp:
        return isoTime(schema, Number(value));
    }
    if (Buffer.isBuffer(value)) return value.toString("base64");
    if (typeof value === "boolean" || typeof value === "bigint") return String(value);
    if (Object.is(value, -0)) return "-0";
    if (typeof value === "number" && schema.type !== "float32") return String(value);
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return this.#jsonOf(schema, value);
  }

  #jsonOf(schema: Schema, value: ConnectValue): string {
    const bytes = this.json.fromConnectData("", NO_HEADERS, schema, value);
    const text = bytes?.toString() ?? "null";
    this.json.release?.();
    return text;
  }

  #quoted(text: string): string {
    if (text !== this.settings.nullText && !this.#special.test(text)) return text;
    return `"${text.replaceAll('"', '""')}"`;
  }
}

function isoTime(schema: Schema, ms: number): string {
  if (!(Math.abs(ms) <= 8.64e15))
    throw new DataError("S3_RECORD_REFUSED", `CsvFormat: a ${schema.name} is beyond the years that can be printed.`);
  return new Date(ms).toISOString();
}

function noStruct(): DataError {
  return new DataError(
    "S3_RECORD_REFUSED",
    "CsvFormat (format.class) writes values of type struct, whose fields are its columns; use a value.converter that keeps schemas, such as org.apache.kafka.connect.json.JsonConverter with value.converter.schemas.enable=true.",
  );
}
