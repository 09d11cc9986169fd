import { defineApi } from "../api.js";
import { array, i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * AddPartitionsToTxn (key 24), v0-v3.
 * Adds partitions to a producer's transaction, before their first batch. v2: PRODUCER_FENCED; v3: flexible. The later
 * versions are for brokers.
 */
export const addPartitionsToTxn = defineApi({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: [0, 3],
  flexibleFrom: 3,
  request: {
    transactionalId: str,
    producerId: i64,
    producerEpoch: i16,
    topics: structs({ name: str, partitions: array(i32) }),
  },
  response: {
    throttleTimeMs: i32,
    results: structs({ name: str, partitions: structs({ partitionIndex: i32, errorCode: i16 }) }),
  },
});
