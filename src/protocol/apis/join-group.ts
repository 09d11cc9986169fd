import { defineApi } from "../api.js";
import { bool, bytes, i16, i32, str, structs } from "../message-fields.js";

/**
 * JoinGroup (key 11), v0-v9.
 * Joins a group; answered once the join phase ends. v1: rebalance timeout; v4: MEMBER_ID_REQUIRED assigns an id first;
 * v5: static members; v6: flexible; v7: protocol type; v8: reason; v9: the leader may skip the assignment.
 */
export const joinGroup = defineApi({
  key: 11,
  name: "JoinGroup",
  versions: [0, 9],
  flexibleFrom: 6,
  request: {
    groupId: str,
    sessionTimeoutMs: i32,
    rebalanceTimeoutMs: i32.from(1).or(-1),
    memberId: str,
    groupInstanceId: str.nullable().from(5).or(null),
    protocolType: str,
    protocols: structs({ name: str, metadata: bytes }),
    reason: str.nullable().from(8).or(null),
  },
  response: {
    throttleTimeMs: i32.from(2),
    errorCode: i16,
    generationId: i32.or(-1),
    protocolType: str.nullable().from(7).or(null),
    protocolName: str.nullable(7),
    leader: str,
    skipAssignment: bool.from(9),
    memberId: str,
    members: structs({ memberId: str, groupInstanceId: str.nullable().from(5).or(null), metadata: bytes }),
  },
});
