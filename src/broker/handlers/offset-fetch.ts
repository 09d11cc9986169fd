import { offsetFetch as api } from "../../protocol/apis/offset-fetch.js";
import { ZERO_UUID } from "../../protocol/byte-reader.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import type { CommittedOffset } from "../groups/group-records.js";
import { type Broker, type Call, defineHandler } from "../handler.js";

const NOTHING: Pick<CommittedOffset, "offset" | "leaderEpoch" | "metadata"> = {
  offset: -1,
  leaderEpoch: -1,
  metadata: "",
};

const UNSTABLE = {
  committedOffset: -1,
  committedLeaderEpoch: -1,
  metadata: "",
  errorCode: ErrorCodes.UNSTABLE_OFFSET_COMMIT,
};

interface TopicRequest {
  readonly name: string;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

/**
 * OffsetFetch (key 9), v1-v10.
 * A partition without a committed offset is answered with -1 and no error. With `requireStable`, one for which a
 * transaction has committed an offset and not ended yet is refused: the client asks again (KIP-447).
 * v2: null means all; v5: leader epochs; v6: flexible; v7: stable offsets; v8: several groups; v9: the member is
 * checked in groups of the consumer protocol; v10: topic ids.
 */
export const offsetFetch = defineHandler(api, {
  versions: [1, 10],
  authorize: "by resource",
  handle({ groupId, topics, groups, requireStable }, call) {
    if (call.apiVersion >= 8) {
      // A group that is listed many times is answered once: all its offsets may be many.
      const answers = [...new Map(groups.map((group) => [group.groupId, group])).values()].map((group) => {
        const fault = faultOf(group, call);
        if (fault !== undefined) return { groupId: group.groupId, topics: [], errorCode: fault };
        const offsets = offsetsOf(group.groupId, group.topics, requireStable, call);
        return { groupId: group.groupId, topics: offsets, errorCode: ErrorCodes.NONE };
      });
      return { throttleTimeMs: 0, groups: answers };
    }
    const asked = topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null;
    // v1 has no error for the whole answer. Without one, a client would take the group for one without offsets.
    const errorCode = faultOf({ groupId, memberId: null, memberEpoch: -1 }, call) ?? ErrorCodes.NONE;
    return { throttleTimeMs: 0, topics: offsetsOf(groupId, asked, requireStable, call, errorCode), errorCode };
  },
  refuse: ({ groups }, errorCode) => ({
    throttleTimeMs: 0,
    errorCode,
    groups: groups.map(({ groupId }) => ({ groupId, topics: [], errorCode })),
  }),
});

interface GroupRequest {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
}

/** The error of a whole group; undefined: none. */
function faultOf({ groupId, memberId, memberEpoch }: GroupRequest, { broker, access }: Call): number | undefined {
  if (!access.allows("DESCRIBE", "GROUP", groupId)) return ErrorCodes.GROUP_AUTHORIZATION_FAILED;
  return broker.groups.fetchFault(groupId, memberId, memberEpoch);
}

function offsetsOf(
  groupId: string,
  topics: readonly TopicRequest[] | null,
  requireStable: boolean,
  { broker, access, apiVersion }: Call,
  fault: number = ErrorCodes.NONE,
) {
  const byId = apiVersion >= 10;
  const seen = (each: TopicRequest) => access.shows("DESCRIBE", "TOPIC", each.name);
  const all = () => (fault === ErrorCodes.NONE ? everythingOf(groupId, broker).filter(seen) : []);
  return (topics ?? all()).map(({ name, topicId, partitionIndexes }) => {
    const topic = byId ? broker.topics.byId(topicId)?.name : name;
    const isDenied = fault === ErrorCodes.NONE && topic !== undefined && !access.allows("DESCRIBE", "TOPIC", topic);
    const shownFault = isDenied ? ErrorCodes.TOPIC_AUTHORIZATION_FAILED : fault;
    return {
      name: topic ?? name,
      topicId,
      partitions: partitionIndexes.map((partitionIndex) => {
        const { offsets } = broker.groups;
        if (shownFault !== ErrorCodes.NONE) return { partitionIndex, ...UNSTABLE, errorCode: shownFault };
        if (requireStable && topic !== undefined && offsets.isPending(groupId, topic, partitionIndex)) {
          return { partitionIndex, ...UNSTABLE };
        }
        const committed = (topic !== undefined && offsets.get(groupId, topic, partitionIndex)) || NOTHING;
        return {
          partitionIndex,
          committedOffset: committed.offset,
          committedLeaderEpoch: committed.leaderEpoch,
          metadata: committed.metadata,
          errorCode: topic === undefined ? ErrorCodes.UNKNOWN_TOPIC_ID : ErrorCodes.NONE,
        };
      }),
    };
  });
}

function everythingOf(groupId: string, broker: Broker): TopicRequest[] {
  const partitions = new Map<string, number[]>();
  for (const { topic, partition } of broker.groups.offsets.all(groupId)) {
    const known = partitions.get(topic);
    if (known) known.push(partition);
    else partitions.set(topic, [partition]);
  }
  return [...partitions].map(([name, partitionIndexes]) => {
    return { name, topicId: broker.topics.get(name)?.id ?? ZERO_UUID, partitionIndexes };
  });
}
