import type { Call } from "../handler.js";

/** Without a message, as in Kafka: clients have one of their own for the error. */
export const QUOTA_EXCEEDED = { error: "THROTTLING_QUOTA_EXCEEDED", message: null } as const;

/**
 * The partitions that the client of one request may create or delete (`controller_mutation_rate`). Newer clients know
 * the error of a change that is refused; older ones are only made to wait.
 */
export class MutationQuota {
  #throttleMs = 0;

  /** @param strictFrom the first version whose clients know the error. */
  constructor(
    private readonly call: Call,
    private readonly strictFrom: number,
  ) {}

  /** Counts a change. Returns whether it may be made. */
  take(partitions: number): boolean {
    const { broker, session, clientId, apiVersion } = this.call;
    const isStrict = apiVersion >= this.strictFrom;
    const { isTaken, throttleMs } = broker.quotas.takeMutations(session.user, clientId, partitions, isStrict);
    this.#throttleMs = Math.max(this.#throttleMs, throttleMs);
    return isTaken;
  }

  /** throttle_time_ms of the answer; the connection is muted for as long. Called once all changes are counted. */
  end(): number {
    if (this.#throttleMs > 0) this.call.mute(this.#throttleMs);
    return this.#throttleMs;
  }
}
