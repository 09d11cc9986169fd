import { defineApi } from "../api.js";
import { array, bool, i16, i32, str, structs, uuid } from "../message-fields.js";

/**
 * Metadata (key 3), v0-v13.
 * Describes brokers and topics. v1: null means all topics; v4: automatic creation can be refused; v7: leader epochs;
 * v9: flexible; v10: topic ids; v13: top-level error.
 */
export const metadata = defineApi({
  key: 3,
  name: "Metadata",
  versions: [0, 13],
  flexibleFrom: 9,
  request: {
    topics: structs({ topicId: uuid.from(10), name: str.nullable(10) }).nullable(1),
    allowAutoTopicCreation: bool.from(4).or(true),
    includeClusterAuthorizedOperations: bool.within(8, 10),
    includeTopicAuthorizedOperations: bool.from(8),
  },
  response: {
    throttleTimeMs: i32.from(3),
    brokers: structs({ nodeId: i32, host: str, port: i32, rack: str.nullable().from(1).or(null) }),
    clusterId: str.nullable().from(2).or(null),
    controllerId: i32.from(1).or(-1),
    topics: structs({
      errorCode: i16,
      name: str.nullable(12),
      topicId: uuid.from(10),
      isInternal: bool.from(1),
      partitions: structs({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.from(7).or(-1),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        offlineReplicas: array(i32).from(5),
      }),
      topicAuthorizedOperations: i32.from(8).or(-2147483648),
    }),
    clusterAuthorizedOperations: i32.within(8, 10).or(-2147483648),
    errorCode: i16.from(13),
  },
});
