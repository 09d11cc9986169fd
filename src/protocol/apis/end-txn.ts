import { defineApi } from "../api.js";
import { bool, i16, i32, i64, str } from "../message-fields.js";

/**
 * EndTxn (key 26), v0-v5.
 * Commits or aborts a producer's transaction. v2: PRODUCER_FENCED; v3: flexible; v4: TRANSACTION_ABORTABLE; v5: the
 * producer's epoch changes with each transaction (KIP-890), and AddPartitionsToTxn is not sent any more.
 */
export const endTxn = defineApi({
  key: 26,
  name: "EndTxn",
  versions: [0, 5],
  flexibleFrom: 3,
  request: { transactionalId: str, producerId: i64, producerEpoch: i16, committed: bool },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    producerId: i64.from(5).or(-1),
    producerEpoch: i16.from(5).or(-1),
  },
});
