/** The times of one host's signs of life, in ms on the monotonic clock. */
export interface HostSigns {
  readonly nowMs: number;
  /** When the host last sent a message, or was opened. */
  readonly lastHeardMs: number;
  /** When this worker last checked. A long gap means that our own thread was blocked. */
  readonly lastLookMs: number;
}

export type HostVerdict = { readonly kind: "answering" } | { readonly kind: "silent"; readonly silentMs: number };

/**
 * Judges whether a host must be replaced because it has not answered for `timeoutMs`. Silence does not count after the
 * worker's own thread was blocked: the answers then wait unread.
 */
export function judgeHost(signs: HostSigns, lookEveryMs: number, timeoutMs: number): HostVerdict {
  const { nowMs, lastHeardMs, lastLookMs } = signs;
  if (nowMs - lastLookMs > 3 * lookEveryMs) return { kind: "answering" };
  const silentMs = nowMs - lastHeardMs;
  return silentMs > timeoutMs ? { kind: "silent", silentMs } : { kind: "answering" };
}
