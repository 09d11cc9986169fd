import { type AvroDataSettings, type AvroRecord, DataError, type SinkRecord } from "../../../../src/api/index.js";
import { AvroRows } from "../avro/avro-rows.js";
import type { Format, ObjectFormat, Packer } from "../format.js";
import type { ExistingRows } from "../row-digest.js";
import { parquetCodec } from "./parquet-codec.js";
import { digestParquetFile } from "./parquet-facts.js";
import { type ParquetFiles, ParquetPacker } from "./parquet-packer.js";
import { type ParquetSchema, parquetSchema } from "./parquet-schema.js";

/**
 * Parquet files. Until a row group is full, its records wait as rows in Avro's binary encoding, so that open files can
 * move to disk, and only one row group of a task is in memory as columns.
 */
export class ParquetFormat implements Format {
  readonly extension: string;
  readonly #rows: AvroRows;
  readonly #files: ParquetFiles;
  readonly #schemas = new WeakMap<object, ParquetSchema>();

  /**
   * @param codec parquet.codec.
   * @param groupBytes bytes of rows that make a row group.
   * @throws UnsupportedError when an optional package is missing.
   */
  constructor(settings: AvroDataSettings, codec: string, groupBytes: number) {
    this.#rows = new AvroRows(settings);
    let last: Promise<unknown> = Promise.resolve();
    this.#files = {
      codec: parquetCodec(codec),
      groupBytes,
      inTurn: (work) => {
        const turn = last.then(work);
        last = turn.catch(() => undefined); // its caller gets the error; the next in turn must not
        return turn;
      },
    };
    this.extension = this.#files.codec.extension;
  }

  /** @throws DataError when Parquet cannot express the schema. */
  open({ valueSchema }: SinkRecord): ObjectFormat {
    if (valueSchema === null) throw noSchema();
    const avro = this.#rows.schemaOf(valueSchema);
    let schema = this.#schemas.get(avro);
    if (!schema) {
      schema = parquetSchema(avro);
      this.#schemas.set(avro, schema);
    }
    return new ParquetObjectFormat(this.#rows, avro as AvroRecord, schema, this.#files);
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return digestParquetFile(object, beginning);
  }
}

class ParquetObjectFormat implements ObjectFormat {
  readonly terminator = Buffer.alloc(0);

  constructor(
    private readonly rows: AvroRows,
    private readonly avro: AvroRecord,
    private readonly schema: ParquetSchema,
    private readonly files: ParquetFiles,
  ) {}

  row({ valueSchema, value }: SinkRecord): Buffer {
    if (valueSchema === null) throw noSchema();
    return this.rows.encode(this.avro, valueSchema, value);
  }

  packer(): Packer {
    return new ParquetPacker(this.avro, this.schema, this.files);
  }
}

function noSchema(): DataError {
  return new DataError(
    "S3_RECORD_REFUSED",
    "ParquetFormat writes values with schemas; use a value.converter that keeps them, such as org.apache.kafka.connect.json.JsonConverter with value.converter.schemas.enable=true.",
  );
}
