/**
 * Runs something that ends with whichever of the signals aborts first. Not `AbortSignal.any`: in Node 20 a signal
 * remembers whatever was made from it, and one that lives as long as a task would remember every poll.
 *
 * @param signals those that are undefined never abort.
 */
export async function withAnySignal<T>(
  signals: readonly (AbortSignal | undefined)[],
  run: (any: AbortSignal) => Promise<T>,
): Promise<T> {
  const any = new AbortController();
  const end = () => any.abort();
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
