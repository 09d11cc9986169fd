import { setMaxListeners } from "node:events";
import { type Clock, type Logger, type Random, RetriableError } from "../../../src/api/index.js";
import type { StorePlace } from "./object-store-client.js";
import { Places } from "./places.js";
import { judgeStoreFailure, type StoreFailure, storeError } from "./store-failure.js";

export interface StoreCallSettings {
  /** Attempts including the first (s3.part.retries); below 1 means 1. */
  readonly attempts: number;
  /** The n-th repetition waits uniformly in [0, base x 2^(n-1)], at most 20 s (s3.retry.backoff.ms). */
  readonly backoffMs: number;
  /** Concurrent requests. */
  readonly concurrency: number;
}

export interface StoreCallContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ends every wait. */
  readonly stopping: AbortSignal;
  waitingFor(reason: string | null): void;
}

/** One request, its description for messages, and its time limit. */
export interface StoreCall<T> {
  /** As a clause: `writing object topics/…`. */
  readonly doing: string;
  readonly timeoutMs: number;
  /** Ends the call early, as the task's stopping does. */
  readonly abandoned?: AbortSignal;
  run(signal: AbortSignal): Promise<T>;
}

/** A failure that the caller expects: returned, not thrown. */
export class ExpectedFailure {
  constructor(
    readonly failure: StoreFailure,
    readonly cause: unknown,
  ) {}
}

const MAX_BACKOFF_MS = 20_000;
const NEVER = new AbortController().signal;

/**
 * Sends requests to the store for all open files of a task: bounds their number and duration, retries temporary
 * failures, shows the reason for waiting in the status, and turns permanent failures into Connect errors.
 */
export class StoreCalls {
  readonly #places: Places;
  #waiting = false;

  constructor(
    readonly place: StorePlace,
    private readonly settings: StoreCallSettings,
    private readonly context: StoreCallContext,
  ) {
    this.#places = new Places(settings.concurrency);
  }

  /**
   * @param expected failures to return instead of throwing.
   * @throws RetriableError when the attempts are used up or the call is abandoned; ConfigError, NotFoundError or
   *   UnsupportedError for failures that repeating does not change.
   */
  async run<T>(call: StoreCall<T>, expected: readonly StoreFailure["kind"][] = []): Promise<T | ExpectedFailure> {
    // Not AbortSignal.any: in Node 20 its signals live as long as those they follow.
    const ending = new AbortController();
    const end = () => ending.abort();
    // Every file's request may wait its turn, and listens meanwhile.
    const signals = [this.context.stopping, ...(call.abandoned ? [call.abandoned] : [])];
    setMaxListeners(0, ...signals);
    for (const signal of signals) {
      if (signal.aborted) end();
      signal.addEventListener("abort", end, { once: true });
    }
    try {
      if (!(await this.#places.enter(ending.signal))) throw this.stopped(call.doing);
      try {
        return await this.#attempt(call, expected, ending.signal);
      } finally {
        this.#places.leave();
      }
    } finally {
      for (const signal of signals) signal.removeEventListener("abort", end);
    }
  }

  /**
   * One attempt, outside the limit on concurrent requests, also while the task is stopping: for the check at the start
   * and for cleaning up. Returns the failure, if any, instead of throwing.
   */
  async sendOnce(call: StoreCall<void>): Promise<ExpectedFailure | undefined> {
    try {
      await this.#withTimeout(call, NEVER);
      return undefined;
    } catch (error) {
      return new ExpectedFailure(judgeStoreFailure(error), error);
    }
  }

  /** Shows in the status that the task waits for the store, until a request succeeds. */
  noteWaiting(failure: StoreFailure): void {
    this.#wait(failure);
  }

  async #attempt<T>(
    call: StoreCall<T>,
    expected: readonly StoreFailure["kind"][],
    ending: AbortSignal,
  ): Promise<T | ExpectedFailure> {
    const { clock, random } = this.context;
    for (let attempt = 1; ; attempt++) {
      if (ending.aborted) throw this.stopped(call.doing);
      try {
        const result = await this.#withTimeout(call, ending);
        this.#answered();
        return result;
      } catch (error) {
        if (ending.aborted) throw this.stopped(call.doing, error);
        const failure = judgeStoreFailure(error);
        if (expected.includes(failure.kind)) {
          this.#answered();
          return new ExpectedFailure(failure, error);
        }
        if (failure.kind !== "transient" && failure.kind !== "write-conflict")
          throw storeError(failure, this.place, call.doing, error);
        const isLast = attempt >= this.settings.attempts;
        // A single failure is normal, such as a kept-alive connection that the store had closed.
        if (attempt > 1 || isLast) this.#wait(failure);
        if (isLast) throw this.#unavailable(call.doing, failure, error);
        const ceilingMs = Math.min(MAX_BACKOFF_MS, this.settings.backoffMs * 2 ** (attempt - 1));
        await clock.delay(random.next() * ceilingMs, ending);
      }
    }
  }

  async #withTimeout<T>(call: StoreCall<T>, stopping: AbortSignal): Promise<T> {
    const { clock } = this.context;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    stopping.addEventListener("abort", abort, { once: true });
    let timedOut = false;
    const timer = clock.schedule(call.timeoutMs, () => {
      timedOut = true;
      attempt.abort();
    });
    try {
      return await call.run(attempt.signal);
    } catch (error) {
      // A store may refuse a request before it has read its body. The rest must not be sent: its memory is used again,
      // and its connection would take the next request for the rest of this body.
      attempt.abort();
      if (!timedOut) throw error;
      throw Object.assign(new Error(`no answer within ${call.timeoutMs} ms`, { cause: error }), {
        name: "TimeoutError",
      });
    } finally {
      timer.cancel();
      stopping.removeEventListener("abort", abort);
    }
  }

  #wait(failure: StoreFailure): void {
    const { bucket, endpoint } = this.place;
    if (!this.#waiting) {
      this.context.logger.warn("The object store does not answer as it should; repeating", {
        bucket,
        endpoint,
        cause: failure.cause,
      });
    }
    this.#waiting = true;
    this.context.waitingFor(`S3 bucket ${bucket} at ${endpoint}: ${failure.cause}`);
  }

  #answered(): void {
    if (!this.#waiting) return;
    this.#waiting = false;
    this.context.logger.info("The object store answers again", { bucket: this.place.bucket });
    this.context.waitingFor(null);
  }

  #unavailable(doing: string, failure: StoreFailure, cause: unknown): RetriableError {
    return new RetriableError(
      "S3_UNAVAILABLE",
      `S3 bucket ${this.place.bucket} at ${this.place.endpoint}: ${doing} failed: ${failure.cause}. It will be tried again.`,
      { cause },
    );
  }

  /** The error of a call that its task or partition no longer needs. */
  stopped(doing: string, cause?: unknown): RetriableError {
    return new RetriableError(
      "S3_UNAVAILABLE",
      `${doing} was abandoned because the task is stopping, or has lost the partition.`,
      { cause },
    );
  }
}
