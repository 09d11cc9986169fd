import { DataError, type SinkRecord } from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import { digestRows, GzipPacker } from "./gzip.js";
import type { ExistingRows } from "./row-digest.js";

/** The value's bytes as they are, each followed by the separator. */
export class ByteArrayFormat implements Format, ObjectFormat {
  readonly extension: string;
  readonly terminator: Buffer;

  /** @param gzipLevel zlib's; undefined: no compression. */
  constructor(
    extension: string,
    separator: string,
    private readonly gzipLevel: number | undefined,
  ) {
    this.extension = extension + (gzipLevel === undefined ? "" : ".gz");
    this.terminator = Buffer.from(separator);
  }

  open(): ObjectFormat {
    return this;
  }

  row(record: SinkRecord): Buffer {
    if (Buffer.isBuffer(record.value)) return record.value;
    throw new DataError(
      "S3_RECORD_REFUSED",
      `ByteArrayFormat (format.class) writes values of type bytes; use org.apache.kafka.connect.converters.ByteArrayConverter as value.converter.`,
    );
  }

  packer(): Packer | undefined {
    return this.gzipLevel === undefined ? undefined : new GzipPacker(this.gzipLevel);
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return digestRows(object, beginning, this.gzipLevel !== undefined);
  }
}
