/** As long as a server waits for us by default (wal_sender_timeout). */
const LIMIT_MS = 60_000;
/** By then TCP has given up by itself. */
const LONGEST_MS = 900_000;

/** What a look at the connection, at each timed status update, found. */
export interface Look {
  readonly elapsedMs: number;
  /** Time from one look to the next, when nothing is late. */
  readonly intervalMs: number;
  /** Bytes came since the last look, or we did not read: then the server may have answered. */
  readonly mayHaveAnswered: boolean;
}

/**
 * For how long the server has not answered, though each status update asked it to. A process that was suspended comes
 * back late and has not read yet: that time counts for no more than two intervals.
 */
export function judgeSilence(silentMs: number, { elapsedMs, intervalMs, mayHaveAnswered }: Look): number {
  return mayHaveAnswered ? 0 : silentMs + Math.min(elapsedMs, 2 * intervalMs);
}

/**
 * How long a silence is borne before the connection is given up as half open. Outlives connections: older servers say
 * nothing while they decode a large transaction of tables that are not published, and would never get through it if
 * each connection were cut at the same time.
 */
export class SilenceLimit {
  #limitMs = LIMIT_MS;

  get limitMs(): number {
    return this.#limitMs;
  }

  /** A connection was given up. */
  lengthen(): void {
    this.#limitMs = Math.min(LONGEST_MS, this.#limitMs * 2);
  }

  /** Changes came: the server got through. */
  reset(): void {
    this.#limitMs = LIMIT_MS;
  }
}
