/** The default of wal_sender_timeout, the server's own limit for us. */
const LIMIT_MS = 60_000;
/** TCP itself gives up at about this time. */
const LONGEST_MS = 900_000;

/** The connection's state at one timed status update. */
export interface Look {
  readonly elapsedMs: number;
  /** The planned time between two looks. */
  readonly intervalMs: number;
  /** Bytes arrived since the last look, or we were not reading and may have missed an answer. */
  readonly mayHaveAnswered: boolean;
}

/**
 * How long the server has not answered, though each status update requested a reply. A suspended process wakes up late
 * and has not read yet: that time counts for at most two intervals.
 */
export function judgeSilence(silentMs: number, { elapsedMs, intervalMs, mayHaveAnswered }: Look): number {
  return mayHaveAnswered ? 0 : silentMs + Math.min(elapsedMs, 2 * intervalMs);
}

/**
 * The silence after which a connection counts as half open. Outlives connections: older servers send nothing while they
 * decode a large transaction on unpublished tables, and would never finish if each connection were cut after the same
 * time.
 */
export class SilenceLimit {
  #limitMs = LIMIT_MS;

  get limitMs(): number {
    return this.#limitMs;
  }

  /** A connection was closed for its silence. */
  lengthen(): void {
    this.#limitMs = Math.min(LONGEST_MS, this.#limitMs * 2);
  }

  /** Changes arrived: the server has finished the long transaction. */
  reset(): void {
    this.#limitMs = LIMIT_MS;
  }
}
