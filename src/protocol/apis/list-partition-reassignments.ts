import { defineApi } from "../api.js";
import { array, i16, i32, message, str, structs } from "../message-fields.js";

/** ListPartitionReassignments (key 46), v0. Lists partitions that are moved between nodes. */
export const listPartitionReassignments = defineApi({
  key: 46,
  name: "ListPartitionReassignments",
  versions: [0, 0],
  flexibleFrom: 0,
  request: {
    timeoutMs: i32.or(60_000),
    topics: structs({ name: str, partitionIndexes: array(i32) }).nullable(),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    errorMessage: message.nullable(),
    topics: structs({
      name: str,
      partitions: structs({
        partitionIndex: i32,
        replicas: array(i32),
        addingReplicas: array(i32),
        removingReplicas: array(i32),
      }),
    }),
  },
});
