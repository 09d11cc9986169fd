import { type Clock, errorKind, type Logger, type Random } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import type { ConfigSnapshot } from "../stores/config-fold.js";
import type { Worker } from "../worker/worker.js";
import { restoreReferences } from "./config-references.js";
import { judgeTaskConfigs } from "./task-configs-plan.js";

export interface TaskConfigPublisherOptions {
  readonly worker: Worker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  configs(): ConfigSnapshot;
  /** Has the leader write them: this worker, or another one over HTTP. */
  publish(connector: string, taskConfigs: readonly Readonly<Record<string, string>>[]): Promise<void>;
}

/**
 * Asks connectors for their task configs and has changed ones published. Runs beside the herder's loop, since
 * `taskConfigs` is a plugin's code and may take long; one connector at a time is asked once, and again if it was
 * requested meanwhile.
 */
export class TaskConfigPublisher {
  /** Connectors at work; true when they have to be asked again. */
  readonly #working = new Map<string, boolean>();

  constructor(private readonly options: TaskConfigPublisherOptions) {}

  request(connector: string): void {
    if (this.#working.has(connector)) {
      this.#working.set(connector, true);
      return;
    }
    this.#working.set(connector, false);
    void this.#work(connector);
  }

  async #work(connector: string): Promise<void> {
    const { clock, random, logger, signal } = this.options;
    const backoff = new Backoff({ initialMs: 250, maxMs: 60_000, jitter: 0 }, random);
    while (!signal.aborted) {
      this.#working.set(connector, false);
      try {
        await this.#reconfigure(connector);
        if (!this.#working.get(connector)) break;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) break;
        // Not running: it asks again once it does. A bad config stays bad until it is changed, which asks again, too.
        const kind = errorKind(error);
        if (kind === "conflict" || kind === "config") {
          if (kind === "config") logger.error("A connector gives no task configs", { connector }, error);
          if (this.#working.get(connector)) continue;
          break;
        }
        logger.warn("The task configs of a connector could not be published; it is tried again", { connector }, error);
        await clock.delay(backoff.nextMs(), signal);
      }
    }
    this.#working.delete(connector);
  }

  async #reconfigure(connector: string): Promise<void> {
    const { worker, configs, publish } = this.options;
    const generated = await worker.taskConfigs(connector);
    const entry = configs().connectors.get(connector);
    if (entry?.targetState !== "STARTED") return;
    const fresh = generated.map((config) => restoreReferences(config, entry.config));
    if (judgeTaskConfigs(entry, fresh) === "publish") await publish(connector, fresh);
  }
}
