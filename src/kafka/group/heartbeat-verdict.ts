import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";

/**
 * What a heartbeat's answer, or the lack of one, means for the member:
 * - `alive`: the coordinator took it for alive; `rejoin`: it did, and waits for the member to join again;
 * - `dropped`: the coordinator does not know the member any more; it joins as a new one;
 * - `outdated`: the group has moved on without it; it joins again under the same id;
 * - `unreachable`: no coordinator answered for so long that the work may run elsewhere; it joins again under the same id;
 * - `search`: the coordinator has to be found anew, over another connection;
 * - `refused`: as `search`, and the reason will hardly heal by itself; `again`: the next heartbeat may do better.
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

/** How long nothing good was heard of the coordinator. */
export interface Silence {
  /** Since it last took the member for alive. */
  readonly silentMs: number;
  readonly sessionTimeoutMs: number;
  /** Since it could not be found or reached; 0 while it answers. */
  readonly unknownForMs: number;
  /** As in GroupMemberOptions. */
  readonly coordinatorTimeoutMs: number | undefined;
}

/** Judges a heartbeat, as Java's AbstractCoordinator and WorkerCoordinator do. @param error undefined for a good answer. */
export function judgeHeartbeat(error: unknown, silence: Silence): HeartbeatVerdict {
  if (error === undefined) return "alive";
  if (KafkaError.is(error, "REBALANCE_IN_PROGRESS")) return "rejoin";
  if (KafkaError.is(error, "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID")) return "dropped";
  if (KafkaError.is(error, "ILLEGAL_GENERATION")) return "outdated";
  if (isUnreachable(silence)) return "unreachable";
  if (silence.silentMs <= silence.sessionTimeoutMs) return "again";
  return error instanceof KafkaError && !error.retriable ? "refused" : "search";
}

/** Whether a member with a `coordinatorTimeoutMs` has to take its work for lost. */
export function isUnreachable({ silentMs, sessionTimeoutMs, unknownForMs, coordinatorTimeoutMs }: Silence): boolean {
  if (coordinatorTimeoutMs === undefined) return false;
  return unknownForMs >= coordinatorTimeoutMs || silentMs > sessionTimeoutMs;
}

/** What to do after a failed join or sync. */
export type JoinVerdict = "again-with-id" | "again-as-new" | "again" | "wait" | "refused";

/** Judges a failed JoinGroup or SyncGroup. "refused" will not heal by itself; the member still tries again, slowly. */
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
