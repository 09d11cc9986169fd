import type { Clock, Logger, Random, SourceMap, SourceOffset, SourceRecord } from "../../api/index.js";
import type { Producer, ProducerListener, ProducerRecord } from "../../kafka/client/producer.js";
import type { NewConnectivity } from "../task/task-runner.js";
import { OffsetCommits } from "./offset-commits.js";
import { type DeliveryOwner, DRAIN_SHARE, type SourceDelivery, type Submission } from "./source-delivery.js";
import type { SourceFailure } from "./source-record-encoder.js";
import { type BatchRanges, type SubmittedRange, SubmittedRecords } from "./submitted-records.js";

export interface LedgerDeliveryParts {
  readonly owner: DeliveryOwner;
  producer<T>(listener: ProducerListener<T>, connectivity: NewConnectivity): Producer<T>;
  /** Stores offsets; resolves once the offsets topic has acknowledged them. */
  readonly flush: (offsets: readonly SourceOffset[]) => Promise<void>;
  readonly commitIntervalMs: number;
  readonly commitTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * At-least-once delivery: acknowledgements settle the ledger, and its committable offsets are stored at intervals and
 * on request, in the worker's offsets topic. (I1)
 */
export class LedgerDelivery implements SourceDelivery {
  readonly requests = undefined;
  readonly #ledger = new SubmittedRecords();
  readonly #commits: OffsetCommits;
  #producer: Producer<SubmittedRange> | undefined;
  #ended = false;

  constructor(private readonly parts: LedgerDeliveryParts) {
    const { owner, flush, commitIntervalMs, commitTimeoutMs, clock, random, logger } = parts;
    this.#commits = new OffsetCommits({
      ledger: this.#ledger,
      flush,
      stored: (offsets) => owner.stored(offsets),
      fail: (error) => owner.life.fail(error),
      waiting: (reason) => owner.status.waiting("commit", reason),
      intervalMs: commitIntervalMs,
      timeoutMs: commitTimeoutMs,
      counters: owner.counters,
      clock,
      random,
      logger,
    });
  }

  /** There is no transaction. */
  readonly awaitingBoundary = 0;

  get unsettled(): number {
    return this.#ledger.unsettled;
  }

  get bufferedBytes(): number {
    return this.#producer?.bufferedBytes ?? 0;
  }

  get full(): boolean {
    return this.#producer?.full ?? false;
  }

  async drained(): Promise<void> {
    await this.#producer?.drained();
  }

  async open(): Promise<void> {
    this.#producer = this.parts.producer<SubmittedRange>(this.#listener, this.parts.owner.connectivity);
  }

  begin(): void {
    this.#commits.start();
  }

  submit(batch: readonly SourceRecord[]): Submission {
    const ranges = this.#ledger.submit(batch);
    const producer = this.#producer!;
    return {
      produce: (record: SourceRecord, produced: ProducerRecord) => {
        producer.append(produced, ranges.rangeOf(record.sourcePartition));
        return undefined;
      },
      drop: (record) => {
        this.#ledger.settle(ranges.rangeOf(record.sourcePartition), 1);
        return undefined;
      },
      withdraw: (from) => this.#withdraw(batch, from, ranges),
    };
  }

  async polled(): Promise<void> {}

  async paused(): Promise<void> {}

  requestCommit(): void {
    this.#commits.request();
  }

  async finish(timeoutMs: number): Promise<void> {
    const { clock } = this.parts;
    const startedMs = clock.monotonicMs();
    const timeUp = new AbortController();
    // Acknowledgements up to then can still be committed in the remaining time.
    await Promise.race([this.#producer?.flush(), clock.delay(timeoutMs * DRAIN_SHARE, timeUp.signal)]);
    timeUp.abort();
    await this.#commits.finish(Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs)));
  }

  end(): void {
    this.#ended = true;
    this.#commits.end();
  }

  async close(): Promise<void> {
    await this.#producer?.close(0);
  }

  #withdraw(batch: readonly SourceRecord[], from: number, ranges: BatchRanges): void {
    const handled = new Map<SubmittedRange, SourceMap>();
    const left = new Map<SubmittedRange, number>();
    batch.forEach((record, at) => {
      const range = ranges.rangeOf(record.sourcePartition);
      if (at < from) handled.set(range, record.sourceOffset);
      else left.set(range, (left.get(range) ?? 0) + 1);
    });
    for (const [range, count] of left) this.#ledger.withdraw(range, count, handled.get(range));
  }

  readonly #listener: ProducerListener<SubmittedRange> = {
    acknowledged: (range, count) => {
      this.parts.owner.counters.recordsWritten += count;
      this.#ledger.settle(range, count);
    },
    failed: (range, count, error, topic) => {
      const { life } = this.parts.owner;
      // After the task's end these records never got an answer: they stay unsettled and are read again.
      if (life.isAbandoned || this.#ended) return;
      this.#produceFailed(range, count, error, topic).catch((cause) => life.fail(cause));
    },
  };

  async #produceFailed(range: SubmittedRange, count: number, error: Error, topic: string): Promise<void> {
    const { errors, life, counters, taskClassName: className } = this.parts.owner;
    const failed: SourceFailure = { topic, sourcePartition: range.partition, sourceOffset: range.offset };
    const outcome = await errors.settle({ record: failed, stage: "KAFKA_PRODUCE", className, error });
    if (outcome.kind === "fatal") {
      life.fail(outcome.error);
      return;
    }
    // `settle` has counted one record of the range.
    counters.recordsFailed += count - 1;
    counters.recordErrors += count - 1;
    counters.recordsSkipped += count - 1;
    this.#ledger.settle(range, count); // deliberately dropped, and reported
  }
}
