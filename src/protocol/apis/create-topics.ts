import { defineApi } from "../api.js";
import { array, bool, i8, i16, i32, message, str, structs, uuid } from "../message-fields.js";

/**
 * CreateTopics (key 19), v2-v7.
 * Creates topics. v4: -1 takes the broker's default; v5: flexible, effective configs in the answer; v7: topic ids.
 */
export const createTopics = defineApi({
  key: 19,
  name: "CreateTopics",
  versions: [2, 7],
  flexibleFrom: 5,
  request: {
    topics: structs({
      name: str,
      numPartitions: i32,
      replicationFactor: i16,
      assignments: structs({ partitionIndex: i32, brokerIds: array(i32) }),
      configs: structs({ name: str, value: str.nullable() }),
    }),
    timeoutMs: i32.or(60000),
    validateOnly: bool,
  },
  response: {
    throttleTimeMs: i32,
    topics: structs({
      name: str,
      topicId: uuid.from(7),
      errorCode: i16,
      errorMessage: message.nullable(),
      topicConfigErrorCode: i16.from(5).tagged(0),
      numPartitions: i32.from(5).or(-1),
      replicationFactor: i16.from(5).or(-1),
      configs: structs({ name: str, value: str.nullable(), readOnly: bool, configSource: i8.or(-1), isSensitive: bool })
        .nullable()
        .from(5),
    }),
  },
});
