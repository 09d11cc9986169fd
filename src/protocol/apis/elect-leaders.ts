import { defineApi } from "../api.js";
import { array, i8, i16, i32, message, str, structs } from "../message-fields.js";

/** ElectLeaders (key 43), v0-v2. Has partitions elect leaders. v1: the kind of election, an error for the whole; v2: flexible. */
export const electLeaders = defineApi({
  key: 43,
  name: "ElectLeaders",
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    electionType: i8.from(1),
    topicPartitions: structs({ topic: str, partitions: array(i32) }).nullable(),
    timeoutMs: i32.or(60_000),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.from(1),
    replicaElectionResults: structs({
      topic: str,
      partitionResult: structs({ partitionId: i32, errorCode: i16, errorMessage: message.nullable() }),
    }),
  },
});
