import type { ProducerBatch } from "./producer-batch.js";

/** Batches waiting for one partition, in order. Only the first is ever in flight, so retries keep the order (I9). */
export class PartitionQueue<T> {
  readonly batches: ProducerBatch<T>[] = [];
  /** The first batch is in a request that has not been answered. */
  inFlight = false;
  /** No request before this reading of the monotonic clock. */
  retryAtMs = 0;
  /** Retriable failures in a row. */
  failures = 0;
  /** Why the last request failed. */
  lastError: Error | undefined;
  /** Batches larger than this were refused by the broker. */
  batchLimit: number;

  constructor(
    readonly topic: string,
    readonly partition: number,
    batchLimit: number,
  ) {
    this.batchLimit = batchLimit;
  }

  /** The batch records are appended to, if it is still open. */
  get open(): ProducerBatch<T> | undefined {
    const last = this.batches[this.batches.length - 1];
    return last?.isOpen ? last : undefined;
  }
}

/** What holds for the head of a queue at a moment. */
export interface HeadState {
  readonly nowMs: number;
  readonly ageMs: number;
  readonly retryAtMs: number;
  /** It is full, or another batch stands behind it. */
  readonly isComplete: boolean;
  /** Somebody waits for everything: a flush, a close, a full buffer. */
  readonly isUrgent: boolean;
  readonly lingerMs: number;
}

/** Whether the head may go out now, or when to look again. */
export function judgeHead(
  head: HeadState,
): { readonly kind: "send" } | { readonly kind: "wait"; readonly forMs: number } {
  if (head.retryAtMs > head.nowMs) return { kind: "wait", forMs: head.retryAtMs - head.nowMs };
  if (head.isComplete || head.isUrgent || head.ageMs >= head.lingerMs) return { kind: "send" };
  return { kind: "wait", forMs: head.lingerMs - head.ageMs };
}
