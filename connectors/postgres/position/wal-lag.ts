import type { Clock, Logger, Timer } from "../../../src/api/index.js";
import type { Lsn } from "../wal/lsn.js";

/** The server is asked this often. */
const MEASURE_MS = 10_000;
/** A server that has just written may answer before it has sent that: it is asked to show its position once more. */
const SHOW_AGAIN_MS = 1_000;

export interface WalLagParts {
  /** Asks the server for the end of its WAL. May reject. */
  readonly walEnd: () => Promise<Lsn>;
  /** Everything before it was received, as far as the server has shown. */
  readonly position: () => Lsn;
  /** Asks the server to show how far it has sent: on a quiet publication nothing else moves `position`. */
  readonly requestPosition: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The bytes of WAL between a stream's position and the end of the server's WAL. The end is asked for in the background,
 * one query at a time; a query that fails or stays unanswered makes the lag unknown and has no other effect.
 */
export class WalLag {
  #end: Lsn | undefined;
  #timer: Timer | undefined;
  #again: Timer | undefined;
  #isAsked = false;
  #hasFailed = false;
  #isStopped = false;

  constructor(private readonly parts: WalLagParts) {}

  /** Undefined while it is unknown. */
  get bytes(): number | undefined {
    return this.#end === undefined ? undefined : Math.max(0, this.#end - this.parts.position());
  }

  /** Measures now, and again every ten seconds until `stop`. */
  start(): void {
    this.#timer = this.parts.clock.schedule(MEASURE_MS, () => this.start());
    if (this.#isAsked) this.#end = undefined;
    else void this.#measure();
  }

  stop(): void {
    this.#isStopped = true;
    this.#end = undefined;
    this.#timer?.cancel();
    this.#again?.cancel();
  }

  /** Never rejects. */
  async #measure(): Promise<void> {
    this.#isAsked = true;
    try {
      const end = await this.parts.walEnd();
      if (this.#isStopped) return;
      this.#end = end;
      this.#hasFailed = false;
      if (this.bytes === 0) return;
      this.parts.requestPosition();
      this.#again = this.parts.clock.schedule(SHOW_AGAIN_MS, () => {
        if (this.bytes !== 0) this.parts.requestPosition();
      });
    } catch (cause) {
      // A stop cuts the connection: that error is expected.
      if (this.#isStopped) return;
      this.#end = undefined;
      if (!this.#hasFailed)
        this.parts.logger.warn(
          "The lag behind the WAL is unknown, because the server's position cannot be read; changes are read all the same",
          {},
          cause,
        );
      this.#hasFailed = true;
    } finally {
      this.#isAsked = false;
    }
  }
}
