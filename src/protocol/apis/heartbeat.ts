import { defineApi } from "../api.js";
import { i16, i32, str } from "../message-fields.js";

/**
 * Heartbeat (key 12), v0-v4.
 * Keeps a member's session alive. v1: throttle time; v3: static members; v4: flexible.
 */
export const heartbeat = defineApi({
  key: 12,
  name: "Heartbeat",
  versions: [0, 4],
  flexibleFrom: 4,
  request: { groupId: str, generationId: i32, memberId: str, groupInstanceId: str.nullable().from(3).or(null) },
  response: { throttleTimeMs: i32.from(1), errorCode: i16 },
});
