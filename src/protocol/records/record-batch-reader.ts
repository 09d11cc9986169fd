import { ByteReader } from "../byte-reader.js";
import { decompress } from "../compression/compression.js";
import { MalformedError } from "../malformed-error.js";
import { BATCH_HEADER_BYTES, type BatchHeader, codecOf, isLogAppendTime, readBatchHeader } from "./record-batch.js";
import type { Header } from "./record-batch-writer.js";

const NO_HEADERS: readonly Header[] = Object.freeze([]);
/** The fewest bytes of a record: length, attributes, two deltas, two lengths, header count. */
const MIN_RECORD_BYTES = 7;

/** A record of a batch. Key, value and header values are slices of the (decompressed) batch. */
export interface DecodedRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1: none. */
  readonly timestampMs: number;
  /** Who set the timestamp: the producer (CreateTime) or the broker (LogAppendTime). */
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

/**
 * Steps through the records of one batch without allocating an object for each: call `next()`, then read the current
 * record's fields. For compaction, which reads keys only, and for validation; other readers use `readRecords`.
 */
export class RecordCursor {
  readonly header: BatchHeader;
  /** The decompressed records. */
  readonly records: Buffer;
  readonly #reader: ByteReader;
  readonly #logAppendTime: boolean;
  #left: number;
  #start = 0;
  #bodyEnd = 0;
  #offset = 0;
  #timestampMs = 0;
  #key: Buffer | null = null;

  /**
   * @param batch the bytes of one whole batch; the CRC is not checked.
   * @throws MalformedError for damaged bytes; KafkaError UNSUPPORTED_COMPRESSION_TYPE.
   */
  constructor(batch: Buffer) {
    this.header = readBatchHeader(batch);
    if (this.header.sizeBytes > batch.length)
      throw new MalformedError(`A record batch is cut off at byte ${batch.length}`);
    this.records = decompress(codecOf(this.header), batch.subarray(BATCH_HEADER_BYTES, this.header.sizeBytes));
    this.#reader = new ByteReader(this.records);
    this.#left = this.#reader.count(this.header.recordCount, MIN_RECORD_BYTES);
    this.#logAppendTime = isLogAppendTime(this.header);
  }

  /** Goes to the next record; false after the last. @throws MalformedError */
  next(): boolean {
    const reader = this.#reader;
    // Skips the unread rest of the record before.
    reader.position = this.#bodyEnd;
    if (this.#left === 0) {
      if (reader.remaining > 0)
        throw new MalformedError(`A record batch has ${reader.remaining} bytes after its last record`);
      return false;
    }
    this.#left--;
    this.#start = reader.position;
    const length = reader.varint();
    if (length < 0 || length > reader.remaining)
      throw new MalformedError(`A record of ${length} bytes does not fit its batch`);
    this.#bodyEnd = reader.position + length;
    reader.i8();
    const timestampDelta = reader.varlong();
    const { baseTimestampMs, maxTimestampMs, baseOffset } = this.header;
    this.#timestampMs = this.#logAppendTime ? maxTimestampMs : baseTimestampMs + timestampDelta;
    this.#offset = baseOffset + reader.varint();
    this.#key = this.#nullableBytes();
    return true;
  }

  get offset(): number {
    return this.#offset;
  }

  get timestampMs(): number {
    return this.#timestampMs;
  }

  get key(): Buffer | null {
    return this.#key;
  }

  /** The bytes of the current record, including its length field. */
  get raw(): Buffer {
    return this.records.subarray(this.#start, this.#bodyEnd);
  }

  /** Reads the rest of the current record; call it once per record. @throws MalformedError */
  record(): DecodedRecord {
    const value = this.#nullableBytes();
    const headers = this.#headers();
    if (this.#reader.position !== this.#bodyEnd)
      throw new MalformedError("A record's length does not match its contents");
    const timestampType = this.#logAppendTime ? "LogAppendTime" : "CreateTime";
    return { offset: this.#offset, timestampMs: this.#timestampMs, timestampType, key: this.#key, value, headers };
  }

  /** Whether the current record is a tombstone. Call it instead of `record()`. */
  isTombstone(): boolean {
    return this.#reader.varint() < 0;
  }

  #headers(): readonly Header[] {
    const count = this.#reader.varint();
    if (count === 0) return NO_HEADERS;
    this.#reader.count(count, 2);
    const headers: Header[] = [];
    for (let index = 0; index < count; index++) {
      const keyBytes = this.#reader.varint();
      if (keyBytes < 0) throw new MalformedError("A record header has no key");
      headers.push({ key: this.#reader.utf8(keyBytes), value: this.#nullableBytes() });
    }
    return headers;
  }

  #nullableBytes(): Buffer | null {
    const length = this.#reader.varint();
    return length < 0 ? null : this.#reader.slice(length);
  }
}

/** All records of one batch, in order. @throws MalformedError; KafkaError UNSUPPORTED_COMPRESSION_TYPE. */
export function readRecords(batch: Buffer): DecodedRecord[] {
  const cursor = new RecordCursor(batch);
  const records: DecodedRecord[] = [];
  while (cursor.next()) records.push(cursor.record());
  return records;
}
