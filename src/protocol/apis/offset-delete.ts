import { defineApi } from "../api.js";
import { i16, i32, str, structs } from "../message-fields.js";

/**
 * OffsetDelete (key 47), v0.
 * Forgets committed offsets of single partitions. The error code stands before the throttle time here.
 */
export const offsetDelete = defineApi({
  key: 47,
  name: "OffsetDelete",
  versions: [0, 0],
  request: { groupId: str, topics: structs({ name: str, partitions: structs({ partitionIndex: i32 }) }) },
  response: {
    errorCode: i16,
    throttleTimeMs: i32,
    topics: structs({ name: str, partitions: structs({ partitionIndex: i32, errorCode: i16 }) }),
  },
});
