import type { Clock } from "../api/clock.js";
import type { Logger } from "../api/logger.js";
import type { FetchedRecords } from "../kafka/client/consumer.js";
import type { KafkaClient } from "../kafka/client/kafka-client.js";
import type { Producer } from "../kafka/client/producer.js";
import type { Codec } from "../protocol/compression/compression.js";
import { KafkaError } from "../protocol/kafka-error.js";
import type { PartitionCopy, Run } from "./partition-copy.js";

/** The parts that a copy uses. */
export interface CopyContext {
  readonly from: KafkaClient;
  readonly to: KafkaClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Aborts the export. */
  readonly signal: AbortSignal;
  /** How long the source may send nothing before the copy fails. */
  readonly readTimeoutMs: number;
}

const POLL_MS = 1_000;
const PROGRESS_EVERY_MS = 10_000;

const READING = {
  // Records of an aborted transaction are not copied, nor those of one that is open.
  "isolation.level": "read_committed",
  // Where retention at the source overtakes the copy, it goes on with what is left.
  "auto.offset.reset": "earliest",
  "max.poll.records": "2000",
};

/**
 * Copies the records of some partitions of one topic: same partition, order, key, value, headers and timestamp. The
 * state of `copies` holds what was acknowledged, also when it fails.
 *
 * @throws KafkaError of the first record that the target did not take; when the source sends nothing for
 *   `readTimeoutMs`; the signal's reason.
 */
export async function copyRecords(copies: readonly PartitionCopy[], context: CopyContext): Promise<void> {
  const copy = new RecordCopy(copies, context);
  try {
    await copy.run();
  } finally {
    await copy.close();
  }
}

class RecordCopy {
  readonly #copies: ReadonlyMap<number, PartitionCopy>;
  /** By codec: what was compressed at the source is compressed alike. */
  readonly #producers = new Map<Codec, Producer<Run>>();
  readonly #codecs = new Map<PartitionCopy, Codec>();
  readonly #failed = new AbortController();
  #failure: unknown;
  #waitingFor: string | undefined;

  constructor(
    copies: readonly PartitionCopy[],
    private readonly context: CopyContext,
  ) {
    this.#copies = new Map(copies.map((copy) => [copy.range.partition, copy]));
  }

  async run(): Promise<void> {
    const { from, clock, signal } = this.context;
    const abort = () => this.#fail(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    const consumer = from.consumer({
      properties: READING,
      onConnectivity: (waitingFor) => {
        this.#waitingFor = waitingFor;
      },
    });
    try {
      if (signal.aborted) abort();
      const unread = () => [...this.#copies.values()].filter((copy) => !copy.isRead);
      consumer.assign(unread().map(({ range }) => range));
      for (const { range } of unread()) consumer.seek(range, range.start);
      let [movedAtMs, toldAtMs] = [clock.monotonicMs(), clock.monotonicMs()];
      while (unread().length > 0) {
        const fetched = await consumer.poll(Math.min(POLL_MS, this.context.readTimeoutMs), this.#failed.signal);
        for (const chunk of fetched) {
          await this.#write(chunk);
          if (this.#copies.get(chunk.partition)!.isRead) consumer.pause([chunk]);
        }
        this.#throwFailure();
        const nowMs = clock.monotonicMs();
        if (fetched.length > 0) movedAtMs = nowMs;
        else if (nowMs - movedAtMs >= this.context.readTimeoutMs) throw this.#stalled(unread()[0]!);
        if (nowMs - toldAtMs < PROGRESS_EVERY_MS) continue;
        toldAtMs = nowMs;
        this.#tellProgress();
      }
      for (const producer of this.#producers.values()) await producer.flush();
      this.#throwFailure();
    } finally {
      signal.removeEventListener("abort", abort);
      await consumer.close();
    }
    for (const copy of this.#copies.values()) copy.finish();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#producers.values()].map((producer) => producer.close(0)));
  }

  async #write(fetched: FetchedRecords): Promise<void> {
    const { topic, partition, codec } = fetched;
    const copy = this.#copies.get(partition)!;
    const records = copy.take(fetched);
    if (records.length === 0) return;
    const former = this.#codecs.get(copy);
    if (former !== undefined && former !== codec) await this.#producer(former).flush();
    this.#codecs.set(copy, codec);
    const producer = this.#producer(codec);
    for (const { offset, key, value, timestampMs, headers } of records) {
      this.#throwFailure();
      producer.append({ topic, partition, key, value, timestampMs, headers }, copy.runOf(offset));
      // Polled records are valid until the next poll only, and copied by `append`.
      if (producer.full) await producer.drained();
    }
  }

  #producer(codec: Codec): Producer<Run> {
    const existing = this.#producers.get(codec);
    if (existing) return existing;
    const producer = this.context.to.producer<Run>(
      { properties: { acks: "all", "compression.type": codec }, isIdempotent: true },
      {
        acknowledged: (run, count, _topic, _partition, baseOffset) => {
          try {
            run.copy.acknowledged(run, count, baseOffset);
          } catch (error) {
            this.#fail(error);
          }
        },
        failed: (_run, _count, error) => this.#fail(error),
      },
    );
    this.#producers.set(codec, producer);
    return producer;
  }

  /** The first failure counts. What waits for room in a producer, or for a flush, goes on, and finds it. */
  #fail(error: unknown): void {
    if (this.#failed.signal.aborted) return;
    this.#failure = error;
    this.#failed.abort();
    void this.close();
  }

  #throwFailure(): void {
    if (this.#failed.signal.aborted) throw this.#failure;
  }

  #stalled({ range, position }: PartitionCopy): KafkaError {
    const { topic, partition, end } = range;
    const reason = this.#waitingFor ?? "no request has failed for long";
    const detail = `the source sent nothing for ${this.context.readTimeoutMs} ms, at offset ${position} of ${end}: ${reason}`;
    return new KafkaError("REQUEST_TIMED_OUT", `Reading ${topic}-${partition}`, { detail });
  }

  #tellProgress(): void {
    const copies = [...this.#copies.values()];
    const sum = (of: (copy: PartitionCopy) => number) => copies.reduce((total, copy) => total + of(copy), 0);
    this.context.logger.info("Copying a topic", {
      topic: copies[0]!.range.topic,
      records: sum(({ records }) => records),
      offsetsLeft: sum(({ range, position }) => Math.max(0, range.end - position)),
    });
  }
}
