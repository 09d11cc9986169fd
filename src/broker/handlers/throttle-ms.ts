import type { Call } from "../handler.js";
import type { ByteRate } from "../quotas/client-quota.js";

/**
 * Counts bytes in the quota of a request's client. If it has passed it, its connection is muted.
 * @returns throttle_time_ms, by which clients wait, too.
 */
export function throttleMs(rate: ByteRate, bytes: number, { broker, session, clientId, mute }: Call): number {
  const delayMs = broker.quotas.record(rate, session.user, clientId, bytes);
  if (delayMs > 0) mute(delayMs);
  return delayMs;
}
