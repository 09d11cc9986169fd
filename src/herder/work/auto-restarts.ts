import type { Clock, ErrorKind, Logger, Timer } from "../../api/index.js";
import type { StatusSubject } from "../../stores/status-fold.js";
import type { ConnectorState } from "../../worker/worker.js";
import type { AutoRestartPolicy } from "../config/auto-restart-config.js";
import { autoRestartNote, NO_RESTARTS, planAutoRestart, type RestartHistory } from "./auto-restart-plan.js";

export interface AutoRestartsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The connector's policy and the offset of the config that holds it; undefined if the connector is gone. */
  policyOf(connector: string): { readonly policy: AutoRestartPolicy; readonly configOffset: number } | undefined;
  /** Restarts it if it is still this worker's, and still waits. Must not throw. */
  restart(subject: StatusSubject): void;
}

interface Restarts extends RestartHistory {
  /** Another config starts with a fresh budget. */
  readonly configOffset: number;
  /** Undefined once it starts anew or has left FAILED. */
  readonly timer: Timer | undefined;
}

/**
 * Restarts connectors and tasks of this worker that failed, as far as their owner asks for it (`errors.restart.*`). It
 * hears every status of theirs, and the newest one decides: a restart waits only as long as FAILED is the newest.
 */
export class AutoRestarts {
  readonly #restarts = new Map<string, Restarts>();

  constructor(private readonly options: AutoRestartsOptions) {}

  /**
   * It has failed. Schedules its restart, if it gets one.
   *
   * @param kind the error's kind, null for an error outside the six.
   * @returns what will happen, for its status; undefined if its owner asked for no restarts.
   */
  failed(subject: StatusSubject, kind: ErrorKind | null): string | undefined {
    const { clock, logger, policyOf } = this.options;
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    known?.timer?.cancel();
    this.#restarts.delete(key);
    const found = policyOf(subject.connector);
    if (!found) return undefined;
    const { policy, configOffset } = found;
    const history = known?.configOffset === configOffset ? known : NO_RESTARTS;
    const plan = planAutoRestart(policy, history, kind, clock.monotonicMs());
    if (plan.restart) {
      const timer = clock.schedule(plan.delayMs, () => {
        if (!policyOf(subject.connector)) return void this.#restarts.delete(key);
        logger.info("A failed connector or task is restarted", { ...subject, attempt: plan.attempt });
        this.options.restart(subject);
      });
      this.#restarts.set(key, { attempts: plan.attempt, runningSinceMs: undefined, configOffset, timer });
    }
    return autoRestartNote(plan, policy, kind, clock.nowMs());
  }

  /** It has this state, no longer FAILED: its restart has begun, or somebody else restarted, stopped or moved it. */
  left(subject: StatusSubject, state: Exclude<ConnectorState, "FAILED">): void {
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    if (!known) return;
    known.timer?.cancel();
    if (state === "UNASSIGNED") return void this.#restarts.delete(key);
    const runningSinceMs = state === "RUNNING" ? (known.runningSinceMs ?? this.options.clock.monotonicMs()) : undefined;
    this.#restarts.set(key, { ...known, timer: undefined, runningSinceMs });
  }

  /** It starts anew, at whoever's request: the restart that waits would only interrupt that start. */
  begun(subject: StatusSubject): void {
    const key = keyOf(subject);
    const known = this.#restarts.get(key);
    if (!known) return;
    known.timer?.cancel();
    this.#restarts.set(key, { ...known, timer: undefined });
  }

  /** Whether its restart has not begun yet. Between the timer and the restart somebody else may have restarted it. */
  isWaiting(subject: StatusSubject): boolean {
    return this.#restarts.get(keyOf(subject))?.timer !== undefined;
  }

  /** Nothing restarts any more. */
  stop(): void {
    for (const { timer } of this.#restarts.values()) timer?.cancel();
    this.#restarts.clear();
  }
}

function keyOf({ connector, task }: StatusSubject): string {
  return JSON.stringify([connector, task ?? null]);
}
