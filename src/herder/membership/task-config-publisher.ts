import type { Clock, Logger, Random } from "../../api/index.js";
import { Backoff } from "../../base/backoff.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { traceOf } from "../../base/trace/error-trace.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import type { StoredProps } from "../../stores/config-records.js";
import type { Worker } from "../../worker/worker.js";
import { restoreReferences } from "../config/config-references.js";
import type { Redactions } from "../config/redaction.js";
import { judgeTaskConfigs, mustRepeat } from "./task-configs-plan.js";

export interface TaskConfigPublisherOptions {
  readonly worker: Worker;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The values of the connectors' references must not get into the log. */
  readonly redactions: Redactions;
  configs(): ConfigSnapshot;
  /** The offset of the record that the connector was started from; undefined if it does not run here. */
  startedFrom(connector: string): number | undefined;
  /** Shows in the RUNNING connector's status why its tasks are not published; null once they are. */
  report(connector: string, trace: string | null): void;
  /**
   * Has the leader write them: this worker, or another one over HTTP.
   *
   * @param configOffset offset of the connector record that they were generated from.
   */
  publish(connector: string, taskConfigs: readonly StoredProps[], configOffset: number): Promise<void>;
}

/** It does not run here, or is gone. Judged by code, because a plugin's own errors may have the same kinds. */
const MOOT: ReadonlySet<unknown> = new Set(["CONNECTOR_NOT_RUNNING", "CONNECTOR_NOT_FOUND"]);

/**
 * Gets task configs from connectors and publishes changed ones. Runs beside the herder's loop, because `taskConfigs` is
 * a plugin's code and may take long. Each connector has at most one call in progress, and one more if a request arrived
 * meanwhile.
 */
export class TaskConfigPublisher {
  /** Connectors in progress; true if requested again. */
  readonly #working = new Map<string, boolean>();
  readonly #attempted = new Map<string, Deferred<void>>();

  constructor(private readonly options: TaskConfigPublisherOptions) {}

  request(connector: string): void {
    if (this.#working.has(connector)) {
      this.#working.set(connector, true);
      return;
    }
    this.#working.set(connector, false);
    mustRun(`The publisher of the task configs of ${connector}`, this.#work(connector));
  }

  /** Resolves once every request made so far for the connector has been tried, with success or without. */
  attempted(connector: string): Promise<void> {
    if (!this.#working.has(connector)) return Promise.resolve();
    const attempted = this.#attempted.get(connector) ?? deferred();
    this.#attempted.set(connector, attempted);
    return attempted.promise;
  }

  async #work(connector: string): Promise<void> {
    const { clock, random, logger, signal, report, redactions } = this.options;
    const backoff = new Backoff({ initialMs: 250, maxMs: 60_000, jitter: 0 }, random);
    while (!signal.aborted) {
      this.#working.set(connector, false);
      try {
        await this.#reconfigure(connector);
        if (backoff.attempts > 0) report(connector, null);
        if (!this.#working.get(connector)) break;
        backoff.reset();
      } catch (error) {
        if (signal.aborted) break;
        if (this.#isMoot(connector, error)) {
          if (this.#working.get(connector)) continue;
          break;
        }
        const trace = redactions.text(connector, traceOf(error));
        logger.warn("The task configs of a connector could not be published; retrying", { connector }, trace);
        report(connector, `Its task configurations could not be published; retrying: ${trace}`);
        if (!this.#working.get(connector)) this.#reportAttempt(connector);
        await clock.delay(backoff.nextMs(), signal);
      }
    }
    this.#working.delete(connector);
    this.#reportAttempt(connector);
  }

  #reportAttempt(connector: string): void {
    this.#attempted.get(connector)?.resolve();
    this.#attempted.delete(connector);
  }

  /** Whether a retry is useless: the connector is gone, FAILED, or does not run; it requests again once it runs. */
  #isMoot(connector: string, error: unknown): boolean {
    const state = this.options.worker.connectors().find(({ name }) => name === connector)?.state;
    if (state !== "RUNNING" && state !== "PAUSED") return true;
    return error instanceof Error && "code" in error && MOOT.has(error.code);
  }

  async #reconfigure(connector: string): Promise<void> {
    const { worker, configs, startedFrom, publish } = this.options;
    const configOffset = startedFrom(connector);
    const before = configs().connectors.get(connector);
    if (before?.targetState === "PAUSED") {
      if (before.configOffset === configOffset && mustRepeat(before))
        await publish(connector, before.taskConfigs, before.configOffset);
      return;
    }
    const generated = await worker.taskConfigs(connector);
    const entry = configs().connectors.get(connector);
    if (entry?.targetState !== "STARTED") return;
    // The task configs come from an older config. References are restored from the new one, so the value of a reference
    // that only the old one has would be published. The connector requests again once it runs with the new config.
    if (entry.configOffset !== configOffset) return;
    const fresh = generated.map((config) => restoreReferences(config, entry.config));
    if (judgeTaskConfigs(entry, fresh) === "publish") await publish(connector, fresh, entry.configOffset);
  }
}
