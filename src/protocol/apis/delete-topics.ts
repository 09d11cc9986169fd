import { defineApi } from "../api.js";
import { array, i16, i32, message, str, structs, uuid } from "../message-fields.js";

/**
 * DeleteTopics (key 20), v1-v6.
 * Deletes topics. v4: flexible; v5: messages; v6: topic ids.
 */
export const deleteTopics = defineApi({
  key: 20,
  name: "DeleteTopics",
  versions: [1, 6],
  flexibleFrom: 4,
  request: {
    topics: structs({ name: str.nullable().or(null), topicId: uuid }).from(6),
    topicNames: array(str).within(1, 5),
    timeoutMs: i32,
  },
  response: {
    throttleTimeMs: i32,
    responses: structs({
      name: str.nullable(6),
      topicId: uuid.from(6),
      errorCode: i16,
      errorMessage: message.nullable().from(5).or(null),
    }),
  },
});
