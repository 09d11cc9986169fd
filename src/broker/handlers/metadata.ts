import type { ResponseInput } from "../../protocol/api.js";
import { metadata as api } from "../../protocol/apis/metadata.js";
import { ZERO_UUID } from "../../protocol/byte-reader.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { topicNameFault } from "../../protocol/topic-name.js";
import { authorizedOperations } from "../access/access.js";
import { CLUSTER_NAME } from "../access/acl.js";
import { type Broker, type Call, defineHandler } from "../handler.js";
import { judgeNewTopic } from "../topics/judge-topic.js";
import type { Topic } from "../topics/topic-registry.js";
import { clusterOperations } from "./authorized-operations.js";
import { partitionState } from "./partition-state.js";
import { storageRefusal } from "./storage-refusal.js";

type TopicAnswer = ResponseInput<typeof api>["topics"][number];

/**
 * Metadata (key 3), v0-v13.
 * This broker is every partition's leader, unless its log is offline, and the controller. Its address is the advertised one, or the one that the
 * client connected to. A missing topic is created at once if request and broker allow it.
 * v1: null means all topics; v4: auto creation by choice; v7: leader epochs; v8: authorized operations; v9: flexible;
 * v10: topic ids; v12: topics by id.
 */
export const metadata = defineHandler(api, {
  versions: [0, 13],
  authorize: "by resource",
  async handle(request, call) {
    const { broker, access, apiVersion, advertised } = call;
    const { topics: asked, includeTopicAuthorizedOperations } = request;
    const wantsAll = asked === null || (apiVersion === 0 && asked.length === 0);
    const answers = wantsAll
      ? broker.topics.all().flatMap((topic) => {
          return access.shows("DESCRIBE", "TOPIC", topic.name) ? [describe(topic, broker.nodeId)] : [];
        })
      : await Promise.all(
          distinct(asked).map(({ name, topicId }) => answerFor(name, topicId, request.allowAutoTopicCreation, call)),
        );
    const withOperations = (answer: TopicAnswer): TopicAnswer => {
      const { name, errorCode } = answer;
      if (!includeTopicAuthorizedOperations || name === null || errorCode !== ErrorCodes.NONE) return answer;
      return { ...answer, topicAuthorizedOperations: authorizedOperations(access, "TOPIC", name) };
    };
    return {
      throttleTimeMs: 0,
      brokers: [{ nodeId: broker.nodeId, ...advertised, rack: broker.properties.text("broker.rack") ?? null }],
      clusterId: broker.state.metadata.clusterId,
      controllerId: broker.nodeId,
      topics: answers.map(withOperations),
      ...(request.includeClusterAuthorizedOperations ? { clusterAuthorizedOperations: clusterOperations(access) } : {}),
    };
  },
  refuse: ({ topics }, errorCode, { broker, advertised }) => ({
    throttleTimeMs: 0,
    brokers: [{ nodeId: broker.nodeId, ...advertised }],
    clusterId: broker.state.metadata.clusterId,
    controllerId: broker.nodeId,
    topics: (topics ?? []).map(({ name, topicId }) => refused(name, topicId, errorCode)),
    errorCode,
  }),
});

/** A topic that is listed many times is described once, as in Kafka: its partitions may take kilobytes. */
function distinct<T extends { readonly name: string | null; readonly topicId: string }>(topics: readonly T[]): T[] {
  return [...new Map(topics.map((topic) => [`${topic.name} ${topic.topicId}`, topic])).values()];
}

function answerFor(
  name: string | null,
  topicId: string,
  mayCreate: boolean,
  { broker, access, apiVersion }: Call,
): TopicAnswer | Promise<TopicAnswer> {
  if (apiVersion >= 10 && topicId !== ZERO_UUID) {
    if (apiVersion < 12) return refused(name, topicId, ErrorCodes.INVALID_REQUEST);
    const topic = broker.topics.byId(topicId);
    if (!topic) return refused(null, topicId, ErrorCodes.UNKNOWN_TOPIC_ID);
    return access.allows("DESCRIBE", "TOPIC", topic.name)
      ? describe(topic, broker.nodeId)
      : refused(null, topicId, ErrorCodes.TOPIC_AUTHORIZATION_FAILED);
  }
  if (name === null) return refused(name, topicId, ErrorCodes.INVALID_REQUEST);
  if (!access.allows("DESCRIBE", "TOPIC", name)) return refused(name, topicId, ErrorCodes.TOPIC_AUTHORIZATION_FAILED);
  const known = broker.topics.get(name);
  if (known) return describe(known, broker.nodeId);
  if (topicNameFault(name)) return refused(name, topicId, ErrorCodes.INVALID_TOPIC_EXCEPTION);
  if (!mayCreate || !broker.properties.flag("auto.create.topics.enable")) {
    return refused(name, topicId, ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  }
  const isAllowed = access.shows("CREATE", "CLUSTER", CLUSTER_NAME) || access.allows("CREATE", "TOPIC", name);
  return isAllowed ? create(name, broker) : refused(name, topicId, ErrorCodes.TOPIC_AUTHORIZATION_FAILED);
}

async function create(name: string, broker: Broker): Promise<TopicAnswer> {
  const { topics, nodeId, properties } = broker;
  try {
    const request = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] };
    const underWay = topics.creating(name);
    if (underWay) return describe(await underWay, nodeId);
    const plan = judgeNewTopic(request, { existing: topics.names(), nodeId, properties });
    if (plan.kind === "refused") return refused(name, ZERO_UUID, ErrorCodes[plan.error]);
    return describe(await topics.create(plan), nodeId);
  } catch (cause) {
    const { error } = storageRefusal(broker.logger, "Creating a topic failed", name, cause);
    return refused(name, ZERO_UUID, ErrorCodes[error]);
  }
}

function describe({ name, id, isInternal, logs }: Topic, nodeId: number): TopicAnswer {
  return {
    errorCode: ErrorCodes.NONE,
    name,
    topicId: id,
    isInternal,
    partitions: logs.map((log, partitionIndex) => partitionState(log, partitionIndex, nodeId)),
  };
}

function refused(name: string | null, topicId: string, errorCode: number): TopicAnswer {
  return { errorCode, name, topicId, isInternal: false, partitions: [] };
}
