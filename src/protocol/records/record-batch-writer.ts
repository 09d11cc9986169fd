import { type Compression, codecNumber, compress } from "../compression/compression.js";
import { BATCH_HEADER_BYTES, TRANSACTIONAL_BIT, writeBatchHeader } from "./record-batch.js";
import { varintSize, varlongSize, writeVarint, writeVarlong } from "./varint.js";

/** A header of a record: the key is not null, the value may be. */
export interface Header {
  readonly key: string;
  readonly value: Buffer | null;
}

/** The most bytes that the lengths, deltas and attributes of a record take, without its headers. */
const RECORD_OVERHEAD_BYTES = 5 + 1 + 10 + 5 + 5 + 5 + 5;

/** First size of a batch's buffer: small enough for Node's own pool. */
const FIRST_BYTES = 4000;

/** Producer state in a batch's header. */
export interface ProducerStamp {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** The records belong to the producer's transaction. */
  readonly isTransactional?: boolean;
}

const UNCOMPRESSED: Compression = { codec: "none" };
const NO_PRODUCER: ProducerStamp = { producerId: -1, producerEpoch: -1, baseSequence: -1 };

/** An upper bound of a record's bytes inside a batch, assuming the widest encoding of its numbers and header keys. */
export function recordSizeBound(key: Buffer | null, value: Buffer | null, headers: readonly Header[]): number {
  let size = RECORD_OVERHEAD_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
  for (const header of headers) size += 10 + header.key.length * 3 + (header.value === null ? 0 : header.value.length);
  return size;
}

/**
 * Builds one record batch (magic 2). Each record is encoded when it is appended, into one buffer that grows; its key
 * and value may be reused once `append` returns. Offsets are relative: record n of the batch has offset delta n.
 */
export class RecordBatchWriter {
  #buffer: Buffer;
  #position = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestampMs = 0;
  #maxTimestampMs = 0;
  /** The last record's headers and the range of their bytes: many sources share one list among all records. */
  #headers: readonly Header[] | undefined;
  #headersStart = 0;
  #headersEnd = 0;

  /**
   * @param storage a buffer to write to; replaced by a larger one when it is full.
   * @param limitBytes the batch's greatest size, if its owner keeps to one: doubling beyond it would be wasted.
   */
  constructor(
    storage?: Buffer,
    private readonly limitBytes = Number.POSITIVE_INFINITY,
  ) {
    const isUsable = storage !== undefined && storage.length >= BATCH_HEADER_BYTES;
    this.#buffer = isUsable ? storage : Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** The current buffer; it may be reused once the batch is no longer needed. */
  get storage(): Buffer {
    return this.#buffer;
  }

  /** Records appended. */
  get count(): number {
    return this.#count;
  }

  /** Bytes of the batch so far, with its header, before compression. */
  get sizeBytes(): number {
    return this.#position;
  }

  /**
   * Appends a record; returns its size in bytes. If `headers` is the same list as the last record's, its bytes are
   * copied from there, so a list must not be changed between records.
   */
  append(timestampMs: number, key: Buffer | null, value: Buffer | null, headers: readonly Header[]): number {
    const start = this.#position;
    const bound = recordSizeBound(key, value, headers);
    if (start + bound > this.#buffer.length) this.#grow(start + bound);
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs;
      this.#maxTimestampMs = timestampMs;
    } else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs;
    const delta = timestampMs - this.#baseTimestampMs;
    const isSame = headers === this.#headers;
    const headerBytes = isSame ? this.#headersEnd - this.#headersStart : headersSize(headers);
    const body = bodySize(delta, this.#count, key, value) + headerBytes;
    const buffer = this.#buffer;
    let at = writeVarint(buffer, start, body);
    buffer[at++] = 0;
    at = writeVarlong(buffer, at, delta);
    at = writeVarint(buffer, at, this.#count);
    at = writeNullableBytes(buffer, at, key);
    at = writeNullableBytes(buffer, at, value);
    if (isSame) buffer.copyWithin(at, this.#headersStart, this.#headersEnd);
    else {
      writeHeaders(buffer, at, headers);
      this.#headers = headers;
      this.#headersStart = at;
      this.#headersEnd = at + headerBytes;
    }
    at += headerBytes;
    this.#position = at;
    this.#count++;
    return at - start;
  }

  /**
   * The finished batch. Without compression it is the writer's own buffer, so the writer must not be used again.
   * @throws KafkaError UNSUPPORTED_COMPRESSION_TYPE when the codec's optional package is missing.
   */
  finish(compression: Compression = UNCOMPRESSED, producer: ProducerStamp = NO_PRODUCER): Buffer {
    let batch = this.#buffer.subarray(0, this.#position);
    if (compression.codec !== "none") {
      const compressed = compress(compression, batch.subarray(BATCH_HEADER_BYTES));
      batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + compressed.length);
      batch.set(compressed, BATCH_HEADER_BYTES);
    }
    writeBatchHeader(batch, {
      sizeBytes: batch.length,
      attributes: codecNumber(compression.codec) | (producer.isTransactional ? TRANSACTIONAL_BIT : 0),
      lastOffsetDelta: this.#count - 1,
      baseTimestampMs: this.#baseTimestampMs,
      maxTimestampMs: this.#maxTimestampMs,
      recordCount: this.#count,
      ...producer,
    });
    return batch;
  }

  #grow(neededBytes: number): void {
    const grown = Buffer.allocUnsafe(Math.max(neededBytes, Math.min(this.#buffer.length * 2, this.limitBytes)));
    grown.set(this.#buffer.subarray(0, this.#position));
    this.#buffer = grown;
  }
}

/** Without the headers. */
function bodySize(timestampDelta: number, offsetDelta: number, key: Buffer | null, value: Buffer | null): number {
  const numbers = 1 + varlongSize(timestampDelta) + varintSize(offsetDelta);
  return numbers + nullableBytesSize(key) + nullableBytesSize(value);
}

function headersSize(headers: readonly Header[]): number {
  let size = varintSize(headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    size += varintSize(keyBytes) + keyBytes + nullableBytesSize(header.value);
  }
  return size;
}

function writeHeaders(buffer: Buffer, start: number, headers: readonly Header[]): void {
  let at = writeVarint(buffer, start, headers.length);
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    at = writeVarint(buffer, at, keyBytes);
    at += buffer.write(header.key, at, keyBytes, "utf8");
    at = writeNullableBytes(buffer, at, header.value);
  }
}

function nullableBytesSize(bytes: Buffer | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length;
}

function writeNullableBytes(buffer: Buffer, start: number, bytes: Buffer | null): number {
  if (bytes === null) {
    buffer[start] = 1; // zigzag of -1
    return start + 1;
  }
  const at = writeVarint(buffer, start, bytes.length);
  buffer.set(bytes, at);
  return at + bytes.length;
}
