import type { Clock, Logger, SinkTask, TopicPartition, TopicPartitionOffset } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { GroupConsumer } from "../../kafka/client/group-consumer.js";
import type { TaskCounters } from "../task/task-counters.js";
import { keyOfPartition, type SinkPartitions } from "./sink-partitions.js";

export interface SinkCommitsParts {
  readonly task: SinkTask;
  readonly consumer: GroupConsumer;
  readonly partitions: SinkPartitions;
  /** Resolves once all reports of bad records are written. A rejection fails the task: reports are delivery (I8). */
  readonly reported: () => Promise<void>;
  /** Moves reading back to these offsets after a failed `preCommit`: later records may not be at their destination. */
  readonly rewind: (offsets: readonly TopicPartitionOffset[]) => void;
  /** Shows why commits make no progress. */
  readonly waiting: (reason: string | undefined) => void;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly counters: TaskCounters;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Commits a sink task's offsets at intervals, on request, and a last time when partitions are revoked. The task works
 * on while the coordinator's answer is outstanding. One request at a time, and the last commit after all others, so
 * that no older offset overtakes a newer one.
 */
export class SinkCommits {
  #nextMs = Number.POSITIVE_INFINITY;
  #requested = false;
  #inFlight: Promise<void> | undefined;
  /** The last `preCommit` of revoked partitions, until it returns. Never rejects. */
  #running: Promise<void> | undefined;

  constructor(private readonly parts: SinkCommitsParts) {}

  /** Starts the regular commits. */
  schedule(): void {
    this.#nextMs = this.parts.clock.monotonicMs() + this.parts.intervalMs;
  }

  /** When the next one is due, on the monotonic clock; infinite while one is in flight. */
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

  /** Resolves once no `preCommit` runs that took too long: the task must not be called before. False: `signal` aborted. */
  async returned(signal: AbortSignal): Promise<boolean> {
    if (!this.#running) return true;
    const ended = deferred<boolean>();
    const end = () => ended.resolve(false);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      return await Promise.race([this.#running.then(() => true), ended.promise]);
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  /** A `preCommit` that took too long and still runs. */
  get late(): Promise<void> | undefined {
    return this.#running;
  }

  /** Commits the offsets from the task's `preCommit`. If it throws, reading returns to the committed offsets. */
  async begin(): Promise<void> {
    const { partitions, task, reported, rewind, waiting, counters, logger } = this.parts;
    this.#requested = false;
    this.schedule();
    await reported();
    const asked = partitions.current();
    if (asked.length === 0) {
      waiting(undefined); // the reason concerned partitions that another member has by now
      return;
    }
    let returned: readonly TopicPartitionOffset[];
    try {
      returned = await task.preCommit(asked);
    } catch (cause) {
      counters.commitFailures++;
      const reason = `preCommit failed; reading resumes from the committed offsets: ${errorMessage(cause)}`;
      logger.error(reason, {}, cause);
      waiting(reason);
      rewind(partitions.committed());
      return;
    }
    await reported(); // also those that preCommit has made
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

  /** The offsets to commit for partitions that will be closed next: none if `preCommit` takes too long. */
  async prepareLast(closing: readonly TopicPartition[]): Promise<readonly TopicPartitionOffset[]> {
    const { partitions, reported, counters, logger, timeoutMs } = this.parts;
    if (this.#inFlight) await this.#inFlight;
    try {
      const written = () => this.#within(reported(), timeoutMs, "Writing reports of bad records");
      await written();
      const asked = partitions.current(closing);
      const returned = await this.#preCommitInTime(asked);
      await written(); // also those that preCommit has made
      return this.#plan(asked, returned);
    } catch (cause) {
      counters.commitFailures++;
      logger.error(
        "The last commit of revoked partitions was skipped; their records will be delivered again",
        {},
        cause,
      );
      return [];
    }
  }

  /** The call goes on when its time is up, and the task's next call waits for it. */
  async #preCommitInTime(asked: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
    const { task, logger, timeoutMs, waiting } = this.parts;
    if (this.#running) await this.#within(this.#running, timeoutMs, "An earlier preCommit");
    let isLate = false;
    const call = task.preCommit(asked);
    const done = () => {
      this.#running = undefined;
      if (isLate) waiting(undefined);
    };
    this.#running = call.then(done, (cause) => {
      done();
      if (isLate) logger.error("The preCommit that took too long has failed", {}, cause);
    });
    try {
      return await this.#within(call, timeoutMs, "preCommit");
    } catch (cause) {
      isLate = this.#running !== undefined;
      if (isLate) waiting("preCommit takes longer than offset.flush.timeout.ms; nothing is put until it returns");
      throw cause;
    }
  }

  /** Commits the offsets from `prepareLast` and waits for the answer. */
  async commitLast(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    await this.#send(offsets);
  }

  /** I2: only offsets that `preCommit` returned, and none beyond the records put. */
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

  /** Never rejects: a later commit makes up for a failed one. Returns the reason of a failure. */
  async #send(offsets: readonly TopicPartitionOffset[]): Promise<string | undefined> {
    const { consumer, partitions, counters, clock, logger, timeoutMs } = this.parts;
    const startedMs = clock.monotonicMs();
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
      counters.committed(clock.monotonicMs() - startedMs, clock.monotonicMs());
      timer.cancel();
    }
  }

  async #within<T>(work: Promise<T>, timeoutMs: number, what: string): Promise<T> {
    const timeUp = new AbortController();
    const timer = this.parts.clock.schedule(timeoutMs, () => timeUp.abort());
    try {
      return await this.#unlessAborted(work, timeUp.signal, what);
    } finally {
      timer.cancel();
    }
  }

  async #unlessAborted<T>(work: Promise<T>, signal: AbortSignal, what = "Committing"): Promise<T> {
    const late = deferred<never>();
    const abort = () => late.reject(new Error(`${what} took longer than offset.flush.timeout.ms`));
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([work, late.promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
