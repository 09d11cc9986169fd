import { defineApi } from "../api.js";
import { i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * DeleteRecords (key 21), v0-v2.
 * Deletes the records of partitions before an offset (-1: all). v2: flexible.
 */
export const deleteRecords = defineApi({
  key: 21,
  name: "DeleteRecords",
  versions: [0, 2],
  flexibleFrom: 2,
  request: {
    topics: structs({ name: str, partitions: structs({ partitionIndex: i32, offset: i64 }) }),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32,
    topics: structs({ name: str, partitions: structs({ partitionIndex: i32, lowWatermark: i64, errorCode: i16 }) }),
  },
});
