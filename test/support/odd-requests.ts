import { readFileSync } from "node:fs";
import type { Api } from "../../src/protocol/api.js";
import { addOffsetsToTxn } from "../../src/protocol/apis/add-offsets-to-txn.js";
import { addPartitionsToTxn } from "../../src/protocol/apis/add-partitions-to-txn.js";
import { alterConfigs } from "../../src/protocol/apis/alter-configs.js";
import { alterPartitionReassignments } from "../../src/protocol/apis/alter-partition-reassignments.js";
import { alterReplicaLogDirs } from "../../src/protocol/apis/alter-replica-log-dirs.js";
import { alterUserScramCredentials } from "../../src/protocol/apis/alter-user-scram-credentials.js";
import { consumerGroupDescribe } from "../../src/protocol/apis/consumer-group-describe.js";
import { consumerGroupHeartbeat } from "../../src/protocol/apis/consumer-group-heartbeat.js";
import { createPartitions } from "../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { deleteGroups } from "../../src/protocol/apis/delete-groups.js";
import { deleteRecords } from "../../src/protocol/apis/delete-records.js";
import { deleteTopics } from "../../src/protocol/apis/delete-topics.js";
import { describeCluster } from "../../src/protocol/apis/describe-cluster.js";
import { describeConfigs } from "../../src/protocol/apis/describe-configs.js";
import { describeGroups } from "../../src/protocol/apis/describe-groups.js";
import { describeLogDirs } from "../../src/protocol/apis/describe-log-dirs.js";
import { describeProducers } from "../../src/protocol/apis/describe-producers.js";
import { describeTopicPartitions } from "../../src/protocol/apis/describe-topic-partitions.js";
import { describeTransactions } from "../../src/protocol/apis/describe-transactions.js";
import { describeUserScramCredentials } from "../../src/protocol/apis/describe-user-scram-credentials.js";
import { electLeaders } from "../../src/protocol/apis/elect-leaders.js";
import { endTxn } from "../../src/protocol/apis/end-txn.js";
import { fetch } from "../../src/protocol/apis/fetch.js";
import { findCoordinator } from "../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../src/protocol/apis/heartbeat.js";
import { incrementalAlterConfigs } from "../../src/protocol/apis/incremental-alter-configs.js";
import { initProducerId } from "../../src/protocol/apis/init-producer-id.js";
import { joinGroup } from "../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../src/protocol/apis/leave-group.js";
import { listConfigResources } from "../../src/protocol/apis/list-config-resources.js";
import { listGroups } from "../../src/protocol/apis/list-groups.js";
import { listOffsets } from "../../src/protocol/apis/list-offsets.js";
import { listPartitionReassignments } from "../../src/protocol/apis/list-partition-reassignments.js";
import { listTransactions } from "../../src/protocol/apis/list-transactions.js";
import { metadata } from "../../src/protocol/apis/metadata.js";
import { offsetCommit } from "../../src/protocol/apis/offset-commit.js";
import { offsetDelete } from "../../src/protocol/apis/offset-delete.js";
import { offsetFetch } from "../../src/protocol/apis/offset-fetch.js";
import { offsetForLeaderEpoch } from "../../src/protocol/apis/offset-for-leader-epoch.js";
import { produce } from "../../src/protocol/apis/produce.js";
import { syncGroup } from "../../src/protocol/apis/sync-group.js";
import { txnOffsetCommit } from "../../src/protocol/apis/txn-offset-commit.js";
import { writeTxnMarkers } from "../../src/protocol/apis/write-txn-markers.js";
import type { Fields, InputOf } from "../../src/protocol/message-fields.js";
import { BrokerClient, ConnectionEnded } from "./broker-client.js";
import { batchOf } from "./broker-log.js";

/** A request that no well-behaved client sends. */
interface OddRequest {
  readonly label: string;
  /** The answer: error codes with the names beside them. "closed": the connection was closed instead. */
  ask(client: BrokerClient): Promise<unknown>;
}

function odd<Q extends Fields, S extends Fields>(
  label: string,
  api: Api<Q, S>,
  version: number,
  request: InputOf<Q>,
): OddRequest {
  return {
    label: `${api.name} v${version}: ${label}`,
    ask: async (client) => codesIn(await client.request(api, version, request)),
  };
}

/** What is kept of an answer: error codes, and what tells which of several they belong to. */
const KEPT =
  /^(errorCode|topicConfigErrorCode|partitionErrorCode|name|topic|topicName|groupId|groupState|user|resourceName|resourceType|partitionIndex|partitionId|partition|key|transactionalId|transactionState|unknownStateFilters|isInternal|lowWatermark|committedOffset|offset|endOffset|leaderEpoch|numPartitions|replicationFactor)$/;

/** Of these an odd request changes nothing, or nothing that is worth a comparison. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  "configs",
  "brokers",
  "divergingEpoch",
  "currentLeader",
  "snapshotId",
  "abortedTransactions",
  "nodeEndpoints",
]);

function codesIn(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(codesIn).map((each) => [JSON.stringify(each), each] as const);
    return items.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, each]) => each);
  }
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return value;
  const kept = Object.entries(value).flatMap(([key, field]) => {
    if (KEPT.test(key)) return [[key, codesIn(field)]];
    if (LEFT_OUT.has(key)) return [];
    return typeof field === "object" && field !== null && !Buffer.isBuffer(field) ? [[key, codesIn(field)]] : [];
  });
  return Object.fromEntries(kept);
}

const TOPIC = "odd";
const ID = "AAAAAAAAAAAAAAAAAAAABQ";
const LONG = "n".repeat(250);
const batch = () => batchOf([{ value: "v" }]);
const topic = (name: string, numPartitions = 1, more: object = {}) => ({
  name,
  numPartitions,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
});
const creating = (...topics: ReturnType<typeof topic>[]) => ({ topics, timeoutMs: 5000, validateOnly: true });
const data = (name: string, index: number, records: Buffer | null = batch()) => ({
  name,
  partitionData: [{ index, records }],
});
const producing = (...topicData: ReturnType<typeof data>[]) => ({ acks: 1, timeoutMs: 1000, topicData });
const commit = (partitionIndex: number, committedOffset = 0, committedMetadata: string | null = "") => ({
  partitionIndex,
  committedOffset,
  committedMetadata,
});
const committing = (groupId: string, name: string, ...partitions: ReturnType<typeof commit>[]) => ({
  groupId,
  generationIdOrMemberEpoch: -1,
  memberId: "",
  topics: [{ name, partitions }],
});
const reading = (name: string, ...partitions: number[]) => ({
  topic: name,
  partitions: partitions.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes: 1000 })),
});
const fetching = (...topics: ReturnType<typeof reading>[]) => ({
  maxWaitMs: 0,
  minBytes: 0,
  maxBytes: 1000,
  isolationLevel: 0,
  topics,
});
const lookUp = (name: string, ...timestamps: (readonly [number, number])[]) => ({
  replicaId: -1,
  isolationLevel: 0,
  topics: [{ name, partitions: timestamps.map(([partitionIndex, timestamp]) => ({ partitionIndex, timestamp })) }],
});
const joining = (more: object) => ({
  groupId: "odd-group",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: "",
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
  ...more,
});
const beating = (more: object) => ({
  groupId: "odd-beats",
  memberId: "AAAAAAAAAAAAAAAAAAAABQ",
  memberEpoch: 0,
  rebalanceTimeoutMs: 10_000,
  subscribedTopicNames: [TOPIC],
  topicPartitions: [],
  ...more,
});
const resource = (resourceType: number, resourceName: string, configs: unknown[] = []) => ({
  resourceType,
  resourceName,
  configs: configs as { name: string; configOperation: number; value: string | null }[],
  configurationKeys: null,
});
const config = (name: string, value: string | null, configOperation = 0) => ({ name, value, configOperation });
const altering = (...resources: ReturnType<typeof resource>[]) => ({ resources, validateOnly: true });
const describing = (...resources: ReturnType<typeof resource>[]) => ({ resources, includeSynonyms: false });

/** The answers of Apache Kafka 4.3.1, by label: test/external/odd-requests.test.ts holds Kafka to them. */
export const KAFKA_ODD_ANSWERS = JSON.parse(
  readFileSync(new URL("odd-answers.json", import.meta.url), "utf8"),
) as Readonly<Record<string, unknown>>;

/** On a broker with a topic `odd` of two partitions, without records, and no group. */
const ODD_REQUESTS: readonly OddRequest[] = [
  odd("no topics", produce, 9, producing()),
  odd("an empty name", produce, 9, producing(data("", 0))),
  odd("an illegal name", produce, 9, producing(data("a b", 0))),
  odd("a long name", produce, 9, producing(data(LONG, 0))),
  odd("partition -1", produce, 9, producing(data(TOPIC, -1))),
  odd("partition 2^31-1", produce, 9, producing(data(TOPIC, 2 ** 31 - 1))),
  odd("no partitions", produce, 9, { acks: 1, timeoutMs: 1000, topicData: [{ name: TOPIC, partitionData: [] }] }),
  odd("acks 7", produce, 9, { ...producing(data(TOPIC, 0)), acks: 7 }),
  odd("acks 7 and an unknown topic", produce, 9, { ...producing(data("none", 0)), acks: 7 }),
  odd("an unknown id", produce, 13, {
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ topicId: ID, partitionData: [{ index: 0, records: batch() }] }],
  }),
  odd("a transactional id without a transaction", produce, 9, { ...producing(data(TOPIC, 0)), transactionalId: "" }),
  odd("two batches", produce, 9, producing(data(TOPIC, 0, Buffer.concat([batch(), batch()])))),
  odd("bytes that are no batch", produce, 9, producing(data(TOPIC, 0, Buffer.alloc(70)))),
  odd("ten bytes", produce, 9, producing(data(TOPIC, 0, Buffer.alloc(10)))),

  odd("nothing", fetch, 4, fetching()),
  odd("an empty name", fetch, 11, fetching(reading("", 0))),
  odd("an illegal name", fetch, 11, fetching(reading("a b", 0))),
  odd("a partition that does not exist", fetch, 11, fetching(reading(TOPIC, 9))),
  odd("partition -1", fetch, 11, fetching(reading(TOPIC, -1))),
  odd("a partition twice", fetch, 11, fetching(reading(TOPIC, 0, 0))),
  odd("a topic twice", fetch, 11, fetching(reading(TOPIC, 0), reading(TOPIC, 1))),
  odd("offset -1", fetch, 11, {
    ...fetching(),
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: -1, partitionMaxBytes: 1000 }] }],
  }),
  odd("an offset behind the end", fetch, 11, {
    ...fetching(),
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 2 ** 40, partitionMaxBytes: 1000 }] }],
  }),
  odd("a newer leader epoch", fetch, 11, {
    ...fetching(),
    topics: [
      {
        topic: TOPIC,
        partitions: [{ partition: 0, currentLeaderEpoch: 2 ** 30, fetchOffset: 0, partitionMaxBytes: 1000 }],
      },
    ],
  }),
  odd("partitionMaxBytes -1", fetch, 11, {
    ...fetching(),
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: -1 }] }],
  }),
  odd("maxBytes -1", fetch, 11, { ...fetching(reading(TOPIC, 0)), maxBytes: -1 }),
  odd("isolation 9", fetch, 11, { ...fetching(reading(TOPIC, 0)), isolationLevel: 9 }),
  odd("an unknown session", fetch, 11, { ...fetching(reading(TOPIC, 0)), sessionId: 77, sessionEpoch: 3 }),
  odd("a session's epoch without a session", fetch, 11, {
    ...fetching(reading(TOPIC, 0)),
    sessionId: 0,
    sessionEpoch: 5,
  }),
  odd("a session's epoch below -1", fetch, 11, { ...fetching(reading(TOPIC, 0)), sessionId: 0, sessionEpoch: -7 }),
  odd("an unknown id", fetch, 13, {
    ...fetching(),
    topics: [{ topicId: ID, partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] }],
  }),
  odd("no id", fetch, 13, {
    ...fetching(),
    topics: [
      { topicId: "AAAAAAAAAAAAAAAAAAAAAA", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }] },
    ],
  }),

  odd("no topics", listOffsets, 7, { replicaId: -1, isolationLevel: 0, topics: [] }),
  odd("an unknown topic", listOffsets, 7, lookUp("none", [0, -1])),
  odd("an empty name", listOffsets, 7, lookUp("", [0, -1])),
  odd("partition -1", listOffsets, 7, lookUp(TOPIC, [-1, -1])),
  odd("a partition twice", listOffsets, 7, lookUp(TOPIC, [0, -1], [0, -2])),
  odd("a partition three times, and another", listOffsets, 7, lookUp(TOPIC, [0, -1], [0, -2], [0, -1], [1, -1])),
  odd("time -9", listOffsets, 7, lookUp(TOPIC, [0, -9])),
  odd("time -4 too early", listOffsets, 7, lookUp(TOPIC, [0, -4])),
  odd("times -4 and -5", listOffsets, 9, lookUp(TOPIC, [0, -4], [1, -5])),
  odd("time -6", listOffsets, 11, lookUp(TOPIC, [0, -6])),
  odd("isolation 9", listOffsets, 7, { ...lookUp(TOPIC, [0, -1]), isolationLevel: 9 }),
  odd("replica 5", listOffsets, 7, { ...lookUp(TOPIC, [0, -1]), replicaId: 5 }),
  odd("a time far ahead", listOffsets, 7, lookUp(TOPIC, [0, 2 ** 50])),

  odd("an empty name", metadata, 9, { topics: [{ name: "" }], allowAutoTopicCreation: false }),
  odd("an illegal name", metadata, 9, { topics: [{ name: "a b" }], allowAutoTopicCreation: true }),
  odd("a long name", metadata, 9, { topics: [{ name: LONG }], allowAutoTopicCreation: true }),
  odd("a dot", metadata, 9, { topics: [{ name: "." }], allowAutoTopicCreation: true }),
  odd("a topic twice", metadata, 9, { topics: [{ name: "none" }, { name: "none" }], allowAutoTopicCreation: false }),
  odd("a known topic twice", metadata, 9, {
    topics: [{ name: TOPIC }, { name: TOPIC }],
    allowAutoTopicCreation: false,
  }),
  odd("a null name", metadata, 12, { topics: [{ name: null }], allowAutoTopicCreation: false }),
  odd("an unknown id", metadata, 12, { topics: [{ topicId: ID, name: null }], allowAutoTopicCreation: false }),
  odd("an unknown id and a name", metadata, 12, {
    topics: [{ topicId: ID, name: TOPIC }],
    allowAutoTopicCreation: false,
  }),
  odd("an id in v10", metadata, 10, { topics: [{ topicId: ID, name: TOPIC }], allowAutoTopicCreation: false }),
  odd("no topics", metadata, 9, { topics: [], allowAutoTopicCreation: false }),

  odd("an unknown topic", offsetCommit, 7, committing("odd-1", "none", commit(0))),
  odd("an empty group", offsetCommit, 7, committing("", TOPIC, commit(0))),
  odd("an empty name", offsetCommit, 7, committing("odd-1", "", commit(0))),
  odd("partition -1", offsetCommit, 7, committing("odd-1", TOPIC, commit(-1))),
  odd("a partition twice", offsetCommit, 7, committing("odd-1", TOPIC, commit(0, 1), commit(0, 2))),
  odd("offset -1", offsetCommit, 7, committing("odd-1", TOPIC, commit(0, -1))),
  odd("offset -5", offsetCommit, 7, committing("odd-1", TOPIC, commit(0, -5))),
  odd("long metadata", offsetCommit, 7, committing("odd-1", TOPIC, commit(0, 0, "m".repeat(4097)), commit(1))),
  odd("null metadata", offsetCommit, 7, committing("odd-1", TOPIC, commit(0, 0, null))),
  odd("no topics", offsetCommit, 7, { ...committing("odd-1", TOPIC), topics: [] }),
  odd("no topics, unknown member", offsetCommit, 7, {
    ...committing("odd-none", TOPIC),
    generationIdOrMemberEpoch: 4,
    memberId: "m",
    topics: [],
  }),
  odd("a generation of no group", offsetCommit, 7, {
    ...committing("odd-none", TOPIC, commit(0)),
    generationIdOrMemberEpoch: 4,
    memberId: "m",
  }),
  odd("a generation of no group", offsetCommit, 9, {
    ...committing("odd-none", TOPIC, commit(0)),
    generationIdOrMemberEpoch: 4,
    memberId: "m",
  }),
  odd("a member of no generation", offsetCommit, 7, { ...committing("odd-none", TOPIC, commit(0)), memberId: "m" }),
  odd("an unknown id", offsetCommit, 10, {
    ...committing("odd-1", "", commit(0)),
    topics: [{ topicId: ID, partitions: [commit(0)] }],
  }),
  odd("a topic twice", offsetCommit, 7, {
    ...committing("odd-1", TOPIC),
    topics: [
      { name: TOPIC, partitions: [commit(0)] },
      { name: TOPIC, partitions: [commit(1)] },
    ],
  }),

  odd("an unknown group", offsetFetch, 7, { groupId: "none", topics: [{ name: TOPIC, partitionIndexes: [0] }] }),
  odd("an empty group", offsetFetch, 7, { groupId: "", topics: [{ name: TOPIC, partitionIndexes: [0] }] }),
  odd("an unknown topic", offsetFetch, 7, { groupId: "odd-1", topics: [{ name: "none", partitionIndexes: [0, -1] }] }),
  odd("a partition twice", offsetFetch, 7, { groupId: "odd-1", topics: [{ name: TOPIC, partitionIndexes: [0, 0] }] }),
  odd("no partitions", offsetFetch, 7, { groupId: "odd-1", topics: [{ name: TOPIC, partitionIndexes: [] }] }),
  odd("no topics", offsetFetch, 7, { groupId: "odd-1", topics: [] }),
  odd("no groups", offsetFetch, 8, { groups: [] }),
  odd("a group twice", offsetFetch, 8, {
    groups: [
      { groupId: "none", topics: null },
      { groupId: "none", topics: null },
    ],
  }),
  odd("a member of no group", offsetFetch, 9, {
    groups: [{ groupId: "none", memberId: "m", memberEpoch: 3, topics: null }],
  }),
  odd("an unknown id", offsetFetch, 10, {
    groups: [{ groupId: "odd-1", topics: [{ topicId: ID, partitionIndexes: [0] }] }],
  }),

  odd("an empty key", findCoordinator, 2, { key: "", keyType: 0 }),
  odd("an empty transactional id", findCoordinator, 2, { key: "", keyType: 1 }),
  odd("type 2", findCoordinator, 2, { key: "x", keyType: 2 }),
  odd("type -1", findCoordinator, 4, { keyType: -1, coordinatorKeys: ["x"] }),
  odd("no keys", findCoordinator, 4, { keyType: 0, coordinatorKeys: [] }),
  odd("a key twice", findCoordinator, 4, { keyType: 0, coordinatorKeys: ["x", "x"] }),
  odd("an empty key", findCoordinator, 4, { keyType: 0, coordinatorKeys: [""] }),
  odd("type 2, no share key", findCoordinator, 6, { keyType: 2, coordinatorKeys: ["x"] }),

  odd("an empty group", joinGroup, 5, joining({ groupId: "" })),
  odd("no protocols", joinGroup, 5, joining({ protocols: [] })),
  odd("an empty protocol type", joinGroup, 5, joining({ protocolType: "" })),
  odd("an unknown member", joinGroup, 5, joining({ memberId: "nobody" })),
  odd("a session of 1 ms", joinGroup, 5, joining({ sessionTimeoutMs: 1 })),
  odd("a session of 2^31-1 ms", joinGroup, 5, joining({ sessionTimeoutMs: 2 ** 31 - 1 })),
  odd("a session of -1 ms", joinGroup, 5, joining({ sessionTimeoutMs: -1 })),
  odd("an empty instance", joinGroup, 5, joining({ groupInstanceId: "" })),
  odd("an illegal instance", joinGroup, 5, joining({ groupInstanceId: "a b/c" })),
  odd("an unknown member of no group", syncGroup, 3, {
    groupId: "none",
    generationId: 1,
    memberId: "m",
    assignments: [],
  }),
  odd("an empty group", syncGroup, 3, { groupId: "", generationId: 1, memberId: "m", assignments: [] }),
  odd("no protocol", syncGroup, 5, { groupId: "none", generationId: 1, memberId: "m", assignments: [] }),
  odd("an unknown group", heartbeat, 3, { groupId: "none", generationId: 1, memberId: "m" }),
  odd("an empty group", heartbeat, 3, { groupId: "", generationId: 1, memberId: "m" }),
  odd("an unknown group", leaveGroup, 2, { groupId: "none", memberId: "m" }),
  odd("an empty group", leaveGroup, 2, { groupId: "", memberId: "m" }),
  odd("an unknown group", leaveGroup, 3, { groupId: "none", members: [{ memberId: "m" }] }),
  odd("nobody", leaveGroup, 3, { groupId: "none", members: [] }),
  odd("a member twice", leaveGroup, 3, { groupId: "none", members: [{ memberId: "m" }, { memberId: "m" }] }),
  odd("an empty group", describeGroups, 5, { groups: [""] }),
  odd("no groups", describeGroups, 5, { groups: [] }),
  odd("a group twice", describeGroups, 5, { groups: ["none", "none"] }),
  odd("an unknown group", describeGroups, 6, { groups: ["none"] }),
  odd("an unknown state", listGroups, 5, { statesFilter: ["Nonsense"], typesFilter: [] }),
  odd("an unknown type", listGroups, 5, { statesFilter: [], typesFilter: ["nonsense"] }),
  odd("a state in capitals", listGroups, 5, { statesFilter: ["EMPTY"], typesFilter: ["CLASSIC"] }),
  odd("an unknown group, twice", deleteGroups, 2, { groupsNames: ["none", "none"] }),
  odd("an empty group", deleteGroups, 2, { groupsNames: [""] }),
  odd("no groups", deleteGroups, 2, { groupsNames: [] }),
  odd("an unknown group", offsetDelete, 0, {
    groupId: "none",
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }],
  }),
  odd("an empty group", offsetDelete, 0, {
    groupId: "",
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }],
  }),
  odd("an unknown topic", offsetDelete, 0, {
    groupId: "odd-1",
    topics: [{ name: "none", partitions: [{ partitionIndex: 0 }] }],
  }),
  odd("a partition that does not exist", offsetDelete, 0, {
    groupId: "odd-1",
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 9 }] }],
  }),
  odd("no topics", offsetDelete, 0, { groupId: "odd-1", topics: [] }),
  odd("no topics of an unknown group", offsetDelete, 0, { groupId: "none", topics: [] }),

  odd("an empty name", createTopics, 5, creating(topic(""))),
  odd("an illegal name", createTopics, 5, creating(topic("a b"))),
  odd("two dots", createTopics, 5, creating(topic(".."))),
  odd("a long name", createTopics, 5, creating(topic(LONG))),
  odd("no topics", createTopics, 5, creating()),
  odd("a topic twice", createTopics, 5, creating(topic("b"), topic("b", 2), topic("c"))),
  odd("an internal name", createTopics, 5, creating(topic("__consumer_offsets"))),
  odd("the metadata topic", createTopics, 5, creating(topic("__cluster_metadata"))),
  odd("0 partitions", createTopics, 5, creating(topic("b", 0))),
  odd("-2 partitions", createTopics, 5, creating(topic("b", -2))),
  odd("replication factor 0", createTopics, 5, creating(topic("b", 1, { replicationFactor: 0 }))),
  odd("replication factor -2", createTopics, 5, creating(topic("b", 1, { replicationFactor: -2 }))),
  odd("too many partitions", createTopics, 5, creating(topic("b", 10_001))),
  odd("the most partitions", createTopics, 5, creating(topic("b", 2 ** 31 - 1))),
  odd(
    "an assignment and a number",
    createTopics,
    5,
    creating(topic("b", 1, { assignments: [{ partitionIndex: 0, brokerIds: [1] }] })),
  ),
  odd(
    "an assignment with a gap",
    createTopics,
    5,
    creating(topic("b", -1, { replicationFactor: -1, assignments: [{ partitionIndex: 1, brokerIds: [1] }] })),
  ),
  odd(
    "an assignment to nobody",
    createTopics,
    5,
    creating(topic("b", -1, { replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [] }] })),
  ),
  odd(
    "an assignment to an unknown broker",
    createTopics,
    5,
    creating(topic("b", -1, { replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [9] }] })),
  ),
  odd(
    "an assignment twice",
    createTopics,
    5,
    creating(
      topic("b", -1, {
        replicationFactor: -1,
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 0, brokerIds: [1] },
        ],
      }),
    ),
  ),
  odd(
    "an assignment to a broker twice",
    createTopics,
    5,
    creating(topic("b", -1, { replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] })),
  ),
  odd("an unknown config", createTopics, 5, creating(topic("b", 1, { configs: [{ name: "none", value: "1" }] }))),
  odd("an empty config", createTopics, 5, creating(topic("b", 1, { configs: [{ name: "", value: "1" }] }))),
  odd(
    "a config twice",
    createTopics,
    5,
    creating(
      topic("b", 1, {
        configs: [
          { name: "retention.ms", value: "1" },
          { name: "retention.ms", value: "2" },
        ],
      }),
    ),
  ),
  odd("a null config", createTopics, 5, creating(topic("b", 1, { configs: [{ name: "retention.ms", value: null }] }))),
  odd("an unknown topic twice", deleteTopics, 5, { topicNames: ["none", "none"], timeoutMs: 1000 }),
  odd("an empty name", deleteTopics, 5, { topicNames: [""], timeoutMs: 1000 }),
  odd("no topics", deleteTopics, 5, { topicNames: [], timeoutMs: 1000 }),
  odd("neither name nor id", deleteTopics, 6, {
    topics: [{ name: null, topicId: "AAAAAAAAAAAAAAAAAAAAAA" }],
    timeoutMs: 1000,
  }),
  odd("name and id", deleteTopics, 6, { topics: [{ name: "none", topicId: ID }], timeoutMs: 1000 }),
  odd("an unknown id", deleteTopics, 6, { topics: [{ name: null, topicId: ID }], timeoutMs: 1000 }),
  odd("an unknown id twice", deleteTopics, 6, {
    topics: [
      { name: null, topicId: ID },
      { name: null, topicId: ID },
    ],
    timeoutMs: 1000,
  }),
  odd("an unknown topic", createPartitions, 3, {
    topics: [{ name: "none", count: 3, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("an empty name", createPartitions, 3, {
    topics: [{ name: "", count: 3, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("no topics", createPartitions, 3, { topics: [], timeoutMs: 1000, validateOnly: true }),
  odd("a topic twice", createPartitions, 3, {
    topics: [
      { name: TOPIC, count: 3, assignments: null },
      { name: TOPIC, count: 4, assignments: null },
    ],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("as many as there are", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 2, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("-1", createPartitions, 3, {
    topics: [{ name: TOPIC, count: -1, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("too many", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 20_000, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("the most", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 2 ** 31 - 1, assignments: null }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("no assignments", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 3, assignments: [] }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("an assignment to nobody", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 3, assignments: [{ brokerIds: [] }] }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("an assignment to an unknown broker", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 3, assignments: [{ brokerIds: [9] }] }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("two assignments for one", createPartitions, 3, {
    topics: [{ name: TOPIC, count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
    timeoutMs: 1000,
    validateOnly: true,
  }),
  odd("an unknown topic", deleteRecords, 2, {
    topics: [{ name: "none", partitions: [{ partitionIndex: 0, offset: 0 }] }],
    timeoutMs: 1000,
  }),
  odd("an empty name", deleteRecords, 2, {
    topics: [{ name: "", partitions: [{ partitionIndex: 0, offset: 0 }] }],
    timeoutMs: 1000,
  }),
  odd("partition -1", deleteRecords, 2, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: -1, offset: 0 }] }],
    timeoutMs: 1000,
  }),
  odd("offset -2", deleteRecords, 2, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 1, offset: -2 }] }],
    timeoutMs: 1000,
  }),
  odd("an offset behind the end", deleteRecords, 2, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 1, offset: 99 }] }],
    timeoutMs: 1000,
  }),
  odd("no topics", deleteRecords, 2, { topics: [], timeoutMs: 1000 }),
  odd("a partition twice", deleteRecords, 2, {
    topics: [
      {
        name: TOPIC,
        partitions: [
          { partitionIndex: 1, offset: 0 },
          { partitionIndex: 1, offset: 99 },
        ],
      },
    ],
    timeoutMs: 1000,
  }),
  odd("a topic twice", deleteRecords, 2, {
    topics: [
      { name: TOPIC, partitions: [{ partitionIndex: 1, offset: 99 }] },
      { name: TOPIC, partitions: [{ partitionIndex: 0, offset: 0 }] },
    ],
    timeoutMs: 1000,
  }),

  odd("an empty id", initProducerId, 4, { transactionalId: "", transactionTimeoutMs: 1000 }),
  odd("no time", initProducerId, 4, { transactionalId: "odd", transactionTimeoutMs: 0 }),
  odd("too much time", initProducerId, 4, { transactionalId: "odd", transactionTimeoutMs: 2 ** 31 - 1 }),
  odd("a producer id without an epoch", initProducerId, 4, {
    transactionalId: "odd",
    transactionTimeoutMs: 1000,
    producerId: 5,
  }),
  odd("an epoch without a producer id", initProducerId, 4, {
    transactionalId: "odd",
    transactionTimeoutMs: 1000,
    producerEpoch: 5,
  }),
  odd("an unknown producer", initProducerId, 4, {
    transactionalId: "odd-2",
    transactionTimeoutMs: 1000,
    producerId: 5,
    producerEpoch: 5,
  }),
  odd("a producer id, without a transactional id", initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
    producerId: 5,
    producerEpoch: 5,
  }),
  odd("negative time, without a transactional id", initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: -5,
  }),
  odd("an unknown topic", offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [{ topic: "none", partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  }),
  odd("an empty name", offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [{ topic: "", partitions: [{ partition: 0, leaderEpoch: 0 }] }],
  }),
  odd("epoch -1", offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, leaderEpoch: -1 }] }],
  }),
  odd("an epoch far ahead", offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [{ topic: TOPIC, partitions: [{ partition: 0, leaderEpoch: 2 ** 30 }] }],
  }),
  odd("a partition twice", offsetForLeaderEpoch, 4, {
    replicaId: -1,
    topics: [
      {
        topic: TOPIC,
        partitions: [
          { partition: 9, leaderEpoch: 0 },
          { partition: 9, leaderEpoch: 0 },
        ],
      },
    ],
  }),
  odd("an unknown id", addPartitionsToTxn, 3, {
    transactionalId: "none",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: TOPIC, partitions: [0] }],
  }),
  odd("an empty id", addPartitionsToTxn, 3, {
    transactionalId: "",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: TOPIC, partitions: [0] }],
  }),
  odd("an unknown topic beside a known one", addPartitionsToTxn, 3, {
    transactionalId: "none",
    producerId: 5,
    producerEpoch: 0,
    topics: [
      { name: TOPIC, partitions: [0, 9] },
      { name: "none", partitions: [0] },
    ],
  }),
  odd("no topics", addPartitionsToTxn, 3, { transactionalId: "none", producerId: 5, producerEpoch: 0, topics: [] }),
  odd("an unknown id", addOffsetsToTxn, 3, {
    transactionalId: "none",
    producerId: 5,
    producerEpoch: 0,
    groupId: "odd-1",
  }),
  odd("an empty id", addOffsetsToTxn, 3, { transactionalId: "", producerId: 5, producerEpoch: 0, groupId: "odd-1" }),
  odd("an empty group", addOffsetsToTxn, 3, { transactionalId: "none", producerId: 5, producerEpoch: 0, groupId: "" }),
  odd("an unknown id", endTxn, 3, { transactionalId: "none", producerId: 5, producerEpoch: 0, committed: true }),
  odd("an empty id", endTxn, 3, { transactionalId: "", producerId: 5, producerEpoch: 0, committed: true }),
  odd("no markers", writeTxnMarkers, 1, { markers: [] }),
  odd("an unknown topic", writeTxnMarkers, 1, {
    markers: [
      {
        producerId: 5,
        producerEpoch: 0,
        transactionResult: false,
        coordinatorEpoch: 0,
        topics: [{ name: "none", partitionIndexes: [0] }],
      },
    ],
  }),
  odd("no topics", writeTxnMarkers, 1, {
    markers: [{ producerId: 5, producerEpoch: 0, transactionResult: false, coordinatorEpoch: 0, topics: [] }],
  }),
  odd("an unknown group and id", txnOffsetCommit, 3, {
    transactionalId: "none",
    groupId: "none",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: TOPIC, partitions: [commit(0)] }],
  }),
  odd("an empty id", txnOffsetCommit, 3, {
    transactionalId: "",
    groupId: "odd-1",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: TOPIC, partitions: [commit(0)] }],
  }),
  odd("an empty group", txnOffsetCommit, 3, {
    transactionalId: "none",
    groupId: "",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: TOPIC, partitions: [commit(0)] }],
  }),
  odd("an unknown topic", txnOffsetCommit, 3, {
    transactionalId: "none",
    groupId: "odd-1",
    producerId: 5,
    producerEpoch: 0,
    topics: [{ name: "none", partitions: [commit(0)] }],
  }),
  odd("an unknown id", describeTransactions, 0, { transactionalIds: ["none", "none"] }),
  odd("an empty id", describeTransactions, 0, { transactionalIds: [""] }),
  odd("no ids", describeTransactions, 0, { transactionalIds: [] }),
  odd("an unknown state", listTransactions, 1, {
    stateFilters: ["Nonsense", "Ongoing", "ongoing"],
    producerIdFilters: [],
    durationFilter: -5,
  }),
  odd("a bad pattern", listTransactions, 2, { stateFilters: [], producerIdFilters: [], transactionalIdPattern: "(" }),
  odd("an empty pattern", listTransactions, 2, { stateFilters: [], producerIdFilters: [], transactionalIdPattern: "" }),
  odd("a pattern", listTransactions, 2, { stateFilters: [], producerIdFilters: [], transactionalIdPattern: "x.*" }),
  odd("an unknown topic", describeProducers, 0, { topics: [{ name: "none", partitionIndexes: [0] }] }),
  odd("an empty name", describeProducers, 0, { topics: [{ name: "", partitionIndexes: [0] }] }),
  odd("an illegal name", describeProducers, 0, { topics: [{ name: "a b", partitionIndexes: [0] }] }),
  odd("partition -1", describeProducers, 0, { topics: [{ name: TOPIC, partitionIndexes: [-1, 9, 0, 0] }] }),

  odd("no resources", describeConfigs, 4, describing()),
  odd("an unknown topic", describeConfigs, 4, describing(resource(2, "none"))),
  odd("an empty topic", describeConfigs, 4, describing(resource(2, ""))),
  odd("an illegal topic", describeConfigs, 4, describing(resource(2, "a b"))),
  odd("a topic twice", describeConfigs, 4, describing(resource(2, TOPIC), resource(2, TOPIC))),
  odd("an unknown broker", describeConfigs, 4, describing(resource(4, "9"))),
  odd("no broker's id", describeConfigs, 4, describing(resource(4, "x"))),
  odd("loggers of an unknown broker", describeConfigs, 4, describing(resource(8, "9"))),
  odd("loggers of all", describeConfigs, 4, describing(resource(8, ""))),
  odd("client metrics", describeConfigs, 4, describing(resource(16, "m"))),
  odd("client metrics without a name", describeConfigs, 4, describing(resource(16, ""))),
  odd("a group without a name", describeConfigs, 4, describing(resource(32, ""))),
  odd("type 0", describeConfigs, 4, describing(resource(0, "x"))),
  odd("type 77", describeConfigs, 4, describing(resource(77, "x"))),
  odd("an unknown topic", alterConfigs, 2, altering(resource(2, "none", [config("retention.ms", "1")]))),
  odd("an empty topic", alterConfigs, 2, altering(resource(2, "", [config("retention.ms", "1")]))),
  odd("an unknown key", alterConfigs, 2, altering(resource(2, TOPIC, [config("none", "1")]))),
  odd(
    "a key twice",
    alterConfigs,
    2,
    altering(resource(2, TOPIC, [config("retention.ms", "1"), config("retention.ms", "2")])),
  ),
  odd("a null value", alterConfigs, 2, altering(resource(2, TOPIC, [config("retention.ms", null)]))),
  odd("an unknown broker", alterConfigs, 2, altering(resource(4, "9", [config("log.retention.ms", "1")]))),
  odd("no broker's id", alterConfigs, 2, altering(resource(4, "x", [config("log.retention.ms", "1")]))),
  odd("type 0", alterConfigs, 2, altering(resource(0, "x"))),
  odd("type 77", alterConfigs, 2, altering(resource(77, "x"))),
  odd("no resources", alterConfigs, 2, altering()),
  odd("an unknown topic", incrementalAlterConfigs, 1, altering(resource(2, "none", [config("retention.ms", "1")]))),
  odd("an empty topic", incrementalAlterConfigs, 1, altering(resource(2, "", [config("retention.ms", "1")]))),
  odd("a topic twice", incrementalAlterConfigs, 1, altering(resource(2, TOPIC), resource(2, TOPIC))),
  odd(
    "a key twice",
    incrementalAlterConfigs,
    1,
    altering(resource(2, TOPIC, [config("retention.ms", "1"), config("retention.ms", "2")])),
  ),
  odd(
    "a key set and deleted",
    incrementalAlterConfigs,
    1,
    altering(resource(2, TOPIC, [config("retention.ms", "1"), config("retention.ms", null, 1)])),
  ),
  odd("a null value", incrementalAlterConfigs, 1, altering(resource(2, TOPIC, [config("retention.ms", null)]))),
  odd(
    "a null value, appended",
    incrementalAlterConfigs,
    1,
    altering(resource(2, TOPIC, [config("cleanup.policy", null, 2)])),
  ),
  odd(
    "an append to a number",
    incrementalAlterConfigs,
    1,
    altering(resource(2, TOPIC, [config("retention.ms", "1", 2)])),
  ),
  odd(
    "a subtraction from a number",
    incrementalAlterConfigs,
    1,
    altering(resource(2, TOPIC, [config("retention.ms", "1", 3)])),
  ),
  odd("operation 9", incrementalAlterConfigs, 1, altering(resource(2, TOPIC, [config("retention.ms", "1", 9)]))),
  odd("an unknown key, deleted", incrementalAlterConfigs, 1, altering(resource(2, TOPIC, [config("none", null, 1)]))),
  odd("an unknown key", incrementalAlterConfigs, 1, altering(resource(2, TOPIC, [config("none", "1")]))),
  odd("an empty key", incrementalAlterConfigs, 1, altering(resource(2, TOPIC, [config("", "1")]))),
  odd("no keys", incrementalAlterConfigs, 1, altering(resource(2, TOPIC))),
  odd("no keys of an unknown topic", incrementalAlterConfigs, 1, altering(resource(2, "none"))),
  odd("an unknown broker", incrementalAlterConfigs, 1, altering(resource(4, "9", [config("log.retention.ms", "1")]))),
  odd("no broker's id", incrementalAlterConfigs, 1, altering(resource(4, "x", [config("log.retention.ms", "1")]))),
  odd(
    "a property fixed at the start",
    incrementalAlterConfigs,
    1,
    altering(resource(4, "1", [config("log.dirs", "/x")])),
  ),
  odd(
    "a group without a name",
    incrementalAlterConfigs,
    1,
    altering(resource(32, "", [config("consumer.session.timeout.ms", "50000")])),
  ),
  odd(
    "a group with a value out of range",
    incrementalAlterConfigs,
    1,
    altering(resource(32, "g", [config("consumer.session.timeout.ms", "1")])),
  ),
  odd("type 0", incrementalAlterConfigs, 1, altering(resource(0, "x"))),
  odd("type 77", incrementalAlterConfigs, 1, altering(resource(77, "x"))),
  odd("type 77", listConfigResources, 1, { resourceTypes: [77] }),
  odd("type 0", listConfigResources, 1, { resourceTypes: [0] }),
  odd("a type twice", listConfigResources, 1, { resourceTypes: [16, 16] }),

  odd("endpoint type 2", describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 2 }),
  odd("endpoint type 9", describeCluster, 1, { includeClusterAuthorizedOperations: false, endpointType: 9 }),
  odd("an unknown topic", describeTopicPartitions, 0, { topics: [{ name: "none" }] }),
  odd("an empty name", describeTopicPartitions, 0, { topics: [{ name: "" }] }),
  odd("an illegal name", describeTopicPartitions, 0, { topics: [{ name: "a b" }] }),
  odd("a topic twice", describeTopicPartitions, 0, { topics: [{ name: TOPIC }, { name: TOPIC }] }),
  odd("a limit of 0", describeTopicPartitions, 0, { topics: [{ name: TOPIC }], responsePartitionLimit: 0 }),
  odd("a limit of -1", describeTopicPartitions, 0, { topics: [{ name: TOPIC }], responsePartitionLimit: -1 }),
  odd("a cursor of another topic", describeTopicPartitions, 0, {
    topics: [{ name: TOPIC }],
    cursor: { topicName: "none", partitionIndex: 0 },
  }),
  odd("a cursor behind the topic", describeTopicPartitions, 0, {
    topics: [{ name: TOPIC }],
    cursor: { topicName: "zzz", partitionIndex: 0 },
  }),
  odd("a cursor at -1", describeTopicPartitions, 0, {
    topics: [{ name: TOPIC }],
    cursor: { topicName: TOPIC, partitionIndex: -1 },
  }),
  odd("a cursor behind the partitions", describeTopicPartitions, 0, {
    topics: [{ name: TOPIC }],
    cursor: { topicName: TOPIC, partitionIndex: 9 },
  }),
  odd("an unknown user", describeUserScramCredentials, 0, { users: [{ name: "none" }] }),
  odd("a user twice", describeUserScramCredentials, 0, { users: [{ name: "none" }, { name: "none" }] }),
  odd("an empty user", describeUserScramCredentials, 0, { users: [{ name: "" }] }),
  odd("no users", describeUserScramCredentials, 0, { users: [] }),
  odd("deletion of none", alterUserScramCredentials, 0, {
    deletions: [{ name: "none", mechanism: 1 }],
    upsertions: [],
  }),
  odd("deletion by an unknown mechanism", alterUserScramCredentials, 0, {
    deletions: [{ name: "none", mechanism: 9 }],
    upsertions: [],
  }),
  odd("deletion of the empty user", alterUserScramCredentials, 0, {
    deletions: [{ name: "", mechanism: 1 }],
    upsertions: [],
  }),
  odd("deletion twice", alterUserScramCredentials, 0, {
    deletions: [
      { name: "none", mechanism: 1 },
      { name: "none", mechanism: 1 },
    ],
    upsertions: [],
  }),
  odd("too few iterations", alterUserScramCredentials, 0, {
    deletions: [],
    upsertions: [{ name: "u", mechanism: 1, iterations: 1, salt: Buffer.alloc(10), saltedPassword: Buffer.alloc(32) }],
  }),
  odd("too many iterations", alterUserScramCredentials, 0, {
    deletions: [],
    upsertions: [
      { name: "u", mechanism: 1, iterations: 16_385, salt: Buffer.alloc(10), saltedPassword: Buffer.alloc(32) },
    ],
  }),
  odd("nothing", alterUserScramCredentials, 0, { deletions: [], upsertions: [] }),
  odd("an unknown topic", describeLogDirs, 4, { topics: [{ topic: "none", partitions: [0] }] }),
  odd("no topics", describeLogDirs, 4, { topics: [] }),
  odd("an unknown group", consumerGroupDescribe, 1, { groupIds: ["none", "none"], includeAuthorizedOperations: false }),
  odd("an empty group", consumerGroupDescribe, 1, { groupIds: [""], includeAuthorizedOperations: false }),
  odd("no groups", consumerGroupDescribe, 1, { groupIds: [], includeAuthorizedOperations: false }),
  odd("an empty group", consumerGroupHeartbeat, 1, beating({ groupId: "" })),
  odd("a group of blanks", consumerGroupHeartbeat, 1, beating({ groupId: "  " })),
  odd("an empty member", consumerGroupHeartbeat, 1, beating({ memberId: "" })),
  odd("no subscription", consumerGroupHeartbeat, 1, beating({ subscribedTopicNames: null })),
  odd("no time", consumerGroupHeartbeat, 1, beating({ rebalanceTimeoutMs: 0 })),
  odd("an unknown assignor", consumerGroupHeartbeat, 1, beating({ serverAssignor: "none" })),
  odd("a bad pattern", consumerGroupHeartbeat, 1, beating({ subscribedTopicNames: null, subscribedTopicRegex: "(" })),
  odd(
    "partitions at the first beat",
    consumerGroupHeartbeat,
    1,
    beating({ topicPartitions: [{ topicId: ID, partitions: [0] }] }),
  ),
  odd("no partitions at the first beat", consumerGroupHeartbeat, 1, beating({ topicPartitions: null })),
  odd("epoch -2 without an instance", consumerGroupHeartbeat, 1, beating({ memberEpoch: -2 })),
  odd("epoch -9", consumerGroupHeartbeat, 1, beating({ memberEpoch: -9 })),
  odd("a member that leaves no group", consumerGroupHeartbeat, 1, beating({ memberEpoch: -1 })),
  odd("a later epoch of no group", consumerGroupHeartbeat, 1, beating({ memberEpoch: 4 })),
  odd("an empty instance", consumerGroupHeartbeat, 1, beating({ instanceId: "" })),
  odd("an empty rack", consumerGroupHeartbeat, 1, beating({ rackId: "" })),

  odd("all", electLeaders, 2, { electionType: 0, topicPartitions: null }),
  odd("none", electLeaders, 2, { electionType: 0, topicPartitions: [] }),
  odd("kind 9", electLeaders, 2, { electionType: 9, topicPartitions: [{ topic: TOPIC, partitions: [0] }] }),
  odd("known, unknown, and twice", electLeaders, 2, {
    electionType: 0,
    topicPartitions: [
      { topic: TOPIC, partitions: [0, 0, 9, -1] },
      { topic: "none", partitions: [0] },
    ],
  }),
  odd("the unclean kind", electLeaders, 2, { electionType: 1, topicPartitions: [{ topic: TOPIC, partitions: [0] }] }),
  odd("an empty name", electLeaders, 0, { topicPartitions: [{ topic: "", partitions: [0] }] }),
  odd("an unknown folder", alterReplicaLogDirs, 2, {
    dirs: [{ path: "/none", topics: [{ name: TOPIC, partitions: [0] }] }],
  }),
  odd("an unknown folder and topic", alterReplicaLogDirs, 2, {
    dirs: [{ path: "/none", topics: [{ name: "none", partitions: [0] }] }],
  }),
  odd("a relative folder", alterReplicaLogDirs, 2, {
    dirs: [{ path: "none", topics: [{ name: TOPIC, partitions: [0] }] }],
  }),
  odd("nothing", alterReplicaLogDirs, 2, { dirs: [] }),
  odd("no topics", alterPartitionReassignments, 0, { topics: [] }),
  odd("an unknown topic", alterPartitionReassignments, 0, {
    topics: [{ name: "none", partitions: [{ partitionIndex: 0, replicas: [1] }] }],
  }),
  odd("an empty name", alterPartitionReassignments, 0, {
    topics: [{ name: "", partitions: [{ partitionIndex: 0, replicas: [1] }] }],
  }),
  odd("an unknown partition", alterPartitionReassignments, 0, {
    topics: [
      {
        name: TOPIC,
        partitions: [
          { partitionIndex: 9, replicas: [1] },
          { partitionIndex: -1, replicas: [1] },
        ],
      },
    ],
  }),
  odd("where it is", alterPartitionReassignments, 0, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [1] }] }],
  }),
  odd("nowhere", alterPartitionReassignments, 0, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [] }] }],
  }),
  odd("twice where it is", alterPartitionReassignments, 0, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [1, 1] }] }],
  }),
  odd("elsewhere", alterPartitionReassignments, 0, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: [9] }] }],
  }),
  odd("cancel", alterPartitionReassignments, 0, {
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, replicas: null }] }],
  }),
  odd("cancel of an unknown topic", alterPartitionReassignments, 0, {
    topics: [{ name: "none", partitions: [{ partitionIndex: 0, replicas: null }] }],
  }),
  odd("a partition twice", alterPartitionReassignments, 0, {
    topics: [
      {
        name: TOPIC,
        partitions: [
          { partitionIndex: 0, replicas: null },
          { partitionIndex: 0, replicas: [1] },
        ],
      },
    ],
  }),
  odd("all", listPartitionReassignments, 0, { topics: null }),
  odd("an unknown topic", listPartitionReassignments, 0, { topics: [{ name: "none", partitionIndexes: [0] }] }),
  odd("none", listPartitionReassignments, 0, { topics: [] }),
];

/**
 * Sends all odd requests, on a connection of its own where the last one was closed.
 * @returns the answers, by label.
 */
export async function oddAnswers(port: number): Promise<Record<string, unknown>> {
  const first = await BrokerClient.connect(port);
  const create = { topics: [topic(TOPIC, 2)], timeoutMs: 10_000, validateOnly: false };
  await first.request(createTopics, 5, create);
  // Elsewhere the partitions follow the answer.
  for (;;) {
    const { topics } = await first.request(metadata, 9, { topics: [{ name: TOPIC }], allowAutoTopicCreation: false });
    if (topics[0]?.partitions.length === 2) break;
  }
  await coordinatorsReady(first);
  let client = first;
  const answers: Record<string, unknown> = {};
  for (const { label, ask } of ODD_REQUESTS) {
    try {
      answers[label] = await ask(client);
    } catch (cause) {
      if (!(cause instanceof ConnectionEnded)) throw cause;
      answers[label] = "closed";
      client = await BrokerClient.connect(port);
    }
  }
  client.close();
  return answers;
}

/** Elsewhere the coordinators make their topics at the first question, and read each partition before they answer for it. */
async function coordinatorsReady(client: BrokerClient): Promise<void> {
  const LOADING = [14, 15, 16];
  for (const groupId of ["", "x", "none", "odd-1", "odd-none", "odd-group", "odd-beats", "  "]) {
    for (;;) {
      const { errorCode } = await client.request(findCoordinator, 2, { key: groupId, keyType: 0 });
      if (LOADING.includes(errorCode)) continue;
      const answer = await client.request(offsetFetch, 7, { groupId, topics: [] });
      if (!LOADING.includes(answer.errorCode)) break;
    }
  }
  for (const transactionalId of ["", "x", "none", "odd", "odd-2"]) {
    for (;;) {
      const { errorCode } = await client.request(findCoordinator, 2, { key: transactionalId, keyType: 1 });
      if (LOADING.includes(errorCode)) continue;
      const unknown = { transactionalId, producerId: 5, producerEpoch: 0, committed: true };
      const answer = await client.request(endTxn, 3, unknown);
      if (!LOADING.includes(answer.errorCode)) break;
    }
  }
  for (;;) {
    const answer = await client.request(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000 });
    if (answer.errorCode === 0) return;
  }
}
