import { defineApi } from "../api.js";
import { array, bool, i8, i16, i32, message, str, struct, structs, uuid } from "../message-fields.js";

const assignment = struct({ topicPartitions: structs({ topicId: uuid, topicName: str, partitions: array(i32) }) });

/**
 * ConsumerGroupDescribe (key 69), v0-v1.
 * Describes groups of the consumer protocol (KIP-848). v1: the protocol of each member.
 */
export const consumerGroupDescribe = defineApi({
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: [0, 1],
  flexibleFrom: 0,
  request: { groupIds: array(str), includeAuthorizedOperations: bool },
  response: {
    throttleTimeMs: i32,
    groups: structs({
      errorCode: i16,
      errorMessage: message.nullable().or(null),
      groupId: str,
      groupState: str,
      groupEpoch: i32,
      assignmentEpoch: i32,
      assignorName: str,
      members: structs({
        memberId: str,
        instanceId: str.nullable().or(null),
        rackId: str.nullable().or(null),
        memberEpoch: i32,
        clientId: str,
        clientHost: str,
        subscribedTopicNames: array(str),
        subscribedTopicRegex: str.nullable().or(null),
        assignment,
        targetAssignment: assignment,
        memberType: i8.from(1).or(-1),
      }),
      authorizedOperations: i32.or(-2147483648),
    }),
  },
});
