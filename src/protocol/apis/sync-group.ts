import { defineApi } from "../api.js";
import { bytes, i16, i32, str, structs } from "../message-fields.js";

/**
 * SyncGroup (key 14), v0-v5.
 * Sends the leader's assignments and receives the member's own. v3: static members; v4: flexible; v5: protocol type and
 * name.
 */
export const syncGroup = defineApi({
  key: 14,
  name: "SyncGroup",
  versions: [0, 5],
  flexibleFrom: 4,
  request: {
    groupId: str,
    generationId: i32,
    memberId: str,
    groupInstanceId: str.nullable().from(3).or(null),
    protocolType: str.nullable().from(5).or(null),
    protocolName: str.nullable().from(5).or(null),
    assignments: structs({ memberId: str, assignment: bytes }),
  },
  response: {
    throttleTimeMs: i32.from(1),
    errorCode: i16,
    protocolType: str.nullable().from(5).or(null),
    protocolName: str.nullable().from(5).or(null),
    assignment: bytes,
  },
});
