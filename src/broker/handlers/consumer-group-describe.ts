import type { ResponseInput } from "../../protocol/api.js";
import { consumerGroupDescribe as api } from "../../protocol/apis/consumer-group-describe.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { authorizedOperations } from "../access/access.js";
import { listed, type PartitionsByTopic, together } from "../groups/consumer/assignment/topic-partitions.js";
import type { ConsumerGroup } from "../groups/consumer/consumer-group.js";
import { type Broker, type Call, defineHandler } from "../handler.js";

type GroupAnswer = ResponseInput<typeof api>["groups"][number];
type MemberAnswer = GroupAnswer["members"][number];

/** The protocol that a member uses. */
const MEMBER_TYPES = { classic: 0, consumer: 1 } as const;

/**
 * ConsumerGroupDescribe (key 69), v0-v1.
 * Describes groups of the consumer protocol; of a classic group, as of one that does not exist, the answer is
 * GROUP_ID_NOT_FOUND, and clients ask DescribeGroups. v1: the protocol of each member.
 */
export const consumerGroupDescribe = defineHandler(api, {
  versions: [0, 1],
  authorize: "by resource",
  handle: ({ groupIds, includeAuthorizedOperations }, call) => ({
    throttleTimeMs: 0,
    // A group that is listed many times is described once: its members may take megabytes.
    groups: [...new Set(groupIds)].map((groupId) => {
      const { access } = call;
      if (!access.allows("DESCRIBE", "GROUP", groupId)) return refused(groupId, "GROUP_AUTHORIZATION_FAILED", null);
      const answer = described(groupId, call);
      if (!includeAuthorizedOperations) return answer;
      return { ...answer, authorizedOperations: authorizedOperations(access, "GROUP", groupId) };
    }),
  }),
});

function described(groupId: string, { broker, access }: Call): GroupAnswer {
  const { groups } = broker;
  if (groupId === "") return refused(groupId, "INVALID_GROUP_ID", null);
  const group = groups.consumerGroup(groupId);
  if (!group) {
    const isClassic = groups.describe(groupId) !== undefined;
    const message = isClassic ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`;
    return refused(groupId, "GROUP_ID_NOT_FOUND", message);
  }
  const members = membersOf(group, broker);
  const shown = new Set(
    members.flatMap(({ assignment, targetAssignment }) => {
      return [...assignment.topicPartitions, ...targetAssignment.topicPartitions].map(({ topicName }) => topicName);
    }),
  );
  if (![...shown].every((topic) => access.allows("DESCRIBE", "TOPIC", topic))) {
    const message = "The group has described topic(s) that the client is not authorized to describe.";
    return refused(groupId, "TOPIC_AUTHORIZATION_FAILED", message);
  }
  return {
    errorCode: ErrorCodes.NONE,
    groupId,
    groupState: group.phase,
    groupEpoch: group.state.epoch,
    assignmentEpoch: group.state.targetEpoch,
    assignorName: group.assignor,
    members,
  };
}

function membersOf({ state }: ConsumerGroup, { topics }: Broker): MemberAnswer[] {
  const named = (assigned: PartitionsByTopic) => ({
    // Of a topic that was deleted its members may not know yet.
    topicPartitions: listed(assigned).flatMap(({ topicId, partitions }) => {
      const topic = topics.byId(topicId);
      return topic ? [{ topicId, topicName: topic.name, partitions }] : [];
    }),
  });
  return [...state.members].map(([memberId, member]) => {
    const { memberEpoch, assigned, pendingRevocation } = state.current(memberId);
    return {
      memberId,
      instanceId: member.instanceId,
      rackId: member.rackId,
      memberEpoch,
      clientId: member.clientId,
      clientHost: member.clientHost,
      subscribedTopicNames: member.subscribedTopicNames,
      subscribedTopicRegex: member.subscribedTopicRegex,
      assignment: named(together(assigned, pendingRevocation)),
      targetAssignment: named(state.target(memberId)),
      memberType: member.classic ? MEMBER_TYPES.classic : MEMBER_TYPES.consumer,
    };
  });
}

function refused(groupId: string, error: ErrorName, errorMessage: string | null): GroupAnswer {
  const nothing = { groupState: "", groupEpoch: 0, assignmentEpoch: 0, assignorName: "", members: [] };
  return { errorCode: ErrorCodes[error], errorMessage, groupId, ...nothing };
}
