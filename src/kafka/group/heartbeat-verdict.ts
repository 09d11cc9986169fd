import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";

/**
 * The meaning of a heartbeat's answer, or of its absence, for the member:
 * - `alive`: the coordinator counts it as alive; `rejoin`: it does, and waits for the member to join again;
 * - `dropped`: the coordinator no longer knows the member, which joins as a new one;
 * - `outdated`: the group is in a newer generation; the member joins again with the same id;
 * - `unreachable`: no answer for so long that the work may run elsewhere; the member joins again with the same id;
 * - `search`: the coordinator must be looked up again, over a new connection;
 * - `refused`: as `search`, but waiting will hardly help; `again`: the next heartbeat may succeed.
 */
export type HeartbeatVerdict =
  | "alive"
  | "rejoin"
  | "dropped"
  | "outdated"
  | "unreachable"
  | "search"
  | "refused"
  | "again";

/** The time since the last good answers of the coordinator. */
export interface Silence {
  /** Since it last counted the member as alive. */
  readonly silentMs: number;
  readonly sessionTimeoutMs: number;
  /** Since it became unreachable; 0 while it answers. */
  readonly unknownForMs: number;
  /** As in GroupMemberOptions. */
  readonly coordinatorTimeoutMs: number | undefined;
}

/**
 * Judges a heartbeat, as Java's AbstractCoordinator and WorkerCoordinator do.
 * @param error undefined after a success.
 */
export function judgeHeartbeat(error: unknown, silence: Silence): HeartbeatVerdict {
  if (error === undefined) return "alive";
  if (KafkaError.is(error, "REBALANCE_IN_PROGRESS")) return "rejoin";
  if (KafkaError.is(error, "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID")) return "dropped";
  if (KafkaError.is(error, "ILLEGAL_GENERATION")) return "outdated";
  if (isUnreachable(silence)) return "unreachable";
  if (silence.silentMs <= silence.sessionTimeoutMs) return "again";
  return error instanceof KafkaError && !error.retriable ? "refused" : "search";
}

/** Whether a member with a `coordinatorTimeoutMs` must consider its work lost. */
export function isUnreachable({ silentMs, sessionTimeoutMs, unknownForMs, coordinatorTimeoutMs }: Silence): boolean {
  if (coordinatorTimeoutMs === undefined) return false;
  return unknownForMs >= coordinatorTimeoutMs || silentMs > sessionTimeoutMs;
}

/**
 * The reaction to a failed join or sync, each time after a delay:
 * - `again-with-id`: join with the id that the coordinator has assigned, the first time at once;
 * - `again-as-new`: the work is lost; join without an id;
 * - `again`: the group has moved on; worth reporting only if it repeats;
 * - `wait`: a broker's failure; reported as the reason for waiting;
 * - `refused`: the owner is called, too, and the delay is longer.
 */
export type JoinVerdict = "again-with-id" | "again-as-new" | "again" | "wait" | "refused";

/** Judges a failed JoinGroup or SyncGroup. */
export function judgeJoin(error: KafkaError): JoinVerdict {
  switch (error.code) {
    case ErrorCodes.MEMBER_ID_REQUIRED:
      return "again-with-id";
    case ErrorCodes.UNKNOWN_MEMBER_ID:
    case ErrorCodes.FENCED_INSTANCE_ID:
      return "again-as-new";
    case ErrorCodes.REBALANCE_IN_PROGRESS:
    case ErrorCodes.ILLEGAL_GENERATION:
      return "again";
    default:
      return error.retriable ? "wait" : "refused";
  }
}
