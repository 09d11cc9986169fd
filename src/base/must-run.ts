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
