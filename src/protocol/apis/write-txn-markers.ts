import { defineApi } from "../api.js";
import { array, bool, i8, i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * WriteTxnMarkers (key 27), v1-v2.
 * Ends transactions in partitions, past their coordinator: administrators abort hanging ones with it. v1: flexible; v2:
 * the version of the transaction.
 */
export const writeTxnMarkers = defineApi({
  key: 27,
  name: "WriteTxnMarkers",
  versions: [1, 2],
  flexibleFrom: 1,
  request: {
    markers: structs({
      producerId: i64,
      producerEpoch: i16,
      transactionResult: bool,
      topics: structs({ name: str, partitionIndexes: array(i32) }),
      coordinatorEpoch: i32,
      transactionVersion: i8.from(2),
    }),
  },
  response: {
    markers: structs({
      producerId: i64,
      topics: structs({ name: str, partitions: structs({ partitionIndex: i32, errorCode: i16 }) }),
    }),
  },
});
