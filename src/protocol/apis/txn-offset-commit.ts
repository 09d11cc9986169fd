import { defineApi } from "../api.js";
import { i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * TxnOffsetCommit (key 28), v0-v5.
 * Commits offsets of a group in a producer's transaction. v2: leader epochs; v3: the member and its generation, flexible;
 * v4: TRANSACTION_ABORTABLE; v5: the group is added to the transaction, without AddOffsetsToTxn.
 */
export const txnOffsetCommit = defineApi({
  key: 28,
  name: "TxnOffsetCommit",
  versions: [0, 5],
  flexibleFrom: 3,
  request: {
    transactionalId: str,
    groupId: str,
    producerId: i64,
    producerEpoch: i16,
    generationId: i32.from(3).or(-1),
    memberId: str.from(3),
    groupInstanceId: str.nullable().from(3).or(null),
    topics: structs({
      name: str,
      partitions: structs({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.from(2).or(-1),
        committedMetadata: str.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    topics: structs({ name: str, partitions: structs({ partitionIndex: i32, errorCode: i16 }) }),
  },
});
