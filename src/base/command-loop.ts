import { deferred } from "./deferred.js";

/** Rejects a command that did not run because the loop ended first. */
export class LoopEndedError extends Error {
  override readonly name = "LoopEndedError";
  constructor(readonly command: string) {
    super(`${command} was not run: it is shutting down`);
  }
}

interface Command {
  readonly name: string;
  readonly shares: boolean;
  run(): Promise<void>;
  abandon(error: unknown): void;
}

/**
 * Runs commands one at a time, in order of submission; neighbours that share run together. REST handlers, group
 * callbacks and timers never change a state that a loop owns: they submit a command and await its answer.
 */
export class CommandLoop {
  readonly #queue: Command[] = [];
  #wake = deferred();
  #ended = false;

  /**
   * Queues `step`; resolves with what it returns, rejects with what it throws or with LoopEndedError.
   *
   * @param shares it may run together with commands next to it that share, too. The next one waits for all of them.
   */
  submit<T>(name: string, step: () => T | Promise<T>, shares = false): Promise<T> {
    const answer = deferred<T>();
    if (this.#ended) {
      answer.reject(new LoopEndedError(name));
      return answer.promise;
    }
    const run = async () => {
      try {
        answer.resolve(await step());
      } catch (error) {
        answer.reject(error);
      }
    };
    this.#queue.push({ name, shares, run, abandon: answer.reject });
    this.#wake.resolve();
    return answer.promise;
  }

  /** Runs commands until `signal` aborts. The running command finishes; the waiting ones are rejected. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wake.resolve();
    signal.addEventListener("abort", wake, { once: true });
    while (!signal.aborted) {
      const commands = this.#next();
      if (commands.length > 0) {
        await Promise.all(commands.map((command) => command.run()));
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

  /** The first command, with those behind it that may run beside it. */
  #next(): Command[] {
    const alone = this.#queue.findIndex(({ shares }) => !shares);
    const sharing = alone < 0 ? this.#queue.length : alone;
    return this.#queue.splice(0, Math.max(1, sharing));
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
