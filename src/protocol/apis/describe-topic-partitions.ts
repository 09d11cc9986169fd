import { defineApi } from "../api.js";
import { array, bool, i16, i32, str, struct, structs, uuid } from "../message-fields.js";

/**
 * DescribeTopicPartitions (key 75), v0.
 * Describes topics page by page.
 */
export const describeTopicPartitions = defineApi({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    topics: structs({ name: str }),
    responsePartitionLimit: i32.or(2000),
    cursor: struct({ topicName: str, partitionIndex: i32 }).nullable().or(null),
  },
  response: {
    throttleTimeMs: i32,
    topics: structs({
      errorCode: i16,
      name: str.nullable(),
      topicId: uuid,
      isInternal: bool,
      partitions: structs({
        errorCode: i16,
        partitionIndex: i32,
        leaderId: i32,
        leaderEpoch: i32.or(-1),
        replicaNodes: array(i32),
        isrNodes: array(i32),
        eligibleLeaderReplicas: array(i32).nullable().or(null),
        lastKnownElr: array(i32).nullable().or(null),
        offlineReplicas: array(i32),
      }),
      topicAuthorizedOperations: i32.or(-2147483648),
    }),
    nextCursor: struct({ topicName: str, partitionIndex: i32 }).nullable().or(null),
  },
});
