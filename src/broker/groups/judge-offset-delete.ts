import { ErrorCodes } from "../../protocol/error-codes.js";
import type { GroupSnapshot } from "./classic/classic-group.js";
import { subscribedTopics } from "./classic/subscribed-topics.js";

/** An error code for a whole OffsetDelete, and the error code for the offsets of a topic. */
export interface OffsetDeleteVerdict {
  readonly errorCode: number;
  readonly refusalOf: (topic: string) => number;
}

/** What the verdict on a group of the consumer protocol depends on. */
interface ConsumerSubscriptions {
  subscribedNames(): ReadonlySet<string>;
}

/** Judges an OffsetDelete: topics that members read are refused. @param group undefined: there is no such group. */
export function judgeOffsetDelete(group: GroupSnapshot | ConsumerSubscriptions | undefined): OffsetDeleteVerdict {
  if (!group) return refusedDelete(ErrorCodes.GROUP_ID_NOT_FOUND);
  if ("subscribedNames" in group) return unlessSubscribed(group.subscribedNames());
  if (group.members.length === 0 && group.state === "Empty") return refusedDelete(ErrorCodes.NONE);
  if (group.protocolType !== "consumer") return refusedDelete(ErrorCodes.NON_EMPTY_GROUP);
  return unlessSubscribed(subscribedTopics(group));
}

/** The same answer for all. */
export function refusedDelete(errorCode: number): OffsetDeleteVerdict {
  return { errorCode, refusalOf: () => errorCode };
}

/** @param subscribed undefined: unknown, so that it may be any topic. */
function unlessSubscribed(subscribed: ReadonlySet<string> | undefined): OffsetDeleteVerdict {
  const refusalOf = (topic: string) =>
    !subscribed || subscribed.has(topic) ? ErrorCodes.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCodes.NONE;
  return { errorCode: ErrorCodes.NONE, refusalOf };
}
