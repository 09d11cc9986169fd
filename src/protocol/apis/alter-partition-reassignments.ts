import { defineApi } from "../api.js";
import { array, bool, i16, i32, message, str, structs } from "../message-fields.js";

/** AlterPartitionReassignments (key 45), v0-v1. Moves partitions to other nodes. v1: may keep the replication factor. */
export const alterPartitionReassignments = defineApi({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    timeoutMs: i32.or(60_000),
    allowReplicationFactorChange: bool.from(1).or(true),
    topics: structs({
      name: str,
      partitions: structs({ partitionIndex: i32, replicas: array(i32).nullable() }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    allowReplicationFactorChange: bool.from(1).or(true),
    errorCode: i16,
    errorMessage: message.nullable(),
    responses: structs({
      name: str,
      partitions: structs({ partitionIndex: i32, errorCode: i16, errorMessage: message.nullable() }),
    }),
  },
});
