import type { Clock, Timer } from "../base/clock.js";
import type { Logger } from "../base/logger.js";

/** Recurring work: `run` is called `intervalMs` after its last run ended. */
export interface Chore {
  readonly name: string;
  readonly intervalMs: () => number;
  readonly run: () => void | Promise<void>;
}

/** The broker's recurring work. A failed chore is logged and runs again at its next time. */
export class Maintenance {
  readonly #timers = new Map<Chore, Timer>();
  #stopped = false;

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Throws when the data folder belongs to another process. */
    private readonly checkFolder: () => void,
  ) {}

  start(chore: Chore): void {
    if (this.#stopped) return;
    this.#timers.set(
      chore,
      this.clock.schedule(chore.intervalMs(), () => {
        void this.#run(chore);
      }),
    );
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
  }

  async #run(chore: Chore): Promise<void> {
    try {
      this.checkFolder();
      await chore.run();
    } catch (cause) {
      if (!this.#stopped) this.logger.error("A chore failed and will be tried again", { chore: chore.name }, cause);
    }
    this.start(chore);
  }
}
