import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { offsetCommit as api } from "../../protocol/apis/offset-commit.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup } from "../access/access.js";
import type { PartitionOffset } from "../groups/group-offsets.js";
import { type Call, defineHandler } from "../handler.js";
import type { Topic } from "../topics/topic-registry.js";
import { findTopic } from "./topic-reference.js";

type CommitRequest = RequestOf<typeof api>;
type CommitResponse = ResponseInput<typeof api>;
type PartitionRequest = CommitRequest["topics"][number]["partitions"][number];

/**
 * OffsetCommit (key 8), v2-v10.
 * The offsets are in the offsets topic, and as durable as its flush.messages requires, before the answer.
 * v2-v4: retention time; v6: leader epochs; v7: static members; v8: flexible; v9: member epochs, GROUP_ID_NOT_FOUND; v10: topic ids.
 */
export const offsetCommit = defineHandler(api, {
  versions: [2, 10],
  authorize: toGroup("READ"),
  handle(request, call) {
    const { broker, apiVersion } = call;
    const accepted: PartitionOffset[] = [];
    const topics = request.topics.map(({ name, topicId, partitions }) => {
      const byId = apiVersion >= 10;
      const found = findTopic(broker.topics, name, topicId, byId);
      const known = byId ? found.topic?.name : name;
      const isDenied = known !== undefined && !call.access.allows("READ", "TOPIC", known);
      const topic = isDenied ? undefined : found.topic;
      const topicError = isDenied ? ErrorCodes.TOPIC_AUTHORIZATION_FAILED : found.errorCode;
      return {
        name,
        topicId,
        partitions: partitions.map((asked) => {
          const errorCode = topic ? faultOf(asked, topic, call) : topicError;
          if (topic && errorCode === ErrorCodes.NONE) accepted.push(offsetOf(asked, topic, request, call));
          return { partitionIndex: asked.partitionIndex, errorCode };
        }),
      };
    });
    const unknownGroup = apiVersion >= 9 ? ErrorCodes.GROUP_ID_NOT_FOUND : ErrorCodes.ILLEGAL_GENERATION;
    const command = {
      groupId: request.groupId,
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      generationId: request.generationIdOrMemberEpoch,
      knowsEpochs: apiVersion >= 9,
      offsets: accepted,
    };
    const answer = (errorCode: number): CommitResponse =>
      errorCode === ErrorCodes.NONE ? { throttleTimeMs: 0, topics } : refusedCommit(request, errorCode);
    const errorCode = broker.groups.commit(command, unknownGroup);
    const settled = errorCode === ErrorCodes.NONE ? broker.groups.settled(request.groupId) : undefined;
    return settled ? settled.then(answer) : answer(errorCode);
  },
  refuse: refusedCommit,
});

function faultOf({ partitionIndex, committedMetadata }: PartitionRequest, topic: Topic, { broker }: Call): number {
  if (!topic.logs[partitionIndex]) return ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  const tooLong = (committedMetadata?.length ?? 0) > broker.properties.number("offset.metadata.max.bytes");
  return tooLong ? ErrorCodes.OFFSET_METADATA_TOO_LARGE : ErrorCodes.NONE;
}

function offsetOf(asked: PartitionRequest, topic: Topic, request: CommitRequest, { broker }: Call): PartitionOffset {
  const nowMs = broker.clock.nowMs();
  return {
    topic: topic.name,
    partition: asked.partitionIndex,
    offset: asked.committedOffset,
    leaderEpoch: asked.committedLeaderEpoch,
    metadata: asked.committedMetadata ?? "",
    commitTimestamp: nowMs,
    expireTimestamp: request.retentionTimeMs < 0 ? -1 : nowMs + request.retentionTimeMs,
  };
}

function refusedCommit({ topics }: CommitRequest, errorCode: number): CommitResponse {
  return {
    throttleTimeMs: 0,
    topics: topics.map(({ name, topicId, partitions }) => {
      return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
    }),
  };
}
