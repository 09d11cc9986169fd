import { defineApi } from "../api.js";
import { array, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DeleteGroups (key 42), v0-v2.
 * Deletes groups without members. v2: flexible.
 */
export const deleteGroups = defineApi({
  key: 42,
  name: "DeleteGroups",
  versions: [0, 2],
  flexibleFrom: 2,
  request: { groupsNames: array(str) },
  response: {
    throttleTimeMs: i32,
    results: structs({ groupId: str, errorCode: i16, errorMessage: message.nullable().from(3).or(null) }),
  },
});
