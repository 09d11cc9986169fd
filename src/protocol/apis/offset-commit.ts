import { defineApi } from "../api.js";
import { i16, i32, i64, str, structs, uuid } from "../message-fields.js";

/**
 * OffsetCommit (key 8), v2-v10.
 * Commits a group's offsets. v5: without retention time; v6: leader epochs; v7: static members; v8: flexible; v10:
 * topic ids.
 */
export const offsetCommit = defineApi({
  key: 8,
  name: "OffsetCommit",
  versions: [2, 10],
  flexibleFrom: 8,
  request: {
    groupId: str,
    generationIdOrMemberEpoch: i32.or(-1),
    memberId: str,
    groupInstanceId: str.nullable().from(7).or(null),
    retentionTimeMs: i64.within(2, 4).or(-1),
    topics: structs({
      name: str.within(2, 9),
      topicId: uuid.from(10),
      partitions: structs({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.from(6).or(-1),
        committedMetadata: str.nullable(),
      }),
    }),
  },
  response: {
    throttleTimeMs: i32.from(3),
    topics: structs({
      name: str.within(2, 9),
      topicId: uuid.from(10),
      partitions: structs({ partitionIndex: i32, errorCode: i16 }),
    }),
  },
});
