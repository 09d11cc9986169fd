import { ErrorCodes } from "../../protocol/error-codes.js";
import type { PartitionLog } from "../log/partition-log.js";

/** No node, where a partition has no leader. */
const NOBODY = -1;

/**
 * Leader and replicas of a partition, as Metadata and DescribeTopicPartitions answer them. One whose log is offline has no
 * leader, as in Kafka after a failure of its log directory: clients ask again, and tools list it as offline.
 */
export function partitionState({ leaderEpoch, offline }: PartitionLog, partitionIndex: number, nodeId: number) {
  return {
    errorCode: offline ? ErrorCodes.LEADER_NOT_AVAILABLE : ErrorCodes.NONE,
    partitionIndex,
    leaderId: offline ? NOBODY : nodeId,
    leaderEpoch,
    replicaNodes: [nodeId],
    isrNodes: [nodeId],
    offlineReplicas: offline ? [nodeId] : [],
  };
}
