import { ErrorCodes } from "../../protocol/error-codes.js";
import type { Topic, TopicRegistry } from "../topics/topic-registry.js";

/** The topic that a request names, by name or (in newer versions) by id, or an error code. */
export function findTopic(
  topics: TopicRegistry,
  name: string,
  topicId: string,
  byId: boolean,
): { readonly topic: Topic | undefined; readonly errorCode: number } {
  const topic = byId ? topics.byId(topicId) : topics.get(name);
  if (topic) return { topic, errorCode: ErrorCodes.NONE };
  return { topic, errorCode: byId ? ErrorCodes.UNKNOWN_TOPIC_ID : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION };
}

/** Compares a client's leader epoch with the current one; -1 is not checked (KIP-320). Returns an error code. */
export function leaderEpochFault(known: number, current: number): number {
  if (known === -1 || known === current) return ErrorCodes.NONE;
  return known < current ? ErrorCodes.FENCED_LEADER_EPOCH : ErrorCodes.UNKNOWN_LEADER_EPOCH;
}
