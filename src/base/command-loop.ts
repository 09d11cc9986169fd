import { deferred } from "./deferred.js";

/** What a submitter gets when the loop ended before its command was run. */
export class LoopEndedError extends Error {
  override readonly name = "LoopEndedError";
  constructor(readonly command: string) {
    super(`${command} was not run: it is shutting down`);
  }
}

interface Command<S> {
  readonly name: string;
  run(state: S): Promise<void>;
  abandon(error: unknown): void;
}

/**
 * The one writer of a state. REST handlers, group callbacks and timers never touch the state: they submit a command
 * and await its answer; commands run one at a time, in order of submission.
 */
export class CommandLoop<S> {
  readonly #queue: Command<S>[] = [];
  #wake = deferred();
  #ended = false;

  constructor(private readonly state: S) {}

  /** Commands that wait. */
  get depth(): number {
    return this.#queue.length;
  }

  /** Queues `step`; resolves with what it returns, rejects with what it throws or with LoopEndedError. */
  submit<T>(name: string, step: (state: S) => T | Promise<T>): Promise<T> {
    const answer = deferred<T>();
    if (this.#ended) {
      answer.reject(new LoopEndedError(name));
      return answer.promise;
    }
    const run = async (state: S) => {
      try {
        answer.resolve(await step(state));
      } catch (error) {
        answer.reject(error);
      }
    };
    this.#queue.push({ name, run, abandon: answer.reject });
    this.#wake.resolve();
    return answer.promise;
  }

  /** Runs commands until `signal` aborts; what still waits then is rejected. The command at work is finished first. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake.resolve();
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      const command = this.#queue.shift();
      if (command) {
        await command.run(this.state);
        continue;
      }
      this.#wake = deferred();
      if (this.#queue.length > 0 || signal.aborted) continue;
      await this.#wake.promise;
    }
    signal.removeEventListener("abort", wake);
    this.#ended = true;
    for (const command of this.#queue.splice(0)) command.abandon(new LoopEndedError(command.name));
  }
}

/** A loop that the process cannot do without has ended. */
export class LoopDiedError extends Error {
  override readonly name = "LoopDiedError";
}

/**
 * Watches one of our own loops: a store's reader, the herder's commands. When the loop fails, the error is thrown where
 * nothing can catch it, and the process (or the thread) ends with its reason. Left running without the loop, a worker
 * would answer from a state that no longer changes.
 *
 * @param name for the message: `the reader of topic connect-configs`.
 */
export function mustRun(name: string, loop: Promise<unknown>): void {
  loop.catch((cause: unknown) => {
    queueMicrotask(() => {
      throw new LoopDiedError(`${name} has ended: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    });
  });
}
