import { defineApi } from "../api.js";
import { array, bool, bytes, i16, i32, message, str, structs } from "../message-fields.js";

/**
 * DescribeGroups (key 15), v0-v6.
 * Describes classic groups. v3: authorized operations; v4: static members; v5: flexible; v6: GROUP_ID_NOT_FOUND for
 * unknown groups.
 */
export const describeGroups = defineApi({
  key: 15,
  name: "DescribeGroups",
  versions: [0, 6],
  flexibleFrom: 5,
  request: { groups: array(str), includeAuthorizedOperations: bool.from(3) },
  response: {
    throttleTimeMs: i32.from(1),
    groups: structs({
      errorCode: i16,
      errorMessage: message.nullable().from(6).or(null),
      groupId: str,
      groupState: str,
      protocolType: str,
      protocolData: str,
      members: structs({
        memberId: str,
        groupInstanceId: str.nullable().from(4).or(null),
        clientId: str,
        clientHost: str,
        memberMetadata: bytes,
        memberAssignment: bytes,
      }),
      authorizedOperations: i32.from(3).or(-2147483648),
    }),
  },
});
