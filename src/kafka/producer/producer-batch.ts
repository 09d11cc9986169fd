import type { RecordHeader } from "../../api/record-headers.js";
import type { Compression } from "../../protocol/compression/compression.js";
import { readRecords } from "../../protocol/records/record-batch-reader.js";
import { type ProducerStamp, RecordBatchWriter } from "../../protocol/records/record-batch-writer.js";
import { sequenceAfter } from "../../protocol/records/sequence.js";

/** `count` consecutive records of a batch with the same token. */
export interface TokenRun<T> {
  readonly token: T;
  count: number;
}

/** A batch of records for one partition. It is open until sealed; after that its bytes never change. */
export class ProducerBatch<T> {
  readonly runs: TokenRun<T>[] = [];
  /** The records' share of `buffer.memory`: their bytes when appended. */
  bufferedBytes = 0;
  /** The number of times it was sent. */
  attempts = 0;
  /** Failed attempts that count against `retries`. */
  refusals = 0;
  #writer: RecordBatchWriter | undefined;
  #storage: Buffer | undefined;
  #bytes: Buffer | undefined;
  #stamp: ProducerStamp | undefined;
  #count = 0;

  constructor(
    writer: RecordBatchWriter,
    /** The first record's number, counted over all records ever appended to the producer. */
    readonly firstSequence: number,
    readonly createdAtMs: number,
  ) {
    this.#writer = writer;
  }

  get count(): number {
    return this.#count;
  }

  get isOpen(): boolean {
    return this.#writer !== undefined;
  }

  /** Bytes of the batch; uncompressed until it is sealed. */
  get sizeBytes(): number {
    return this.#bytes?.length ?? this.#writer?.sizeBytes ?? 0;
  }

  append(
    timestampMs: number,
    key: Buffer | null,
    value: Buffer | null,
    headers: readonly RecordHeader[],
    token: T,
  ): number {
    const took = this.#writer!.append(timestampMs, key, value, headers);
    this.#count++;
    this.bufferedBytes += took;
    const run = this.runs[this.runs.length - 1];
    if (run && run.token === token) run.count++;
    else this.runs.push({ token, count: 1 });
    return took;
  }

  /**
   * Closes the batch and returns its bytes, the same for every attempt.
   * @param stamp called once, for the place of an idempotent producer's batch in its sequence.
   * @throws KafkaError when the codec's package is missing.
   */
  seal(compression: Compression, stamp?: () => ProducerStamp): Buffer {
    if (this.#bytes) return this.#bytes;
    this.#stamp = stamp?.();
    const bytes = this.#writer!.finish(compression, this.#stamp);
    this.#bytes = bytes;
    this.#storage = this.#writer!.storage;
    this.#writer = undefined;
    return bytes;
  }

  /**
   * The buffer of an acknowledged batch, for reuse. None if the batch was sent more than once: its bytes may still be
   * queued at an abandoned connection.
   */
  release(): Buffer | undefined {
    return this.attempts === 1 ? this.#storage : undefined;
  }

  /** Splits a sealed batch of several records in two, in order. */
  split(compression: Compression): [ProducerBatch<T>, ProducerBatch<T>] {
    const records = readRecords(this.#bytes!);
    const half = Math.ceil(records.length / 2);
    const tokens = this.runs.flatMap(({ token, count }) => new Array<T>(count).fill(token));
    const part = (start: number, end: number): ProducerBatch<T> => {
      const batch = new ProducerBatch<T>(new RecordBatchWriter(), this.firstSequence, this.createdAtMs);
      for (let at = start; at < end; at++) {
        const { timestampMs, key, value, headers } = records[at]!;
        batch.append(timestampMs, key, value, headers, tokens[at]!);
      }
      // The refused batch has used up the numbers of its records: they are its parts' numbers.
      const stamp = this.#stamp && { ...this.#stamp, baseSequence: sequenceAfter(this.#stamp.baseSequence, start) };
      batch.seal(compression, stamp && (() => stamp));
      return batch;
    };
    const parts: [ProducerBatch<T>, ProducerBatch<T>] = [part(0, half), part(half, records.length)];
    // Together they must return to buffer.memory exactly the bytes that the whole batch took.
    parts[0].bufferedBytes = this.bufferedBytes - parts[1].bufferedBytes;
    return parts;
  }
}
