import type { Clock, Logger, SinkTask, TopicPartition, TopicPartitionOffset } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import { errorMessage } from "../../base/error-trace.js";
import type { GroupConsumer } from "../../kafka/kafka-client.js";
import type { TaskCounters } from "../task/task-counters.js";
import { keyOfPartition, type SinkPartitions } from "./sink-partitions.js";

export interface SinkCommitsParts {
  readonly task: SinkTask;
  readonly consumer: GroupConsumer;
  readonly partitions: SinkPartitions;
  /** Resolves once all reports of bad records are written. Its rejection fails the task: a report is part of delivery (I8). */
  readonly reported: () => Promise<void>;
  /** Reads on from these offsets, after a `preCommit` that failed. */
  readonly rewind: (offsets: readonly TopicPartitionOffset[]) => void;
  /** Shows why commits do not get on. */
  readonly waiting: (reason: string | undefined) => void;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly counters: TaskCounters;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Commits a sink task's offsets at intervals, on request, and a last time when partitions are given up. The answer of
 * the group's coordinator is not waited for while the task can work; one request at a time, and the last one after all
 * others, so that no older offset overtakes a newer one.
 */
export class SinkCommits {
  #nextMs = Number.POSITIVE_INFINITY;
  #requested = false;
  #inFlight: Promise<void> | undefined;

  constructor(private readonly parts: SinkCommitsParts) {}

  /** Begins the regular commits. */
  schedule(): void {
    this.#nextMs = this.parts.clock.monotonicMs() + this.parts.intervalMs;
  }

  /** When the next one is due, on the monotonic clock; not foreseeable while one is in flight. */
  get nextMs(): number {
    if (this.#inFlight) return Number.POSITIVE_INFINITY;
    return this.#requested ? 0 : this.#nextMs;
  }

  get due(): boolean {
    return this.nextMs <= this.parts.clock.monotonicMs();
  }

  request(): void {
    this.#requested = true;
  }

  /** Asks the task what is safe and sends that. A `preCommit` that throws takes the task back to what is committed. */
  async begin(): Promise<void> {
    const { partitions, task, reported, rewind, waiting, counters, logger } = this.parts;
    this.#requested = false;
    this.schedule();
    await reported();
    const asked = partitions.current();
    if (asked.length === 0) {
      waiting(undefined); // what it could not commit is another member's now
      return;
    }
    let returned: readonly TopicPartitionOffset[];
    try {
      returned = await task.preCommit(asked);
    } catch (cause) {
      counters.commitFailures++;
      const reason = `preCommit failed, reading goes on from what is committed: ${errorMessage(cause)}`;
      logger.error(reason, {}, cause);
      waiting(reason);
      rewind(partitions.committed());
      return;
    }
    const commit = this.#plan(asked, returned);
    if (commit.length === 0) {
      waiting(undefined);
      return;
    }
    this.#inFlight = this.#send(commit).then((failure) => {
      this.#inFlight = undefined;
      waiting(failure);
    });
  }

  /** The offsets to commit for partitions that are about to be closed. */
  async prepareLast(closing: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    const { partitions, task, reported, counters, logger, timeoutMs } = this.parts;
    if (this.#inFlight) await this.#inFlight;
    try {
      await this.#within(reported(), timeoutMs, "Writing reports of bad records");
      const asked = partitions.current(closing);
      return this.#plan(asked, await task.preCommit(asked));
    } catch (cause) {
      counters.commitFailures++;
      logger.error("The last commit of partitions that are given up is left out; their records come again", {}, cause);
      return [];
    }
  }

  /** Commits what `prepareLast` returned, and waits for the answer. */
  async commitLast(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    await this.#send(offsets);
  }

  /** I2: nothing that `preCommit` did not return, nothing beyond what was put. */
  #plan(
    asked: readonly TopicPartitionOffset[],
    returned: readonly TopicPartitionOffset[],
  ): readonly TopicPartitionOffset[] {
    const { commit, refused } = this.parts.partitions.planCommit(asked, returned);
    for (const { offset, why } of refused) {
      const fields = { partition: keyOfPartition(offset), offset: offset.offset };
      this.parts.logger.warn(`An offset that preCommit returned is not committed: ${why}`, fields);
    }
    return commit;
  }

  /** Never rejects: a commit that fails is made good by a later one. Returns why it failed. */
  async #send(offsets: readonly TopicPartitionOffset[]): Promise<string | undefined> {
    const { consumer, partitions, counters, clock, logger, timeoutMs } = this.parts;
    const timeUp = new AbortController();
    const timer = clock.schedule(timeoutMs, () => timeUp.abort());
    try {
      await this.#unlessAborted(consumer.commit(offsets, timeUp.signal), timeUp.signal);
      partitions.noteCommitted(offsets);
      counters.commits++;
      return undefined;
    } catch (cause) {
      counters.commitFailures++;
      logger.warn(`Offsets were not committed: ${errorMessage(cause)}`, { partitions: offsets.length });
      return `offsets are not committed: ${errorMessage(cause)}`;
    } finally {
      timer.cancel();
    }
  }

  async #within(work: Promise<void>, timeoutMs: number, what: string): Promise<void> {
    const timeUp = new AbortController();
    const timer = this.parts.clock.schedule(timeoutMs, () => timeUp.abort());
    try {
      await this.#unlessAborted(work, timeUp.signal, what);
    } finally {
      timer.cancel();
    }
  }

  async #unlessAborted(work: Promise<void>, signal: AbortSignal, what = "Committing"): Promise<void> {
    const late = deferred<never>();
    const abort = () => late.reject(new Error(`${what} took longer than offset.flush.timeout.ms`));
    signal.addEventListener("abort", abort, { once: true });
    await Promise.race([work, late.promise]);
    signal.removeEventListener("abort", abort);
  }
}
