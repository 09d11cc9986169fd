import { defineApi } from "../api.js";
import { array, i16, i32, i64, str, structs } from "../message-fields.js";

/** DescribeTransactions (key 65), v0. Describes the state of transactional ids (KIP-664). */
export const describeTransactions = defineApi({
  key: 65,
  name: "DescribeTransactions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: { transactionalIds: array(str) },
  response: {
    throttleTimeMs: i32,
    transactionStates: structs({
      errorCode: i16,
      transactionalId: str,
      transactionState: str,
      transactionTimeoutMs: i32,
      transactionStartTimeMs: i64,
      producerId: i64,
      producerEpoch: i16,
      topics: structs({ topic: str, partitions: array(i32) }),
    }),
  },
});
