import { defineApi } from "../api.js";
import { array, i16, i32, i64, str, structs } from "../message-fields.js";

/** ListTransactions (key 66), v0-v2. Lists transactional ids (KIP-664). v1: by their duration; v2: by a pattern. */
export const listTransactions = defineApi({
  key: 66,
  name: "ListTransactions",
  versions: [0, 2],
  flexibleFrom: 0,
  request: {
    stateFilters: array(str),
    producerIdFilters: array(i64),
    durationFilter: i64.from(1).or(-1),
    transactionalIdPattern: str.nullable().from(2).or(null),
  },
  response: {
    throttleTimeMs: i32,
    errorCode: i16,
    unknownStateFilters: array(str),
    transactionStates: structs({ transactionalId: str, producerId: i64, transactionState: str }),
  },
});
