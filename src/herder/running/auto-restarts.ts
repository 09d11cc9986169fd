import type { Clock, ErrorKind, Logger, Timer } from "../../api/index.js";
import { LoopEndedError } from "../../base/command-loop.js";
import type { ConfigSnapshot } from "../../stores/config-fold.js";
import type { StatusSubject } from "../../stores/status-fold.js";
import type { ConnectorState } from "../../worker/worker.js";
import { type AutoRestartPolicy, autoRestartProps, parseAutoRestartPolicy } from "../config/auto-restart-config.js";
import type { ConfigProvider } from "../config/config-providers.js";
import { resolveReferences, withoutNulls } from "../config/config-references.js";
import { Redaction } from "../config/redaction.js";
import { taskKey } from "../work.js";
import { autoRestartNote, NO_RESTARTS, planAutoRestart, type RestartHistory } from "./auto-restart-plan.js";

export interface AutoRestartsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly providers: ReadonlyMap<string, ConfigProvider>;
  configs(): ConfigSnapshot;
  /** Runs a step as a command of the herder's loop. @throws LoopEndedError once the herder is closing */
  run(stage: string, step: () => Promise<void>): Promise<void>;
  /** Restarts it if it is assigned to this worker. Called within a command. */
  restart(subject: StatusSubject): Promise<void>;
}

interface Restarts extends RestartHistory {
  readonly policy: AutoRestartPolicy;
  /** Another config starts with a fresh budget. */
  readonly configOffset: number;
  /** Undefined once it starts anew or has left FAILED. */
  readonly timer: Timer | undefined;
}

/**
 * Restarts connectors and tasks of this worker after they have failed, where their configs ask for it
 * (`errors.restart.*`). The status reporter calls it with every status: a restart waits only while FAILED is the
 * newest.
 */
export class AutoRestarts {
  readonly #restarts = new Map<string, Restarts>();

  constructor(private readonly options: AutoRestartsOptions) {}

  /**
   * Called when a connector or task has failed. Schedules its restart, if its policy allows one more.
   *
   * @param kind the error's kind, null for an error outside the six.
   * @returns the line for its status: when it restarts, or why it does not; undefined if its config asks for no
   *   restarts.
   */
  failed(subject: StatusSubject, kind: ErrorKind | null): string | undefined {
    const { clock } = this.options;
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    known?.timer?.cancel();
    const found = this.#policyOf(subject);
    this.#restarts.delete(key);
    if (!found) return undefined;
    const { policy, configOffset } = found;
    const history = known?.configOffset === configOffset ? known : NO_RESTARTS;
    const plan = planAutoRestart(policy, history, kind, clock.monotonicMs());
    if (plan.restart) {
      const timer = clock.schedule(plan.delayMs, () => this.#restart(subject, plan.attempt));
      this.#restarts.set(key, { attempts: plan.attempt, runningSinceMs: undefined, policy, configOffset, timer });
    }
    return autoRestartNote(plan, policy, kind, clock.nowMs());
  }

  /** Called with a status other than FAILED: its restart has begun, or it was restarted, stopped or moved. */
  left(subject: StatusSubject, state: Exclude<ConnectorState, "FAILED">): void {
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    if (!known) return;
    known.timer?.cancel();
    if (state === "UNASSIGNED") return void this.#restarts.delete(key);
    const runningSinceMs = state === "RUNNING" ? (known.runningSinceMs ?? this.options.clock.monotonicMs()) : undefined;
    this.#restarts.set(key, { ...known, timer: undefined, runningSinceMs });
  }

  /** Called when it is about to start, for whatever reason: the restart that waits would only interrupt that start. */
  begun(subject: StatusSubject): void {
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    if (!known) return;
    known.timer?.cancel();
    this.#restarts.set(key, { ...known, timer: undefined });
  }

  /** Nothing restarts any more. */
  stop(): void {
    for (const { timer } of this.#restarts.values()) timer?.cancel();
    this.#restarts.clear();
  }

  #restart(subject: StatusSubject, attempt: number): void {
    const { logger, run, restart } = this.options;
    const key = keyOf(subject);
    if (!this.#policyOf(subject)) return void this.#restarts.delete(key);
    logger.info("A failed connector or task is restarted", { ...subject, attempt });
    const { connector, task } = subject;
    const name = task === undefined ? `connector ${connector}` : `task ${taskKey({ connector, task })}`;
    run(`restarting failed ${name}`, async () => {
      // Somebody else may have restarted it since the timer.
      if (this.#restarts.get(key)?.timer !== undefined) await restart(subject);
    }).catch((error: unknown) => {
      if (error instanceof LoopEndedError) return;
      logger.error("A failed connector or task could not be restarted", { ...subject }, error);
    });
  }

  /**
   * Undefined if the connector is gone, or its keys are invalid: then it stays FAILED. While its references cannot be
   * resolved, its last policy stands: the status promises the restart, and the outage may be why it failed.
   */
  #policyOf(subject: StatusSubject): { readonly policy: AutoRestartPolicy; readonly configOffset: number } | undefined {
    const { configs, logger, providers } = this.options;
    const { connector } = subject;
    const entry = configs().connectors.get(connector);
    if (!entry) return undefined;
    const redaction = new Redaction();
    const found = (reference: string, value: string) => redaction.note(reference, value);
    try {
      const props = withoutNulls(resolveReferences(autoRestartProps(entry.config), providers, found));
      return { policy: parseAutoRestartPolicy(props), configOffset: entry.configOffset };
    } catch (error) {
      const known = this.#restarts.get(keyOf(subject));
      const policy = known?.configOffset === entry.configOffset ? known.policy : undefined;
      const message = policy
        ? "The errors.restart keys of a connector cannot be read; those of its last restart stand"
        : "The errors.restart keys of a connector have no effect";
      logger.warn(message, { connector }, redaction.error(error));
      return policy && { policy, configOffset: entry.configOffset };
    }
  }
}

function keyOf({ connector, task }: StatusSubject): string {
  return JSON.stringify([connector, task ?? null]);
}
