import { DataError, type SinkRecord } from "../../../src/api/index.js";
import type { Format } from "./format.js";

/** The value's bytes as they are, each followed by the separator. */
export class ByteArrayFormat implements Format {
  readonly terminator: Buffer;

  constructor(
    readonly extension: string,
    separator: string,
  ) {
    this.terminator = Buffer.from(separator);
  }

  encode(record: SinkRecord): Buffer {
    if (Buffer.isBuffer(record.value)) return record.value;
    throw new DataError(
      "S3_RECORD_REFUSED",
      `ByteArrayFormat (format.class) writes values of type bytes; use org.apache.kafka.connect.converters.ByteArrayConverter as value.converter.`,
    );
  }
}
