import { ArrayStruct, DataError, type Schema, type SinkRecord, structOf } from "../../../src/api/index.js";
import type { Format, ObjectFormat, Packer } from "./format.js";
import type { ExistingRows } from "./row-digest.js";

/** The keys of records (store.kafka.keys), in another format, as if they were values. */
export class KeyFormat implements Format {
  readonly extension: string;

  /** By the schema of the keys: formats keep what they make of a schema. */
  readonly #envelopes = new WeakMap<Schema, Schema>();

  /** @param isEnveloped a struct with the field `key`, where the format takes no others. */
  constructor(
    private readonly format: Format,
    private readonly isEnveloped: boolean,
  ) {
    this.extension = format.extension;
  }

  /** @throws DataError if the record has no key. */
  open(first: SinkRecord): ObjectFormat {
    return new KeyObjectFormat(this.format.open(this.#keyOf(first)), (record) => this.#keyOf(record));
  }

  digest(object: AsyncIterable<Buffer>, beginning: number): Promise<ExistingRows> {
    return this.format.digest(object, beginning);
  }

  #keyOf(record: SinkRecord): SinkRecord {
    const { key, keySchema } = record;
    if (key === null)
      throw new DataError(
        "S3_RECORD_REFUSED",
        "Key cannot be null for SinkRecord: store.kafka.keys stores the keys. Set store.kafka.keys=false, or give topics without keys a connector of their own.",
      );
    if (!this.isEnveloped || keySchema === null) return record.with({ valueSchema: keySchema, value: key });
    let envelope = this.#envelopes.get(keySchema);
    if (!envelope) {
      envelope = structOf([["key", keySchema]], { name: "RecordKey" });
      this.#envelopes.set(keySchema, envelope);
    }
    return record.with({ valueSchema: envelope, value: new ArrayStruct(envelope, [key]) });
  }
}

class KeyObjectFormat implements ObjectFormat {
  readonly terminator: Buffer;

  constructor(
    private readonly format: ObjectFormat,
    private readonly keyOf: (record: SinkRecord) => SinkRecord,
  ) {
    this.terminator = format.terminator;
  }

  row(record: SinkRecord, isFirst: boolean): Buffer {
    return this.format.row(this.keyOf(record), isFirst);
  }

  packer(): Packer | undefined {
    return this.format.packer();
  }
}
