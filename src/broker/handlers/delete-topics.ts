import type { ResponseInput } from "../../protocol/api.js";
import { deleteTopics as api } from "../../protocol/apis/delete-topics.js";
import { ZERO_UUID } from "../../protocol/byte-reader.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { type Call, defineHandler } from "../handler.js";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.js";
import { storageRefusal } from "./storage-refusal.js";

type TopicAnswer = ResponseInput<typeof api>["responses"][number];

/**
 * DeleteTopics (key 20), v1-v6.
 * Deletes topics with their records and their committed offsets. One that is named twice is not deleted. v4: flexible;
 * v5: messages, THROTTLING_QUOTA_EXCEEDED; v6: by name or by id.
 */
export const deleteTopics = defineHandler(api, {
  versions: [1, 6],
  authorize: "by resource",
  async handle({ topics, topicNames }, call) {
    const asked = call.apiVersion >= 6 ? topics : topicNames.map((name) => ({ name, topicId: ZERO_UUID }));
    const quota = new MutationQuota(call, 5);
    const keyOf = ({ name, topicId }: (typeof asked)[number]) => name ?? topicId;
    const counts = new Map<string, number>();
    for (const each of asked) counts.set(keyOf(each), (counts.get(keyOf(each)) ?? 0) + 1);
    const distinct = new Map(asked.map((each) => [keyOf(each), each]));
    const responses = [...distinct].map(([key, { name, topicId }]) => {
      const isTwice = counts.get(key)! > 1;
      if (isTwice) return refused(name, topicId, "INVALID_REQUEST", "Duplicate topic name or topic id.");
      return deleteOne(name, topicId, quota, call);
    });
    // Everything is counted by now.
    const throttleTimeMs = quota.end();
    return { throttleTimeMs, responses: await Promise.all(responses) };
  },
});

async function deleteOne(
  name: string | null,
  topicId: string,
  quota: MutationQuota,
  { broker: { topics, properties, logger }, access }: Call,
): Promise<TopicAnswer> {
  const byId = topicId !== ZERO_UUID;
  if (byId === (name !== null)) {
    return refused(name, topicId, "INVALID_REQUEST", "Specify either a topic name or a topic id.");
  }
  const topic = name === null ? topics.byId(topicId) : topics.get(name);
  const known = name ?? topic?.name;
  if (known !== undefined && !access.allows("DELETE", "TOPIC", known)) {
    // By its id alone, a topic gives its name to those only who may see it.
    const shown = access.shows("DESCRIBE", "TOPIC", known) ? known : name;
    return refused(shown, topicId, "TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed.");
  }
  if (!topic) {
    return byId
      ? refused(name, topicId, "UNKNOWN_TOPIC_ID", "There is no topic with this id.")
      : refused(name, topicId, "UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition.");
  }
  if (!properties.flag("delete.topic.enable")) {
    return refused(name, topicId, "TOPIC_DELETION_DISABLED", "Topic deletion is disabled (delete.topic.enable).");
  }
  if (topic.isInternal) {
    return refused(name, topicId, "INVALID_TOPIC_EXCEPTION", "The broker needs this topic for its groups.");
  }
  if (!quota.take(topic.logs.length))
    return refused(topic.name, topic.id, QUOTA_EXCEEDED.error, QUOTA_EXCEEDED.message);
  try {
    await topics.delete(topic.name);
  } catch (cause) {
    const { error, message } = storageRefusal(logger, "Deleting a topic failed", topic.name, cause);
    return refused(topic.name, topic.id, error, message);
  }
  return { name: topic.name, topicId: topic.id, errorCode: ErrorCodes.NONE };
}

function refused(name: string | null, topicId: string, error: ErrorName, errorMessage: string | null): TopicAnswer {
  return { name, topicId, errorCode: ErrorCodes[error], errorMessage };
}
