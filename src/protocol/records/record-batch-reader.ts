import { ByteReader } from "../byte-reader.js";
import { decompress } from "../compression/compression.js";
import { MalformedError } from "../malformed-error.js";
import { BATCH_HEADER_BYTES, type BatchHeader, codecOf, isLogAppendTime, readBatchHeader } from "./record-batch.js";
import type { Header } from "./record-batch-writer.js";

const NO_HEADERS: readonly Header[] = Object.freeze([]);
/** Fewest bytes a record takes: length, attributes, two deltas, two lengths, header count. */
const MIN_RECORD_BYTES = 7;

/** A record of a batch. Key, value and header values are slices of the (decompressed) batch. */
export interface DecodedRecord {
  readonly offset: number;
  /** Milliseconds since 1970; -1: none. */
  readonly timestampMs: number;
  /** Whether the producer or the broker set it. */
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}

/**
 * Steps through the records of one batch without making an object for each: `next()`, then the fields of the record at
 * hand. For readers that look at keys only (compaction) or check only (validation); `readRecords` for all others.
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
   * @param batch the bytes of one whole batch; its CRC is not checked here.
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
    // Over what was not read of the record before.
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

  /** The bytes of the record at hand, its length field included. */
  get raw(): Buffer {
    return this.records.subarray(this.#start, this.#bodyEnd);
  }

  /** Reads the rest of the record at hand; once per record. @throws MalformedError */
  record(): DecodedRecord {
    const value = this.#nullableBytes();
    const headers = this.#headers();
    if (this.#reader.position !== this.#bodyEnd)
      throw new MalformedError("A record's length does not fit what it holds");
    const timestampType = this.#logAppendTime ? "LogAppendTime" : "CreateTime";
    return { offset: this.#offset, timestampMs: this.#timestampMs, timestampType, key: this.#key, value, headers };
  }

  /** Whether the record at hand is a tombstone; instead of `record()`. */
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
