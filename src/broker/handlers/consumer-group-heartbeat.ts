import { consumerGroupHeartbeat as api } from "../../protocol/apis/consumer-group-heartbeat.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { topicPartitions } from "../groups/consumer/assignment/topic-partitions.js";
import { type HeartbeatAnswer, heartbeatError } from "../groups/consumer/consumer-heartbeat.js";
import { defineHandler } from "../handler.js";

/**
 * ConsumerGroupHeartbeat (key 68), v0-v1.
 * Answered once what it has changed is as durable as flush.messages of the offsets topic requires. v1: regular
 * expressions, which match only topics that the client may describe; the member makes its own id.
 */
export const consumerGroupHeartbeat = defineHandler(api, {
  versions: [0, 1],
  authorize: ({ groupId, subscribedTopicNames }, access) => {
    if (!access.allows("READ", "GROUP", groupId)) return "GROUP_AUTHORIZATION_FAILED";
    const seesAll = (subscribedTopicNames ?? []).every((topic) => access.allows("DESCRIBE", "TOPIC", topic));
    return seesAll ? "NONE" : "TOPIC_AUTHORIZATION_FAILED";
  },
  handle({ groupId, topicPartitions: owned, ...request }, { broker, apiVersion, access, clientId, clientHost }) {
    const command = {
      ...request,
      clientId,
      clientHost,
      owned: owned === null ? undefined : topicPartitions(owned),
      mayMatch: (topic: string) => access.shows("DESCRIBE", "TOPIC", topic),
    };
    const answer = broker.groups.consumerHeartbeat(groupId, command, apiVersion >= 1);
    const settled = answer.errorCode === ErrorCodes.NONE ? broker.groups.settled(groupId) : undefined;
    if (!settled) return response(answer);
    return settled.then((code) => response(code === ErrorCodes.NONE ? answer : heartbeatError(code, null)));
  },
  refuse: (_, errorCode) => response(heartbeatError(errorCode, null)),
});

function response({ assignment, ...answer }: HeartbeatAnswer) {
  return { throttleTimeMs: 0, ...answer, assignment: assignment && { topicPartitions: assignment } };
}
