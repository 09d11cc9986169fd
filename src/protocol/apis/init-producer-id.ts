import { defineApi } from "../api.js";
import { bool, i16, i32, i64, str } from "../message-fields.js";

/**
 * InitProducerId (key 22), v0-v5.
 * Allocates a producer id. v2: flexible; v3: bumps the epoch of a known one; v4: PRODUCER_FENCED;
 * v5: TRANSACTION_ABORTABLE.
 */
export const initProducerId = defineApi({
  key: 22,
  name: "InitProducerId",
  versions: [0, 5],
  flexibleFrom: 2,
  request: {
    transactionalId: str.nullable(),
    transactionTimeoutMs: i32,
    producerId: i64.from(3).or(-1),
    producerEpoch: i16.from(3).or(-1),
    enable2Pc: bool.from(6),
    keepPreparedTxn: bool.from(6),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    producerId: i64.or(-1),
    producerEpoch: i16,
    ongoingTxnProducerId: i64.from(6).or(-1),
    ongoingTxnProducerEpoch: i16.from(6).or(-1),
  },
});
