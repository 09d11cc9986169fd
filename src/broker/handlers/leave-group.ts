import { leaveGroup as api } from "../../protocol/apis/leave-group.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup } from "../access/access.js";
import { defineHandler } from "../handler.js";

/**
 * LeaveGroup (key 13), v0-v5.
 * v3: several members, each with its own error, also by instance id alone (an admin's request); v4: flexible; v5:
 * reason.
 */
export const leaveGroup = defineHandler(api, {
  versions: [0, 5],
  authorize: toGroup("READ"),
  handle({ groupId, memberId, members }, { broker, apiVersion }) {
    const leaving = apiVersion >= 3 ? members : [{ memberId, groupInstanceId: null }];
    const identities = leaving.map((each) => ({ memberId: each.memberId, instanceId: each.groupInstanceId }));
    const result = broker.groups.leave(groupId, identities);
    if (typeof result === "number") return { throttleTimeMs: 0, errorCode: result };
    if (apiVersion < 3) return { throttleTimeMs: 0, errorCode: result[0]! };
    const answers = leaving.map(({ memberId: id, groupInstanceId }, at) => {
      return { memberId: id, groupInstanceId, errorCode: result[at]! };
    });
    return { throttleTimeMs: 0, errorCode: ErrorCodes.NONE, members: answers };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }),
});
