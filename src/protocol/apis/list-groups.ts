import { defineApi } from "../api.js";
import { array, i16, i32, str, structs } from "../message-fields.js";

/**
 * ListGroups (key 16), v0-v5.
 * Lists groups. v3: flexible; v4: states; v5: types.
 */
export const listGroups = defineApi({
  key: 16,
  name: "ListGroups",
  versions: [0, 5],
  flexibleFrom: 3,
  request: { statesFilter: array(str).from(4), typesFilter: array(str).from(5) },
  response: {
    throttleTimeMs: i32.from(1),
    errorCode: i16,
    groups: structs({ groupId: str, protocolType: str, groupState: str.from(4), groupType: str.from(5) }),
  },
});
