import type { Api } from "../../../src/protocol/api.js";
import { addOffsetsToTxn } from "../../../src/protocol/apis/add-offsets-to-txn.js";
import { addPartitionsToTxn } from "../../../src/protocol/apis/add-partitions-to-txn.js";
import { alterClientQuotas } from "../../../src/protocol/apis/alter-client-quotas.js";
import { alterConfigs } from "../../../src/protocol/apis/alter-configs.js";
import { alterPartitionReassignments } from "../../../src/protocol/apis/alter-partition-reassignments.js";
import { alterReplicaLogDirs } from "../../../src/protocol/apis/alter-replica-log-dirs.js";
import { alterUserScramCredentials } from "../../../src/protocol/apis/alter-user-scram-credentials.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { consumerGroupDescribe } from "../../../src/protocol/apis/consumer-group-describe.js";
import { consumerGroupHeartbeat } from "../../../src/protocol/apis/consumer-group-heartbeat.js";
import { createAcls } from "../../../src/protocol/apis/create-acls.js";
import { createPartitions } from "../../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { deleteAcls } from "../../../src/protocol/apis/delete-acls.js";
import { deleteGroups } from "../../../src/protocol/apis/delete-groups.js";
import { deleteRecords } from "../../../src/protocol/apis/delete-records.js";
import { deleteTopics } from "../../../src/protocol/apis/delete-topics.js";
import { describeAcls } from "../../../src/protocol/apis/describe-acls.js";
import { describeClientQuotas } from "../../../src/protocol/apis/describe-client-quotas.js";
import { describeCluster } from "../../../src/protocol/apis/describe-cluster.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { describeGroups } from "../../../src/protocol/apis/describe-groups.js";
import { describeLogDirs } from "../../../src/protocol/apis/describe-log-dirs.js";
import { describeProducers } from "../../../src/protocol/apis/describe-producers.js";
import { describeTopicPartitions } from "../../../src/protocol/apis/describe-topic-partitions.js";
import { describeTransactions } from "../../../src/protocol/apis/describe-transactions.js";
import { describeUserScramCredentials } from "../../../src/protocol/apis/describe-user-scram-credentials.js";
import { electLeaders } from "../../../src/protocol/apis/elect-leaders.js";
import { endTxn } from "../../../src/protocol/apis/end-txn.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { findCoordinator } from "../../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import { joinGroup } from "../../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../../src/protocol/apis/leave-group.js";
import { listConfigResources } from "../../../src/protocol/apis/list-config-resources.js";
import { listGroups } from "../../../src/protocol/apis/list-groups.js";
import { listOffsets } from "../../../src/protocol/apis/list-offsets.js";
import { listPartitionReassignments } from "../../../src/protocol/apis/list-partition-reassignments.js";
import { listTransactions } from "../../../src/protocol/apis/list-transactions.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { offsetCommit } from "../../../src/protocol/apis/offset-commit.js";
import { offsetDelete } from "../../../src/protocol/apis/offset-delete.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import { offsetForLeaderEpoch } from "../../../src/protocol/apis/offset-for-leader-epoch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { saslAuthenticate } from "../../../src/protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../../src/protocol/apis/sasl-handshake.js";
import { syncGroup } from "../../../src/protocol/apis/sync-group.js";
import { txnOffsetCommit } from "../../../src/protocol/apis/txn-offset-commit.js";
import { writeTxnMarkers } from "../../../src/protocol/apis/write-txn-markers.js";
import type { Fields } from "../../../src/protocol/message-fields.js";

/** Every supported API of the protocol. */
export const APIS = [
  alterClientQuotas,
  describeClientQuotas,
  listConfigResources,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  createAcls,
  deleteAcls,
  describeAcls,
  alterUserScramCredentials,
  describeUserScramCredentials,
  saslAuthenticate,
  saslHandshake,
  addOffsetsToTxn,
  addPartitionsToTxn,
  alterConfigs,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  apiVersions,
  createPartitions,
  createTopics,
  deleteGroups,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeProducers,
  describeTopicPartitions,
  describeTransactions,
  electLeaders,
  endTxn,
  fetch,
  findCoordinator,
  heartbeat,
  incrementalAlterConfigs,
  initProducerId,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  listPartitionReassignments,
  listTransactions,
  metadata,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
  syncGroup,
  txnOffsetCommit,
  writeTxnMarkers,
] as unknown as readonly Api<Fields, Fields>[];
