/** Without a reason Node makes an error for each, with its stack. */
const ENDED = "ended";

/**
 * Passes `run` a signal that aborts with the first of `signals`. Not `AbortSignal.any`: in Node 20 a signal keeps every
 * signal derived from it, so one that lives as long as a task would keep one for each poll.
 *
 * @param signals an undefined one never aborts.
 */
export async function withAnySignal<T>(
  signals: readonly (AbortSignal | undefined)[],
  run: (any: AbortSignal) => Promise<T>,
): Promise<T> {
  const any = new AbortController();
  const end = () => any.abort(ENDED);
  for (const signal of signals) {
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end, { once: true });
  }
  try {
    return await run(any.signal);
  } finally {
    for (const signal of signals) signal?.removeEventListener("abort", end);
  }
}
