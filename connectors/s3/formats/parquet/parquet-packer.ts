import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import {
  AvroCursor,
  AvroReader,
  type AvroRecord,
  avroText,
  type ConnectValue,
  type Struct,
} from "../../../../src/api/index.js";
import type { PackedRows, Packer } from "../format.js";
import type { ParquetCodec } from "./parquet-codec.js";
import { FACTS_KEY, factsText } from "./parquet-facts.js";
import { holdsDecimal, type ParquetSchema } from "./parquet-schema.js";
import { columnValue } from "./parquet-values.js";
import { shortenStatistics } from "./short-statistics.js";

/** What a task's Parquet files share. */
export interface ParquetFiles {
  readonly codec: ParquetCodec;
  /** Bytes of rows that make a row group. */
  readonly groupBytes: number;
  /** One row group at a time is in memory. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
}

/** A writer whose bytes are taken away as they come; the file's offsets go on. */
class ChunkWriter extends ByteWriter {
  take(): Buffer {
    const bytes = Buffer.from(this.buffer, 0, this.index);
    // An open file would keep the memory of its largest row group.
    this.buffer = new ArrayBuffer(1024);
    this.view = new DataView(this.buffer);
    this.index = 0;
    return bytes;
  }
}

/** Turns rows, which are Avro's binary encoding, into a Parquet file, a row group for each block. */
export class ParquetPacker implements Packer {
  readonly hasWholeRows = true;
  readonly #out = new ChunkWriter();
  readonly #file: ParquetWriter;
  readonly #reader: AvroReader;

  constructor(
    private readonly avro: AvroRecord,
    private readonly schema: ParquetSchema,
    private readonly files: ParquetFiles,
  ) {
    const { name, compress } = files.codec;
    this.#reader = new AvroReader(avro);
    this.#file = new ParquetWriter({
      writer: this.#out,
      schema: schema.columns,
      codec: name,
      ...(compress && { compressors: { [name]: (page: Uint8Array) => compress(bufferOf(page)) } }),
      createdBy: "millrace",
    });
  }

  get blockBytes(): number {
    return this.files.groupBytes;
  }

  begin(): Buffer {
    // The writer has begun the file when it was made, before the first row group.
    return Buffer.alloc(0);
  }

  block(read: () => Promise<Buffer>, count: number): Promise<Buffer> {
    return this.files.inTurn(async () => {
      const rows = await read();
      const columnData = this.#columnsOf(new AvroCursor(rows), count);
      this.#file.write({ columnData, rowGroupSize: count });
      const leaves = this.schema.columns.filter(({ num_children = 0 }) => num_children === 0);
      shortenStatistics(this.#file.row_groups.at(-1)!, leaves);
      return this.#out.take();
    });
  }

  end(rows: PackedRows): Buffer {
    const file = this.#file;
    file.schema = this.schema.file;
    file.kvMetadata = [
      { key: "parquet.avro.schema", value: avroText(this.avro) },
      { key: "writer.model.name", value: "avro" },
      { key: FACTS_KEY, value: factsText(rows) },
    ];
    file.finish();
    return this.#out.take();
  }

  #columnsOf(cursor: AvroCursor, count: number) {
    const columns = this.avro.fields.map(({ name, schema }) => ({
      name,
      convert: columnValue(schema),
      // Of the bytes of a decimal, whose order is not that of its numbers.
      statistics: !holdsDecimal(schema),
      data: new Array<unknown>(count),
    }));
    for (let row = 0; row < count; row++) {
      const struct = this.#reader.readNext(cursor) as Struct;
      for (let at = 0; at < columns.length; at++) {
        const { convert, data } = columns[at]!;
        data[row] = convert(struct.at(at) as ConnectValue);
      }
    }
    return columns.map(({ name, statistics, data }) => ({ name, statistics, data }));
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
