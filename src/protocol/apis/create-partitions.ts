import { defineApi } from "../api.js";
import { array, bool, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * CreatePartitions (key 37), v0-v3.
 * Adds partitions to topics. v2: flexible.
 */
export const createPartitions = defineApi({
  key: 37,
  name: "CreatePartitions",
  versions: [0, 3],
  flexibleFrom: 2,
  request: {
    topics: structs({ name: str, count: i32, assignments: structs({ brokerIds: array(i32) }).nullable() }),
    timeoutMs: i32,
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    results: structs({ name: str, errorCode: i16, errorMessage: message.nullable().or(null) }),
  },
});
