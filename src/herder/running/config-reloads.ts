import type { Clock, Logger, Props, Random, Timer } from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { LoopEndedError } from "../../base/command-loop.js";

export interface ConfigReloadsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Runs a step as a command of the herder's loop. @throws LoopEndedError once the herder is closing */
  run(stage: string, step: () => Promise<void>): Promise<void>;
  /** Restarts the connector if it is assigned to this worker. Called within a command. @throws if it runs on as it is */
  restart(connector: string): Promise<void>;
}

/** A provider whose values are never valid must not keep a connector restarting without a pause. */
const SHORTEST_MS = 1_000;
/** Between the attempts of a restart that fails. */
const RETRY = { initialMs: 1_000, maxMs: 60_000 };
/** Timers cannot wait longer; the restart then resolves the values again. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Restarts connectors of this worker once a value that a config provider gave them is no longer valid (KIP-297), unless
 * they set `config.action.reload=none`. Their tasks restart if the connector configures them differently then.
 */
export class ConfigReloads {
  readonly #timers = new Map<string, Timer>();

  constructor(private readonly options: ConfigReloadsOptions) {}

  /**
   * Called when a connector starts.
   *
   * @param props with references resolved. @param ttlMs how long all of its values are valid; undefined: for ever.
   */
  resolved(connector: string, props: Props, ttlMs: number | undefined): void {
    this.ended(connector);
    if (ttlMs === undefined || props["config.action.reload"]?.trim() === "none") return;
    const backoff = new Backoff(RETRY, this.options.random);
    this.#schedule(connector, Math.min(Math.max(ttlMs, SHORTEST_MS), LONGEST_MS), backoff);
  }

  /** The connector stops here. */
  ended(connector: string): void {
    this.#timers.get(connector)?.cancel();
    this.#timers.delete(connector);
  }

  /** Nothing restarts any more. */
  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #schedule(connector: string, waitMs: number, backoff: Backoff): void {
    const timer = this.options.clock.schedule(waitMs, () => this.#restart(connector, timer, backoff));
    this.#timers.set(connector, timer);
  }

  #restart(connector: string, timer: Timer, backoff: Backoff): void {
    const { logger, run, restart } = this.options;
    // It may have been stopped, or started with new values, since the timer.
    const isDue = () => this.#timers.get(connector) === timer;
    logger.info("A connector restarts: a value of a config provider is no longer valid", { connector });
    run(`restarting connector ${connector} for new values of its config providers`, async () => {
      if (isDue()) await restart(connector);
    }).catch((error: unknown) => {
      if (error instanceof LoopEndedError || !isDue()) return;
      const retryMs = backoff.nextMs();
      logger.error(
        "A connector could not be restarted for new values of its config providers: it runs on with the old ones",
        { connector, retryMs },
        error,
      );
      this.#schedule(connector, retryMs, backoff);
    });
  }
}
