import { defineApi } from "../api.js";
import { i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * OffsetForLeaderEpoch (key 23), v2-v4.
 * Finds where a leader epoch ended. v3: replica id; v4: flexible.
 */
export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: [2, 4],
  flexibleFrom: 4,
  request: {
    replicaId: i32.from(3).or(-2),
    topics: structs({
      topic: str,
      partitions: structs({ partition: i32, currentLeaderEpoch: i32.or(-1), leaderEpoch: i32 }),
    }),
  },
  response: {
    throttleTimeMs: i32,
    topics: structs({
      topic: str,
      partitions: structs({ errorCode: i16, partition: i32, leaderEpoch: i32.or(-1), endOffset: i64.or(-1) }),
    }),
  },
});
