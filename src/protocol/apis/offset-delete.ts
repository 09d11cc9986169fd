import { defineApi } from "../api.js";
import { i16, i32, str, structs } from "../message-fields.js";

/**
 * OffsetDelete (key 47), v0.
 * Deletes committed offsets of single partitions. In this response the error code precedes the throttle time.
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
