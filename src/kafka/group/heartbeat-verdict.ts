import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";

/** What a heartbeat's answer, or the lack of one, means for the member. */
export type HeartbeatVerdict = "alive" | "rejoin" | "lost" | "search";

/**
 * Judges a heartbeat.
 * @param error undefined for a good answer.
 * @param silentMs since the coordinator last took the member for alive.
 */
export function judgeHeartbeat(error: unknown, silentMs: number, sessionTimeoutMs: number): HeartbeatVerdict {
  if (error === undefined) return "alive";
  if (KafkaError.is(error, "REBALANCE_IN_PROGRESS")) return "rejoin";
  if (KafkaError.is(error, "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID")) return "lost";
  // Nobody has heard of us for a session: the coordinator, wherever it is, has given our work to others.
  return silentMs > sessionTimeoutMs ? "lost" : "search";
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
