import { defineApi } from "../api.js";
import { array, i16, i32, str, structs } from "../message-fields.js";

/** AlterReplicaLogDirs (key 34), v1-v2. Moves partitions to another folder of logs. v2: flexible. */
export const alterReplicaLogDirs = defineApi({
  key: 34,
  name: "AlterReplicaLogDirs",
  versions: [1, 2],
  flexibleFrom: 2,
  request: { dirs: structs({ path: str, topics: structs({ name: str, partitions: array(i32) }) }) },
  response: {
    throttleTimeMs: i32,
    results: structs({ topicName: str, partitions: structs({ partitionIndex: i32, errorCode: i16 }) }),
  },
});
