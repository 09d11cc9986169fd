import { defineApi } from "../api.js";
import { i16, i32, i64, str } from "../message-fields.js";

/**
 * AddOffsetsToTxn (key 25), v0-v4.
 * Adds the offsets of a group to a producer's transaction, before TxnOffsetCommit. v2: PRODUCER_FENCED; v3: flexible;
 * v4: TRANSACTION_ABORTABLE.
 */
export const addOffsetsToTxn = defineApi({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: [0, 4],
  flexibleFrom: 3,
  request: { transactionalId: str, producerId: i64, producerEpoch: i16, groupId: str },
  response: { throttleTimeMs: i32, errorCode: i16 },
});
