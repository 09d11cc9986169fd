import { defineApi } from "../api.js";
import { i16, i32, str, structs } from "../message-fields.js";

/**
 * LeaveGroup (key 13), v0-v5.
 * Leaves a group. v3: several members; v4: flexible; v5: reason.
 */
export const leaveGroup = defineApi({
  key: 13,
  name: "LeaveGroup",
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: str,
    memberId: str.within(0, 2),
    members: structs({
      memberId: str,
      groupInstanceId: str.nullable().or(null),
      reason: str.nullable().from(5).or(null),
    }).from(3),
  },
  response: {
    throttleTimeMs: i32.from(1),
    errorCode: i16,
    members: structs({ memberId: str, groupInstanceId: str.nullable(), errorCode: i16 }).from(3),
  },
});
