/** What is known of one task host's answers, in ms on the monotonic clock. */
export interface HostSigns {
  readonly nowMs: number;
  /** When the host was last heard of, or was opened. */
  readonly lastHeardMs: number;
  /** When this worker last looked: a long gap means that the silence is our own thread's. */
  readonly lastLookMs: number;
}

export type HostVerdict = { readonly kind: "answering" } | { readonly kind: "silent"; readonly silentMs: number };

/**
 * Decides whether a task host is to be replaced: it has not answered for `timeoutMs`. Silence does not count while the
 * worker's own thread was held up, since the answers then wait unread.
 */
export function judgeHost(signs: HostSigns, lookEveryMs: number, timeoutMs: number): HostVerdict {
  const { nowMs, lastHeardMs, lastLookMs } = signs;
  if (nowMs - lastLookMs > 3 * lookEveryMs) return { kind: "answering" };
  const silentMs = nowMs - lastHeardMs;
  return silentMs > timeoutMs ? { kind: "silent", silentMs } : { kind: "answering" };
}
