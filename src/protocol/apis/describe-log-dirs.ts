import { defineApi } from "../api.js";
import { array, bool, i16, i32, i64, str, structs } from "../message-fields.js";

/**
 * DescribeLogDirs (key 35), v1-v5.
 * Sizes of partitions by folder of logs. v2: flexible; v3: an error for the whole; v4: the disk's size; v5: cordoned.
 */
export const describeLogDirs = defineApi({
  key: 35,
  name: "DescribeLogDirs",
  versions: [1, 5],
  flexibleFrom: 2,
  request: { topics: structs({ topic: str, partitions: array(i32) }).nullable() },
  response: {
    throttleTimeMs: i32,
    errorCode: i16.from(3),
    results: structs({
      errorCode: i16,
      logDir: str,
      topics: structs({
        name: str,
        partitions: structs({ partitionIndex: i32, partitionSize: i64, offsetLag: i64, isFutureKey: bool }),
      }),
      totalBytes: i64.from(4).or(-1),
      usableBytes: i64.from(4).or(-1),
      isCordoned: bool.from(5),
    }),
  },
});
