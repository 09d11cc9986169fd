import type { ErrorKind } from "../../api/index.js";
import { type AutoRestartPolicy, errorClass } from "../config/auto-restart-config.js";

/** The restarts of one connector or task so far. */
export interface RestartHistory {
  /** Automatic restarts in a row. */
  readonly attempts: number;
  /** When it last began to run, in monotonic ms. */
  readonly runningSinceMs: number | undefined;
}

export const NO_RESTARTS: RestartHistory = { attempts: 0, runningSinceMs: undefined };

/** Whether and when a failed connector or task restarts by itself. */
export type AutoRestart =
  | { readonly restart: true; readonly attempt: number; readonly delayMs: number }
  | { readonly restart: false; readonly why: "off" | "class" | "budget" };

/** Decides upon a failure at `nowMs` (monotonic). */
export function planAutoRestart(
  policy: AutoRestartPolicy,
  { attempts, runningSinceMs }: RestartHistory,
  kind: ErrorKind | null,
  nowMs: number,
): AutoRestart {
  const most = policy["errors.restart.max.attempts"];
  if (most === 0) return { restart: false, why: "off" };
  if (!policy["errors.restart.classes"].includes(errorClass(kind))) return { restart: false, why: "class" };
  const ranLong = runningSinceMs !== undefined && nowMs - runningSinceMs >= policy["errors.restart.reset.ms"];
  const attempt = (ranLong ? 0 : attempts) + 1;
  if (most !== -1 && attempt > most) return { restart: false, why: "budget" };
  const delayMs = policy["errors.restart.delay.ms"] * 2 ** Math.min(attempt - 1, 40);
  return { restart: true, attempt, delayMs: Math.min(delayMs, policy["errors.restart.delay.max.ms"]) };
}

/** The last line of the trace of a failed connector or task; undefined if its owner asked for no restarts. */
export function autoRestartNote(
  plan: AutoRestart,
  policy: AutoRestartPolicy,
  kind: ErrorKind | null,
  wallNowMs: number,
): string | undefined {
  const most = policy["errors.restart.max.attempts"];
  if (plan.restart) {
    const of = most === -1 ? "" : ` of ${most}`;
    return `Automatic restart ${plan.attempt}${of} at ${new Date(wallNowMs + plan.delayMs).toISOString()} (errors.restart.max.attempts)`;
  }
  if (plan.why === "off") return undefined;
  const reason =
    plan.why === "class"
      ? `errors.restart.classes lacks the error's class, ${errorClass(kind)}`
      : `it has failed after all ${most} of errors.restart.max.attempts`;
  return `No automatic restart: ${reason}. Remove the cause, then restart it`;
}
