import type { Clock, Logger, Random } from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { errorMessage } from "../../base/trace/error-trace.js";
import type { OnConnectivity } from "../../kafka/client/client-options.js";
import { isRetriable } from "./error-policy.js";

interface AnswerWait {
  /** "Reading the stored offsets", for the log and the task's status. */
  readonly what: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Shows the reason for the wait; undefined once there is an answer. */
  readonly waiting: OnConnectivity;
}

/**
 * Repeats a call with growing delays while its failure may heal with time: a task waits for an absent Kafka as long as
 * it takes and does not fail. Its status shows the reason meanwhile; the log gets it once.
 *
 * @throws the call's last error, once `signal` aborts; at once if waiting cannot heal it.
 */
export async function untilAnswered<T>(
  call: () => Promise<T>,
  { what, clock, random, logger, signal, waiting }: AnswerWait,
): Promise<T> {
  const backoff = new Backoff({ initialMs: 500, maxMs: 10_000 }, random);
  for (;;) {
    try {
      const answer = await call();
      if (backoff.attempts > 0) waiting(undefined);
      return answer;
    } catch (error) {
      if (!isRetriable(error) || signal.aborted) throw error;
      const reason = `${what} is tried again until Kafka answers: ${errorMessage(error)}`;
      if (backoff.attempts === 0) logger.warn(reason);
      waiting(reason);
      await clock.delay(backoff.nextMs(), signal);
      if (signal.aborted) throw error;
    }
  }
}
