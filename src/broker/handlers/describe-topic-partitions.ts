import type { ResponseInput } from "../../protocol/api.js";
import { describeTopicPartitions as api } from "../../protocol/apis/describe-topic-partitions.js";
import { ZERO_UUID } from "../../protocol/byte-reader.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import { authorizedOperations } from "../access/access.js";
import { defineHandler } from "../handler.js";
import { partitionState } from "./partition-state.js";

type Response = ResponseInput<typeof api>;
type TopicAnswer = Response["topics"][number];

const MAX_PARTITIONS = 2000;

/**
 * DescribeTopicPartitions (key 75), v0.
 * Describes topics by name with their partitions, in pages: up to the limit of partitions, then a cursor to the next.
 */
export const describeTopicPartitions = defineHandler(api, {
  versions: [0, 0],
  authorize: "by resource",
  handle({ topics, responsePartitionLimit, cursor }, { broker, access }) {
    const { nodeId } = broker;
    const isAllowed = (name: string) => access.shows("DESCRIBE", "TOPIC", name);
    const all =
      topics.length === 0
        ? broker.topics.all().flatMap(({ name }) => (isAllowed(name) ? [name] : []))
        : topics.map(({ name }) => name);
    const names = [...new Set(all)].sort();
    const isElsewhere = cursor !== null && topics.length > 0 && !names.includes(cursor.topicName);
    if (cursor && (cursor.partitionIndex < 0 || isElsewhere)) return refusedCursor(names);
    const from = cursor ? names.filter((name) => name >= cursor.topicName) : names;
    let left = Math.min(Math.max(1, responsePartitionLimit), MAX_PARTITIONS);
    const answers: TopicAnswer[] = [];
    let nextCursor: Response["nextCursor"] = null;
    for (const name of from) {
      if (!access.allows("DESCRIBE", "TOPIC", name)) {
        answers.push({ ...missing(name), errorCode: ErrorCodes.TOPIC_AUTHORIZATION_FAILED });
        continue;
      }
      const topic = broker.topics.get(name);
      if (!topic) {
        answers.push(missing(name));
        continue;
      }
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
      if (left <= 0) {
        nextCursor = { topicName: name, partitionIndex: first };
        break;
      }
      const page = topic.logs.slice(first, first + left);
      left -= page.length;
      answers.push({
        errorCode: ErrorCodes.NONE,
        name,
        topicId: topic.id,
        isInternal: topic.isInternal,
        partitions: page.map((log, at) => ({
          ...partitionState(log, first + at, nodeId),
          eligibleLeaderReplicas: [],
          lastKnownElr: [],
        })),
        topicAuthorizedOperations: authorizedOperations(access, "TOPIC", name),
      });
      if (first + page.length < topic.logs.length) {
        nextCursor = { topicName: name, partitionIndex: first + page.length };
        break;
      }
    }
    return { throttleTimeMs: 0, topics: answers, nextCursor };
  },
});

function missing(name: string): TopicAnswer {
  const errorCode = topicNameFault(name) ? ErrorCodes.INVALID_TOPIC_EXCEPTION : ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
  return { errorCode, name, topicId: ZERO_UUID, isInternal: false, partitions: [] };
}

function refusedCursor(names: readonly string[]): Response {
  const errorCode = ErrorCodes.INVALID_REQUEST;
  return { throttleTimeMs: 0, topics: names.map((name) => ({ ...missing(name), errorCode })) };
}
