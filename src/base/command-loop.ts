import { deferred } from "./deferred.js";

/** Rejects a command that did not run because the loop ended first. */
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
 * The only writer of a state. REST handlers, group callbacks and timers never touch the state: they submit a command
 * and await its answer. Commands run one at a time, in order of submission.
 */
export class CommandLoop<S> {
  readonly #queue: Command<S>[] = [];
  #wake = deferred();
  #ended = false;

  constructor(private readonly state: S) {}

  /** Waiting commands. */
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

  /** Runs commands until `signal` aborts. The running command finishes; the waiting ones are rejected. */
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

/** A loop that the process needs has failed. */
export class LoopDiedError extends Error {
  override readonly name = "LoopDiedError";
}

/**
 * Watches one of our own loops: a store's reader, the herder's commands. If the loop fails, the error is thrown where
 * nothing can catch it, so the process (or the thread) ends with that reason. Without the loop, a worker would keep
 * answering from a state that no longer changes.
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
