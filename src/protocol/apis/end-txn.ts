import { defineApi } from "../api.js";
import { bool, i16, i32, i64, str } from "../message-fields.js";

/**
 * EndTxn (key 26), v0-v4.
 * Commits or aborts a producer's transaction. v2: PRODUCER_FENCED; v3: flexible; v4: TRANSACTION_ABORTABLE. From v5 on
 * the producer's epoch changes with each transaction (KIP-890), and AddPartitionsToTxn is not sent any more.
 */
export const endTxn = defineApi({
  key: 26,
  name: "EndTxn",
  versions: [0, 4],
  flexibleFrom: 3,
  request: { transactionalId: str, producerId: i64, producerEpoch: i16, committed: bool },
  response: { throttleTimeMs: i32, errorCode: i16 },
});
