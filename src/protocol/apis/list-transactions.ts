import { defineApi } from "../api.js";
import { array, i16, i32, i64, str, structs } from "../message-fields.js";

/** ListTransactions (key 66), v0-v1. Lists transactional ids (KIP-664). v1: by their duration. */
export const listTransactions = defineApi({
  key: 66,
  name: "ListTransactions",
  versions: [0, 1],
  flexibleFrom: 0,
  request: {
    stateFilters: array(str),
    producerIdFilters: array(i64),
    durationFilter: i64.from(1).or(-1),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    unknownStateFilters: array(str),
    transactionStates: structs({ transactionalId: str, producerId: i64, transactionState: str }),
  },
});
