import { defineApi } from "../api.js";
import { array, bool, i16, i32, i64, str, structs, uuid } from "../message-fields.js";

/**
 * OffsetFetch (key 9), v1-v10.
 * Reads a group's committed offsets. v2: null topics mean all; v3: throttle time; v5: leader epochs; v6: flexible; v7:
 * stable offsets only; v8: several groups; v9: member epochs; v10: topic ids.
 */
export const offsetFetch = defineApi({
  key: 9,
  name: "OffsetFetch",
  versions: [1, 10],
  flexibleFrom: 6,
  request: {
    groupId: str.within(1, 7),
    topics: structs({ name: str, partitionIndexes: array(i32) })
      .nullable(2)
      .within(1, 7),
    groups: structs({
      groupId: str,
      memberId: str.nullable().from(9).or(null),
      memberEpoch: i32.from(9).or(-1),
      topics: structs({ name: str.within(8, 9), topicId: uuid.from(10), partitionIndexes: array(i32) }).nullable(),
    }).from(8),
    requireStable: bool.from(7),
  },
  response: {
    throttleTimeMs: i32.from(3),
    topics: structs({
      name: str,
      partitions: structs({
        partitionIndex: i32,
        committedOffset: i64,
        committedLeaderEpoch: i32.from(5).or(-1),
        metadata: str.nullable(),
        errorCode: i16,
      }),
    }).within(1, 7),
    errorCode: i16.within(2, 7),
    groups: structs({
      groupId: str,
      topics: structs({
        name: str.within(8, 9),
        topicId: uuid.from(10),
        partitions: structs({
          partitionIndex: i32,
          committedOffset: i64,
          committedLeaderEpoch: i32.or(-1),
          metadata: str.nullable(),
          errorCode: i16,
        }),
      }),
      errorCode: i16,
    }).from(8),
  },
});
