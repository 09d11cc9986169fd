import {
  ArrayStruct,
  arrayOf,
  type ConnectValue,
  type Converter,
  DataError,
  type Header,
  OPTIONAL_STRING,
  RecordHeaders,
  type Schema,
  type SinkRecord,
  STRING,
  structOf,
} from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import type { ExistingRows } from "./row-digest.js";

/** The original's value is required, and a header without one kills its task. */
const HEADER = structOf([
  ["key", STRING],
  ["value", OPTIONAL_STRING],
]);
const HEADERS = arrayOf(HEADER);
const ENVELOPE = structOf([["headers", HEADERS]], { name: "RecordHeaders" });
const NO_HEADERS = new RecordHeaders();

/** The texts of header values, by the built-in converters. */
export interface HeaderTexts {
  /** StringConverter: primitives. */
  readonly plain: Converter;
  /** JsonConverter without schemas: arrays, maps and structs. */
  readonly json: Converter;
}

/** The headers of records (store.kafka.headers) as texts, in another format, as if they were values. */
export class HeaderFormat implements Format {
  readonly extension: string;

  /** @param isEnveloped a struct with the field `headers`, where the format takes no bare array, or writes none. */
  constructor(
    private readonly format: Format,
    private readonly isEnveloped: boolean,
    private readonly texts: HeaderTexts,
  ) {
    this.extension = format.extension;
  }

  /** @throws DataError if the record has no headers. */
  open(first: SinkRecord): ObjectFormat {
    return new HeaderObjectFormat(this.format.open(this.#headersOf(first)), (record) => this.#headersOf(record));
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return this.format.digest(object, beginning);
  }

  #headersOf(record: SinkRecord): SinkRecord {
    const { headers } = record;
    if (headers.length === 0)
      throw new DataError(
        "S3_RECORD_REFUSED",
        "Headers cannot be null for SinkRecord: store.kafka.headers stores the headers.",
      );
    const rows = headers.map((header) => new ArrayStruct(HEADER, [header.key, this.#textOf(header)]));
    return this.isEnveloped
      ? record.with({ valueSchema: ENVELOPE, value: new ArrayStruct(ENVELOPE, [rows]) })
      : record.with({ valueSchema: HEADERS, value: rows });
  }

  #textOf({ schema, value }: Header): string | null {
    if (value === null) return null;
    if (typeof value === "string") return value;
    if (Buffer.isBuffer(value) && schema?.name === undefined) return value.toString("base64");
    return textBy(isContainer(value) ? this.texts.json : this.texts.plain, schema, value);
  }
}

class HeaderObjectFormat implements ObjectFormat {
  readonly terminator: Buffer;

  constructor(
    private readonly format: ObjectFormat,
    private readonly headersOf: (record: SinkRecord) => SinkRecord,
  ) {
    this.terminator = format.terminator;
  }

  row(record: SinkRecord, isFirst: boolean): Buffer {
    return this.format.row(this.headersOf(record), isFirst);
  }

  packer(): Packer | undefined {
    return this.format.packer();
  }
}

function isContainer(value: ConnectValue): boolean {
  return typeof value === "object" && !Buffer.isBuffer(value);
}

function textBy(converter: Converter, schema: Schema | null, value: ConnectValue): string | null {
  const text = converter.fromConnectData("", NO_HEADERS, schema, value)?.toString() ?? null;
  converter.release?.();
  return text;
}
