import { defineApi } from "../api.js";
import { i8, i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * ListOffsets (key 2), v1-v11.
 * Finds offsets by timestamp; -1 is the end, -2 the beginning, -3 the largest timestamp. v2: isolation level; v4:
 * leader epochs; v6: flexible; v10: timeout.
 */
export const listOffsets = defineApi({
  key: 2,
  name: "ListOffsets",
  versions: [1, 11],
  flexibleFrom: 6,
  request: {
    replicaId: i32,
    isolationLevel: i8.from(2),
    topics: structs({
      name: str,
      partitions: structs({ partitionIndex: i32, currentLeaderEpoch: i32.from(4).or(-1), timestamp: i64 }),
    }),
    timeoutMs: i32.from(10),
  },
  response: {
    throttleTimeMs: i32.from(2),
    topics: structs({
      name: str,
      partitions: structs({
        partitionIndex: i32,
        errorCode: i16,
        timestamp: i64.or(-1),
        offset: i64.or(-1),
        leaderEpoch: i32.from(4).or(-1),
      }),
    }),
  },
});
