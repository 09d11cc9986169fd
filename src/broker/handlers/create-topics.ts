import type { RequestOf, ResponseInput } from "../../protocol/api.js";
import { createTopics as api } from "../../protocol/apis/create-topics.js";
import { ZERO_UUID } from "../../protocol/byte-reader.js";
import { ErrorCodes, type ErrorName } from "../../protocol/error-codes.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { type Broker, type Call, defineHandler } from "../handler.js";
import { TOPIC_CONFIG_KEYS } from "../topics/config-keys.js";
import {
  judgeNewTopic,
  MAX_PARTITIONS_PER_REQUEST,
  TOO_MANY_PARTITIONS,
  type TopicPlan,
} from "../topics/judge-topic.js";
import { topicConfigSources } from "../topics/topic-config.js";
import { MutationQuota, QUOTA_EXCEEDED } from "./mutation-quota.js";
import { storageRefusal } from "./storage-refusal.js";

type NewTopic = RequestOf<typeof api>["topics"][number];
type TopicAnswer = ResponseInput<typeof api>["topics"][number];

/**
 * CreateTopics (key 19), v2-v7.
 * A topic can be written to when this is answered. A replication factor above 1 is accepted and stored, although there
 * is one replica (millrace.lenient.replication). v4: -1 stands for the broker's default; v5: flexible, effective
 * settings; v6: THROTTLING_QUOTA_EXCEEDED; v7: topic ids.
 */
export const createTopics = defineHandler(api, {
  versions: [2, 7],
  authorize: "by resource",
  async handle({ topics, validateOnly }, call) {
    const { broker, access } = call;
    const quota = new MutationQuota(call, 6);
    const mayAll = access.shows("CREATE", "CLUSTER", CLUSTER_NAME);
    const counts = new Map<string, number>();
    for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1);
    const standard = broker.properties.number("num.partitions");
    const wanted = topics.reduce((sum, topic) => sum + partitionsOf(topic, standard), 0);
    const answers = [...new Map(topics.map((topic) => [topic.name, topic])).values()].map((topic) => {
      if (counts.get(topic.name)! > 1) return refused(topic.name, "INVALID_REQUEST", "Duplicate topic name.");
      if (!mayAll && !access.allows("CREATE", "TOPIC", topic.name)) {
        return refused(topic.name, "TOPIC_AUTHORIZATION_FAILED", "Authorization failed.");
      }
      if (wanted > MAX_PARTITIONS_PER_REQUEST) {
        return refused(topic.name, TOO_MANY_PARTITIONS.error, TOO_MANY_PARTITIONS.message);
      }
      return createOne(topic, validateOnly, quota, call);
    });
    // Everything is counted by now, before anything is created.
    const throttleTimeMs = quota.end();
    return { throttleTimeMs, topics: await Promise.all(answers) };
  },
  refuse: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name }) => ({ name, errorCode, errorMessage: null })),
  }),
});

/** The number of partitions requested. @param standard the broker's default, for -1. */
function partitionsOf({ numPartitions, assignments }: NewTopic, standard: number): number {
  if (assignments.length > 0) return assignments.length;
  return numPartitions === -1 ? standard : Math.max(0, numPartitions);
}

async function createOne(
  topic: NewTopic,
  validateOnly: boolean,
  quota: MutationQuota,
  { broker, access }: Call,
): Promise<TopicAnswer> {
  const { topics, nodeId, properties } = broker;
  const plan = judgeNewTopic(topic, { existing: topics.names(), nodeId, properties });
  if (plan.kind === "refused") return refused(topic.name, plan.error, plan.message);
  if (!quota.take(plan.partitions)) return refused(topic.name, QUOTA_EXCEEDED.error, QUOTA_EXCEEDED.message);
  let topicId = ZERO_UUID;
  if (!validateOnly) {
    try {
      topicId = (await topics.create(plan)).id;
    } catch (cause) {
      const { error, message } = storageRefusal(broker.logger, "Creating a topic failed", topic.name, cause);
      return refused(topic.name, error, message);
    }
  }
  const created = { name: topic.name, topicId, errorCode: ErrorCodes.NONE, errorMessage: null };
  if (!access.shows("DESCRIBE_CONFIGS", "TOPIC", topic.name)) {
    return { ...created, topicConfigErrorCode: ErrorCodes.TOPIC_AUTHORIZATION_FAILED, configs: null };
  }
  return {
    ...created,
    numPartitions: plan.partitions,
    replicationFactor: plan.replicationFactor,
    configs: configsOf(plan, broker),
  };
}

function configsOf({ configs }: TopicPlan, { properties }: Broker) {
  return Object.keys(TOPIC_CONFIG_KEYS).map((name) => {
    const { value, source } = topicConfigSources(name, configs, properties)[0]!;
    return { name, value, readOnly: false, configSource: source, isSensitive: false };
  });
}

function refused(name: string, error: ErrorName, errorMessage: string | null): TopicAnswer {
  return { name, errorCode: ErrorCodes[error], errorMessage };
}
