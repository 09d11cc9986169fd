import type { Clock, Random } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { isRetriable } from "./error-policy.js";

/**
 * Makes a call again, with growing delays, for as long as it fails in a way that time can heal: a task waits for a Kafka
 * that is away, however long, and does not fail over it.
 *
 * @throws the call's last error, once `signal` aborts; at once when waiting cannot heal it.
 */
export async function untilAnswered<T>(
  call: () => Promise<T>,
  clock: Clock,
  random: Random,
  signal: AbortSignal,
): Promise<T> {
  const backoff = new Backoff({ initialMs: 500, maxMs: 10_000 }, random);
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isRetriable(error) || signal.aborted) throw error;
      await clock.delay(backoff.nextMs(), signal);
      if (signal.aborted) throw error;
    }
  }
}
