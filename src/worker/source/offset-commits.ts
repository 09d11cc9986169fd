import type { Clock, Logger, Random, SourceOffset, Timer } from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { deferred } from "../../base/deferred.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { TaskCounters } from "../task/task-counters.js";
import type { CommittableOffset, SubmittedRecords } from "./submitted-records.js";

export interface OffsetCommitsParts {
  readonly ledger: SubmittedRecords;
  /** Stores offsets; resolves once the offsets topic has acknowledged them. */
  readonly flush: (offsets: readonly SourceOffset[]) => Promise<void>;
  /** Called with stored offsets. Its rejection fails the task. */
  readonly stored: (offsets: readonly SourceOffset[]) => Promise<void>;
  readonly fail: (error: unknown) => void;
  /** Shows why offsets are not stored; undefined once they are. */
  readonly waiting: (reason: string | undefined) => void;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly counters: TaskCounters;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Commits a source task's offsets: every `offset.flush.interval.ms`, and at the task's request, once the records
 * submitted by then are settled.
 *
 * One flush at a time, even beyond its timeout: an abandoned flush could reach the topic after a newer one, and the
 * stored offset would move back behind what the source already treats as safe (I3).
 */
export class OffsetCommits {
  readonly #backoff: Backoff;
  #timer: Timer | undefined;
  #inFlight: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor(private readonly parts: OffsetCommitsParts) {
    this.#backoff = new Backoff({ initialMs: 500, maxMs: Math.max(500, parts.intervalMs) }, parts.random);
  }

  /** Starts the regular commits. */
  start(): void {
    this.#schedule(this.parts.intervalMs);
  }

  /** Requests a commit of everything submitted so far. */
  request(): void {
    this.parts.ledger.afterSettled(() => {
      if (!this.#ended) this.#begin();
    });
  }

  /** Stops the regular commits, waits for one in flight and commits once more, giving up after `timeoutMs`. */
  async finish(timeoutMs: number): Promise<void> {
    const { clock } = this.parts;
    this.#timer?.cancel();
    const timeUp = new AbortController();
    const timer = clock.schedule(timeoutMs, () => timeUp.abort());
    while (this.#inFlight && !timeUp.signal.aborted) await untilAborted(this.#inFlight, timeUp.signal);
    if (!timeUp.signal.aborted) {
      this.#begin();
      if (this.#inFlight) await untilAborted(this.#inFlight, timeUp.signal);
    }
    timer.cancel();
    this.end();
  }

  /** Ends all commits now. A flush in flight no longer affects the task. */
  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    if (this.#ended) return;
    this.#timer = this.parts.clock.schedule(delayMs, () => {
      this.#begin();
      this.#schedule(this.parts.intervalMs);
    });
  }

  #begin(): void {
    if (this.#inFlight) {
      this.#again = true;
      return;
    }
    const offsets = this.parts.ledger.takeCommittable(); // I1
    if (offsets.length === 0) return;
    this.#inFlight = this.#commit(offsets).finally(() => {
      this.#inFlight = undefined;
      if (!this.#again || this.#ended) return;
      this.#again = false;
      this.#begin();
    });
  }

  /** Never rejects. */
  async #commit(offsets: readonly CommittableOffset[]): Promise<void> {
    const { clock, counters, flush, ledger, logger, stored, timeoutMs, waiting } = this.parts;
    let late = false;
    const startedMs = clock.monotonicMs();
    const ended = () => counters.committed(clock.monotonicMs() - startedMs, clock.monotonicMs());
    const timer = clock.schedule(timeoutMs, () => {
      late = true;
      counters.commitFailures++;
      logger.warn("Storing offsets takes longer than offset.flush.timeout.ms; still waiting", { timeoutMs });
      if (!this.#ended) waiting("offsets are not stored yet: the offsets topic does not answer");
    });
    try {
      await flush(offsets);
    } catch (cause) {
      timer.cancel();
      ended();
      ledger.putBack(offsets);
      if (this.#ended) return;
      if (!late) counters.commitFailures++;
      const retryMs = this.#backoff.nextMs();
      logger.warn(`Offsets were not stored and are kept for the next commit: ${errorMessage(cause)}`, { retryMs });
      waiting(`offsets are not stored yet: ${errorMessage(cause)}`);
      this.#again = false;
      this.#schedule(retryMs);
      return;
    }
    timer.cancel();
    ended();
    this.#backoff.reset();
    if (!late) counters.commits++;
    if (this.#ended) return;
    waiting(undefined);
    try {
      await stored(offsets); // I3: only now may the source release what precedes them
    } catch (cause) {
      this.parts.fail(cause);
    }
  }
}

/** Resolves when `work` does or `signal` aborts. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const aborted = deferred();
  const abort = () => aborted.resolve();
  signal.addEventListener("abort", abort, { once: true });
  await Promise.race([work, aborted.promise]);
  signal.removeEventListener("abort", abort);
}
