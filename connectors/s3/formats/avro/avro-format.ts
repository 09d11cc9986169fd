import { type AvroDataSettings, type AvroSchema, avroText, type SinkRecord } from "../../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "../format.js";
import type { ExistingRows } from "../row-digest.js";
import { type AvroCodec, avroCodec } from "./avro-codec.js";
import { AvroPacker, digestAvroFile } from "./avro-file.js";
import { AvroRows } from "./avro-rows.js";

/** Avro object container files, in the schemas that Confluent's AvroData makes of Connect's. */
export class AvroFormat implements Format {
  /** The same for every codec. */
  readonly extension = ".avro";
  readonly #rows: AvroRows;
  readonly #codec: AvroCodec;

  /** @param codec avro.codec. @throws UnsupportedError when an optional package is missing. */
  constructor(settings: AvroDataSettings, codec: string) {
    this.#rows = new AvroRows(settings);
    this.#codec = avroCodec(codec);
  }

  /** @throws DataError when Avro cannot express the schema. */
  open({ valueSchema }: SinkRecord): ObjectFormat {
    return new AvroObjectFormat(this.#rows, this.#rows.schemaOf(valueSchema), this.#codec);
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return digestAvroFile(object, beginning);
  }
}

class AvroObjectFormat implements ObjectFormat {
  readonly terminator = Buffer.alloc(0);

  constructor(
    private readonly rows: AvroRows,
    private readonly schema: AvroSchema,
    private readonly codec: AvroCodec,
  ) {}

  row({ valueSchema, value }: SinkRecord): Buffer {
    return this.rows.encode(this.schema, valueSchema, value);
  }

  packer(): Packer {
    return new AvroPacker(avroText(this.schema), this.codec);
  }
}
