import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";

/**
 * Whose batches a producer writes, where the broker must know: each batch has a place in the author's sequence, so that
 * none is written twice. Once anything has failed the sequence has a gap, and no record can be written any more.
 */
export interface BatchAuthor {
  /** null: its batches belong to no transaction. */
  readonly transactionalId: string | null;
  /** Why no record can be written any more; undefined while all is well. */
  readonly failure: Error | undefined;
  /** A record failed. Only the first failure counts. */
  fail(error: Error): void;
  /** Whether the partition may be written to now. If not, the author sees to it, and wakes the producer. */
  admits(topic: string, partition: number): boolean;
  /** The stamp of the partition's next batch, of `count` records. */
  stamp(topic: string, partition: number, count: number): ProducerStamp;
}
