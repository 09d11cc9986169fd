import { defineApi } from "../api.js";
import { array, i16, i32, message, str, struct, structs, uuid } from "../message-fields.js";

const topicPartitions = structs({ topicId: uuid, partitions: array(i32) });

/**
 * ConsumerGroupHeartbeat (key 68), v0-v1.
 * A member of a consumer group joins, stays or leaves, and learns what it is assigned (KIP-848). v1: subscription by a
 * regular expression; the member makes its own id.
 */
export const consumerGroupHeartbeat = defineApi({
  key: 68,
  name: "ConsumerGroupHeartbeat",
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    groupId: str,
    memberId: str,
    memberEpoch: i32,
    instanceId: str.nullable().or(null),
    rackId: str.nullable().or(null),
    rebalanceTimeoutMs: i32.or(-1),
    subscribedTopicNames: array(str).nullable().or(null),
    subscribedTopicRegex: str.nullable().from(1).or(null),
    serverAssignor: str.nullable().or(null),
    topicPartitions: topicPartitions.nullable().or(null),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable().or(null),
    memberId: str.nullable().or(null),
    memberEpoch: i32,
    heartbeatIntervalMs: i32,
    assignment: struct({ topicPartitions }).nullable().or(null),
  },
});
