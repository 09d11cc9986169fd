import type { ProducerBatch } from "./producer-batch.js";

/** Batches of one partition, in order. Only the first is ever in flight, so that retries keep the order (I9). */
export class PartitionQueue<T> {
  readonly batches: ProducerBatch<T>[] = [];
  /** The first batch is in an unanswered request. */
  inFlight = false;
  /** No request before this reading of the monotonic clock. */
  retryAtMs = 0;
  /** Retriable failures in a row. */
  failures = 0;
  /** The error of the last failed request. */
  lastError: Error | undefined;
  /** Bytes at which a batch is full; lowered after the broker refused a larger batch. */
  batchLimit: number;

  constructor(
    readonly topic: string,
    readonly partition: number,
    batchLimit: number,
  ) {
    this.batchLimit = batchLimit;
  }

  /** The batch for new records, if one is open. */
  get open(): ProducerBatch<T> | undefined {
    const last = this.batches[this.batches.length - 1];
    return last?.isOpen ? last : undefined;
  }
}

/** The state of a queue's head at one moment. */
export interface HeadState {
  readonly nowMs: number;
  readonly ageMs: number;
  readonly retryAtMs: number;
  /** It is full, or another batch is behind it. */
  readonly isComplete: boolean;
  /** A flush, a close or a full buffer waits for all batches. */
  readonly isUrgent: boolean;
  readonly lingerMs: number;
}

/** Whether to send the head now, or how long to wait. */
export function judgeHead(
  head: HeadState,
): { readonly kind: "send" } | { readonly kind: "wait"; readonly forMs: number } {
  if (head.retryAtMs > head.nowMs) return { kind: "wait", forMs: head.retryAtMs - head.nowMs };
  if (head.isComplete || head.isUrgent || head.ageMs >= head.lingerMs) return { kind: "send" };
  return { kind: "wait", forMs: head.lingerMs - head.ageMs };
}
