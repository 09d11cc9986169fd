import type { Operation, ResourceType } from "../../src/broker/access/acl.js";
import type { Api } from "../../src/protocol/api.js";
import { addOffsetsToTxn } from "../../src/protocol/apis/add-offsets-to-txn.js";
import { addPartitionsToTxn } from "../../src/protocol/apis/add-partitions-to-txn.js";
import { alterClientQuotas } from "../../src/protocol/apis/alter-client-quotas.js";
import { alterConfigs } from "../../src/protocol/apis/alter-configs.js";
import { alterPartitionReassignments } from "../../src/protocol/apis/alter-partition-reassignments.js";
import { alterReplicaLogDirs } from "../../src/protocol/apis/alter-replica-log-dirs.js";
import { alterUserScramCredentials } from "../../src/protocol/apis/alter-user-scram-credentials.js";
import { consumerGroupDescribe } from "../../src/protocol/apis/consumer-group-describe.js";
import { consumerGroupHeartbeat } from "../../src/protocol/apis/consumer-group-heartbeat.js";
import { createAcls } from "../../src/protocol/apis/create-acls.js";
import { createPartitions } from "../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { deleteAcls } from "../../src/protocol/apis/delete-acls.js";
import { deleteGroups } from "../../src/protocol/apis/delete-groups.js";
import { deleteRecords } from "../../src/protocol/apis/delete-records.js";
import { deleteTopics } from "../../src/protocol/apis/delete-topics.js";
import { describeAcls } from "../../src/protocol/apis/describe-acls.js";
import { describeClientQuotas } from "../../src/protocol/apis/describe-client-quotas.js";
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
import { listOffsets } from "../../src/protocol/apis/list-offsets.js";
import { listPartitionReassignments } from "../../src/protocol/apis/list-partition-reassignments.js";
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
import type { BrokerClient } from "./broker-client.js";
import { batchOf } from "./broker-log.js";

type Grant = readonly [Operation, ResourceType, string];

/** A request, and what it needs. */
export interface AclCase {
  readonly label: string;
  /** The error codes of its answer without any ACL, also from Apache Kafka (test/external/broker-acls.test.ts). */
  readonly denied: readonly number[];
  /** What it needs: with these ACLs nothing of it is denied. */
  readonly grants: readonly Grant[];
  /** The different error codes of the answer. */
  ask(client: BrokerClient): Promise<number[]>;
}

/** The errors for what a client may not do. */
export const DENIALS: readonly number[] = [29, 30, 31, 53];

const CLUSTER = "kafka-cluster";
const TOPIC = "t";
const GROUP = "g";
const TXN = "x";
const NO_PRODUCER = { producerId: 1000, producerEpoch: 0 };

function acl<Q extends Fields, S extends Fields>(
  label: string,
  api: Api<Q, S>,
  version: number,
  request: InputOf<Q>,
  denied: readonly number[],
  ...grants: readonly Grant[]
): AclCase {
  const ask = async (client: BrokerClient) => {
    const codes = codesIn(await client.request(api, version, request));
    return [...new Set(codes)].filter((code) => code !== 0);
  };
  return { label: `${api.name} ${label}`, denied, grants, ask };
}

/** All error codes of an answer. */
function codesIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(codesIn);
  if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return [];
  return Object.entries(value).flatMap(([key, field]) => (key === "errorCode" ? [field as number] : codesIn(field)));
}

const filter = {
  resourceTypeFilter: 2,
  resourceNameFilter: "none",
  patternTypeFilter: 3,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
};
const offset = { partitionIndex: 0, committedOffset: 0, committedMetadata: "" };

/** Every API that asks for permission. The topic `t` has one partition; there is no group, and no transaction. */
export const ACL_CASES: readonly AclCase[] = [
  acl(
    "a topic",
    produce,
    9,
    {
      transactionalId: null,
      acks: 1,
      timeoutMs: 5000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records: batchOf([{ key: "k", value: "v" }]) }] }],
    },
    [29],
    ["WRITE", "TOPIC", TOPIC],
  ),
  acl(
    "a missing topic",
    produce,
    9,
    {
      transactionalId: null,
      acks: 1,
      timeoutMs: 5000,
      topicData: [{ name: "none", partitionData: [{ index: 0, records: batchOf([{ key: "k", value: "v" }]) }] }],
    },
    [29],
    ["WRITE", "TOPIC", "none"],
  ),
  acl(
    "a topic",
    fetch,
    11,
    {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: TOPIC,
          partitions: [
            { partition: 0, currentLeaderEpoch: -1, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1000 },
          ],
        },
      ],
      forgottenTopicsData: [],
      rackId: "",
    },
    [29],
    ["READ", "TOPIC", TOPIC],
  ),
  acl(
    "a topic",
    listOffsets,
    5,
    { replicaId: -1, isolationLevel: 0, topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp: -1 }] }] },
    [29],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl(
    "a topic",
    metadata,
    9,
    { topics: [{ name: TOPIC }], allowAutoTopicCreation: false },
    [29],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl(
    "a missing topic",
    metadata,
    9,
    { topics: [{ name: "none" }], allowAutoTopicCreation: false },
    [29],
    ["DESCRIBE", "TOPIC", "none"],
  ),
  acl("all topics", metadata, 9, { topics: null, allowAutoTopicCreation: false }, []),
  acl(
    "an offset",
    offsetCommit,
    8,
    { groupId: GROUP, memberId: "", topics: [{ name: TOPIC, partitions: [offset] }] },
    [30],
    ["READ", "GROUP", GROUP],
    ["READ", "TOPIC", TOPIC],
  ),
  acl(
    "an offset",
    offsetFetch,
    7,
    { groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }], requireStable: false },
    [30],
    ["DESCRIBE", "GROUP", GROUP],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl(
    "all offsets",
    offsetFetch,
    8,
    { groups: [{ groupId: GROUP, topics: null }], requireStable: false },
    [30],
    ["DESCRIBE", "GROUP", GROUP],
  ),
  acl("of a group", findCoordinator, 3, { key: GROUP, keyType: 0 }, [30], ["DESCRIBE", "GROUP", GROUP]),
  acl(
    "of a transactional id",
    findCoordinator,
    4,
    { keyType: 1, coordinatorKeys: [TXN] },
    [53],
    ["DESCRIBE", "TRANSACTIONAL_ID", TXN],
  ),
  acl(
    "a group",
    joinGroup,
    5,
    {
      groupId: GROUP,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
    },
    [30],
    ["READ", "GROUP", GROUP],
  ),
  acl(
    "a group",
    syncGroup,
    3,
    { groupId: GROUP, generationId: 1, memberId: "m", assignments: [] },
    [30],
    ["READ", "GROUP", GROUP],
  ),
  acl("to a group", heartbeat, 3, { groupId: GROUP, generationId: 1, memberId: "m" }, [30], ["READ", "GROUP", GROUP]),
  acl("a group", leaveGroup, 2, { groupId: GROUP, memberId: "m" }, [30], ["READ", "GROUP", GROUP]),
  acl(
    "a group",
    describeGroups,
    5,
    { groups: [GROUP], includeAuthorizedOperations: false },
    [30],
    ["DESCRIBE", "GROUP", GROUP],
  ),
  acl(
    "to join a group",
    consumerGroupHeartbeat,
    0,
    {
      groupId: "consumers",
      memberId: "m",
      memberEpoch: 0,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: [TOPIC],
      topicPartitions: [],
    },
    [30],
    ["READ", "GROUP", "consumers"],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl(
    "a group",
    consumerGroupDescribe,
    0,
    { groupIds: ["consumers"], includeAuthorizedOperations: false },
    [30],
    ["DESCRIBE", "GROUP", "consumers"],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl("a group", deleteGroups, 1, { groupsNames: ["none"] }, [30], ["DELETE", "GROUP", "none"]),
  acl(
    "by its own name",
    createTopics,
    5,
    {
      topics: [{ name: "new", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
      validateOnly: true,
    },
    [29],
    ["CREATE", "TOPIC", "new"],
  ),
  acl(
    "by the cluster",
    createTopics,
    5,
    {
      topics: [{ name: "new", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
      validateOnly: true,
    },
    [29],
    ["CREATE", "CLUSTER", CLUSTER],
  ),
  acl("a missing topic", deleteTopics, 5, { topicNames: ["none"], timeoutMs: 5000 }, [29], ["DELETE", "TOPIC", "none"]),
  acl(
    "a topic",
    deleteRecords,
    2,
    { topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset: 0 }] }], timeoutMs: 5000 },
    [29],
    ["DELETE", "TOPIC", TOPIC],
  ),
  acl(
    "a topic",
    createPartitions,
    2,
    { topics: [{ name: TOPIC, count: 2, assignments: null }], timeoutMs: 5000, validateOnly: true },
    [29],
    ["ALTER", "TOPIC", TOPIC],
  ),
  acl(
    "a topic",
    offsetForLeaderEpoch,
    3,
    {
      replicaId: -1,
      topics: [{ topic: TOPIC, partitions: [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: 0 }] }],
    },
    [29],
    ["DESCRIBE", "TOPIC", TOPIC],
  ),
  acl(
    "by a topic",
    initProducerId,
    3,
    { transactionalId: null, transactionTimeoutMs: 1000 },
    [31],
    ["WRITE", "TOPIC", TOPIC],
  ),
  acl(
    "by the cluster",
    initProducerId,
    3,
    { transactionalId: null, transactionTimeoutMs: 1000 },
    [31],
    ["IDEMPOTENT_WRITE", "CLUSTER", CLUSTER],
  ),
  acl(
    "a transactional id",
    initProducerId,
    3,
    { transactionalId: TXN, transactionTimeoutMs: 1000 },
    [53],
    ["WRITE", "TRANSACTIONAL_ID", TXN],
  ),
  acl(
    "a topic",
    addPartitionsToTxn,
    2,
    { transactionalId: TXN, ...NO_PRODUCER, topics: [{ name: TOPIC, partitions: [0] }] },
    [53],
    ["WRITE", "TRANSACTIONAL_ID", TXN],
    ["WRITE", "TOPIC", TOPIC],
  ),
  acl(
    "a group",
    addOffsetsToTxn,
    2,
    { transactionalId: TXN, ...NO_PRODUCER, groupId: GROUP },
    [53],
    ["WRITE", "TRANSACTIONAL_ID", TXN],
    ["READ", "GROUP", GROUP],
  ),
  acl(
    "an offset",
    txnOffsetCommit,
    2,
    { transactionalId: TXN, groupId: GROUP, ...NO_PRODUCER, topics: [{ name: TOPIC, partitions: [offset] }] },
    [53],
    ["WRITE", "TRANSACTIONAL_ID", TXN],
    ["READ", "GROUP", GROUP],
    ["READ", "TOPIC", TOPIC],
  ),
  acl(
    "a transactional id",
    endTxn,
    2,
    { transactionalId: TXN, ...NO_PRODUCER, committed: true },
    [53],
    ["WRITE", "TRANSACTIONAL_ID", TXN],
  ),
  acl(
    "a transactional id",
    describeTransactions,
    0,
    { transactionalIds: [TXN] },
    [53],
    ["DESCRIBE", "TRANSACTIONAL_ID", TXN],
  ),
  acl(
    "a missing topic",
    writeTxnMarkers,
    1,
    {
      markers: [
        {
          ...NO_PRODUCER,
          transactionResult: false,
          coordinatorEpoch: 0,
          topics: [{ name: "none", partitionIndexes: [0] }],
        },
      ],
    },
    [31],
    ["ALTER", "CLUSTER", CLUSTER],
  ),
  acl(
    "a topic",
    describeProducers,
    0,
    { topics: [{ name: TOPIC, partitionIndexes: [0] }] },
    [29],
    ["READ", "TOPIC", TOPIC],
  ),
  acl("a topic", describeTopicPartitions, 0, { topics: [{ name: TOPIC }] }, [29], ["DESCRIBE", "TOPIC", TOPIC]),
  acl(
    "an offset",
    offsetDelete,
    0,
    { groupId: GROUP, topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }] },
    [30],
    ["DELETE", "GROUP", GROUP],
    ["READ", "TOPIC", TOPIC],
  ),
  acl(
    "of a topic",
    describeConfigs,
    4,
    { resources: [{ resourceType: 2, resourceName: TOPIC, configurationKeys: [] }], includeSynonyms: false },
    [29],
    ["DESCRIBE_CONFIGS", "TOPIC", TOPIC],
  ),
  acl(
    "of a group",
    describeConfigs,
    4,
    { resources: [{ resourceType: 32, resourceName: GROUP, configurationKeys: [] }], includeSynonyms: false },
    [30],
    ["DESCRIBE_CONFIGS", "GROUP", GROUP],
  ),
  acl(
    "of a broker",
    describeConfigs,
    4,
    { resources: [{ resourceType: 4, resourceName: "1", configurationKeys: [] }], includeSynonyms: false },
    [31],
    ["DESCRIBE_CONFIGS", "CLUSTER", CLUSTER],
  ),
  acl(
    "of a topic",
    alterConfigs,
    1,
    { resources: [{ resourceType: 2, resourceName: TOPIC, configs: [] }], validateOnly: true },
    [29],
    ["ALTER_CONFIGS", "TOPIC", TOPIC],
  ),
  acl(
    "of a topic",
    incrementalAlterConfigs,
    1,
    { resources: [{ resourceType: 2, resourceName: TOPIC, configs: [] }], validateOnly: true },
    [29],
    ["ALTER_CONFIGS", "TOPIC", TOPIC],
  ),
  acl(
    "of a broker",
    incrementalAlterConfigs,
    1,
    { resources: [{ resourceType: 4, resourceName: "1", configs: [] }], validateOnly: true },
    [31],
    ["ALTER_CONFIGS", "CLUSTER", CLUSTER],
  ),
  acl("of all", electLeaders, 2, { electionType: 0, topicPartitions: null }, [31], ["ALTER", "CLUSTER", CLUSTER]),
  acl(
    "of a topic",
    alterReplicaLogDirs,
    2,
    { dirs: [{ path: "/none", topics: [{ name: TOPIC, partitions: [0] }] }] },
    [31],
    ["ALTER", "CLUSTER", CLUSTER],
  ),
  acl("of none", alterPartitionReassignments, 0, { topics: [] }, [31], ["ALTER", "CLUSTER", CLUSTER]),
  acl("of all", listPartitionReassignments, 0, { topics: null }, [31], ["DESCRIBE", "CLUSTER", CLUSTER]),
  acl("of all topics", describeLogDirs, 4, { topics: null }, [31], ["DESCRIBE", "CLUSTER", CLUSTER]),
  acl("of a topic", describeAcls, 2, filter, [31], ["DESCRIBE", "CLUSTER", CLUSTER]),
  acl(
    "one",
    createAcls,
    2,
    {
      creations: [
        {
          resourceType: 2,
          resourceName: "none",
          resourcePatternType: 3,
          principal: "User:nobody",
          host: "*",
          operation: 3,
          permissionType: 3,
        },
      ],
    },
    [31],
    ["ALTER", "CLUSTER", CLUSTER],
  ),
  acl(
    "of a missing topic",
    deleteAcls,
    2,
    { filters: [{ ...filter, resourceNameFilter: "other" }] },
    [31],
    ["ALTER", "CLUSTER", CLUSTER],
  ),
  // Kafka gives no answer to a client that asks for all users and may not.
  acl(
    "of a missing user",
    describeUserScramCredentials,
    0,
    { users: [{ name: "nobody" }] },
    [31],
    ["DESCRIBE", "CLUSTER", CLUSTER],
  ),
  acl(
    "of a missing user",
    alterUserScramCredentials,
    0,
    { deletions: [{ name: "nobody", mechanism: 1 }], upsertions: [] },
    [31],
    ["ALTER", "CLUSTER", CLUSTER],
  ),
  acl(
    "of all",
    describeClientQuotas,
    1,
    { components: [], strict: false },
    [31],
    ["DESCRIBE_CONFIGS", "CLUSTER", CLUSTER],
  ),
  acl(
    "of a user",
    alterClientQuotas,
    1,
    { entries: [{ entity: [{ entityType: "user", entityName: "nobody" }], ops: [] }], validateOnly: false },
    [31],
    ["ALTER_CONFIGS", "CLUSTER", CLUSTER],
  ),
  acl("of all types", listConfigResources, 1, {}, [31], ["DESCRIBE_CONFIGS", "CLUSTER", CLUSTER]),
];
