import { defineApi } from "../api.js";
import { array, i16, i32, i64, message, str, structs } from "../message-fields.js";

/**
 * DescribeProducers (key 61), v0.
 * Lists the producers of partitions and their open transactions (KIP-664).
 */
export const describeProducers = defineApi({
  key: 61,
  name: "DescribeProducers",
  versions: [0, 0],
  flexibleFrom: 0,
  request: { topics: structs({ name: str, partitionIndexes: array(i32) }) },
  response: {
    throttleTimeMs: i32,
    topics: structs({
      name: str,
      partitions: structs({
        partitionIndex: i32,
        errorCode: i16,
        errorMessage: message.nullable().or(null),
        activeProducers: structs({
          producerId: i64,
          producerEpoch: i32,
          lastSequence: i32.or(-1),
          lastTimestamp: i64.or(-1),
          coordinatorEpoch: i32,
          currentTxnStartOffset: i64.or(-1),
        }),
      }),
    }),
  },
});
