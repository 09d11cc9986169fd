import type { Clock } from "../../api/clock.js";
import type { Random } from "../../api/random.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { ConnectionConfig } from "../client-properties.js";

/**
 * The inputs of retrying; a Cluster has them all. The delay doubles from `retry.backoff.ms` to `retry.backoff.max.ms`.
 */
export interface RetryContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly config: Pick<ConnectionConfig, "retryBackoffMs" | "retryBackoffMaxMs">;
}

/** The delay in milliseconds after this many failures in a row (1 or more), with a jitter of 20 %. */
export function backoffMs({ config, random }: RetryContext, failures: number): number {
  const plainMs = Math.min(config.retryBackoffMaxMs, config.retryBackoffMs * 2 ** (failures - 1));
  return plainMs * (0.8 + 0.4 * random.next());
}

/** Whether the same request may succeed later. Errors other than KafkaError are bugs and must surface. */
export function isRetriable(error: unknown): boolean {
  return error instanceof KafkaError && error.retriable;
}

export interface RetryOptions {
  /** Stops retrying after this time, with the last error. Infinity: never. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called before each wait. */
  readonly onRetry?: (error: KafkaError) => void;
}

/**
 * Runs `attempt` until it resolves, fails with an error that is not retriable, the time is up, or `signal` aborts.
 * @throws the last error of `attempt`.
 */
export async function retrying<T>(context: RetryContext, options: RetryOptions, attempt: () => Promise<T>): Promise<T> {
  const { clock } = context;
  const deadlineMs = clock.monotonicMs() + options.timeoutMs;
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetriable(error) || options.signal?.aborted) throw error;
      const waitMs = backoffMs(context, failures);
      if (clock.monotonicMs() + waitMs > deadlineMs) throw error;
      options.onRetry?.(error as KafkaError);
      await clock.delay(waitMs, options.signal);
      if (options.signal?.aborted) throw error;
    }
  }
}
