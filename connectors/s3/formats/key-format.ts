import { DataError, type SinkRecord } from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import type { ExistingRows } from "./row-digest.js";

/** The keys of records (store.kafka.keys), in another format, as if they were values. */
export class KeyFormat implements Format {
  readonly extension: string;

  constructor(private readonly format: Format) {
    this.extension = format.extension;
  }

  /** @throws DataError if the record has no key. */
  open(first: SinkRecord): ObjectFormat {
    return new KeyObjectFormat(this.format.open(keyOf(first)));
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return this.format.digest(object, beginning);
  }
}

class KeyObjectFormat implements ObjectFormat {
  readonly terminator: Buffer;

  constructor(private readonly format: ObjectFormat) {
    this.terminator = format.terminator;
  }

  row(record: SinkRecord, isFirst: boolean): Buffer {
    return this.format.row(keyOf(record), isFirst);
  }

  packer(): Packer | undefined {
    return this.format.packer();
  }
}

function keyOf(record: SinkRecord): SinkRecord {
  if (record.key !== null) return record.with({ valueSchema: record.keySchema, value: record.key });
  throw new DataError("S3_RECORD_REFUSED", "Key cannot be null for SinkRecord: store.kafka.keys stores the keys.");
}
