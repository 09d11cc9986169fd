import type { RequestOf } from "../../protocol/api.js";
import { createPartitions as api } from "../../protocol/apis/create-partitions.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { type Broker, defineHandler } from "../handler.js";
import { judgeMorePartitions, MAX_PARTITIONS_PER_REQUEST, TOO_MANY_PARTITIONS } from "../topics/judge-topic.js";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.js";
import { storageRefusal } from "./storage-refusal.js";

type TopicRequest = RequestOf<typeof api>["topics"][number];

/** CreatePartitions (key 37), v0-v3. The new partitions can be written to when this is answered. v2: flexible; v3: THROTTLING_QUOTA_EXCEEDED. */
export const createPartitions = defineHandler(api, {
  versions: [0, 3],
  authorize: "by resource",
  async handle({ topics, validateOnly }, call) {
    const { broker, access } = call;
    const quota = new MutationQuota(call, 3);
    const counts = new Map<string, number>();
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const wanted = topics.reduce((sum, { name, count }) => {
      return sum + Math.max(0, count - (broker.topics.get(name)?.logs.length ?? count));
    }, 0);
    // A topic that is still being created counts only once its turn has come.
    const room = { partitions: MAX_PARTITIONS_PER_REQUEST };
    const distinct = new Map(topics.map((topic) => [topic.name, topic]));
    const results = [...distinct.values()].map((topic) => {
      if (counts.get(topic.name)! > 1) return refused(topic.name, "INVALID_REQUEST", "Duplicate topic name.");
      if (!access.allows("ALTER", "TOPIC", topic.name)) {
        return refused(topic.name, "TOPIC_AUTHORIZATION_FAILED", "Authorization failed.");
      }
      if (wanted > MAX_PARTITIONS_PER_REQUEST) {
        return refused(topic.name, TOO_MANY_PARTITIONS.error, TOO_MANY_PARTITIONS.message);
      }
      return broker.topics.inTurn(topic.name, () => grow(topic, validateOnly, broker, room, quota));
    });
    const answers = await Promise.all(results);
    return { throttleTimeMs: quota.end(), results: answers };
  },
});

async function grow(
  { name, count, assignments }: TopicRequest,
  validateOnly: boolean,
  { topics, nodeId, logger }: Broker,
  room: { partitions: number },
  quota: MutationQuota,
) {
  const topic = topics.get(name);
  if (!topic) {
    return refused(name, "UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition.");
  }
  if (topic.isInternal) return refused(name, "INVALID_TOPIC_EXCEPTION", `The partitions of ${name} are fixed.`);
  const current = topic.logs.length;
  const refusal = judgeMorePartitions(name, current, count, assignments, nodeId);
  if (refusal) return refused(name, refusal.error, refusal.message);
  room.partitions -= count - current;
  if (room.partitions < 0) return refused(name, TOO_MANY_PARTITIONS.error, TOO_MANY_PARTITIONS.message);
  if (!quota.take(count - current)) return refused(name, QUOTA_EXCEEDED.error, QUOTA_EXCEEDED.message);
  if (validateOnly) return { name, errorCode: ErrorCodes.NONE };
  try {
    await topics.addPartitions(name, count);
  } catch (cause) {
    const { error, message } = storageRefusal(logger, "Adding partitions failed", name, cause);
    return refused(name, error, message);
  }
  return { name, errorCode: ErrorCodes.NONE };
}

function refused(name: string, error: ErrorName, errorMessage: string | null) {
  return { name, errorCode: ErrorCodes[error], errorMessage };
}
