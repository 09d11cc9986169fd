import { deleteGroups as api } from "../../protocol/apis/delete-groups.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { defineHandler } from "../handler.js";

/** DeleteGroups (key 42), v0-v2. Deletes groups without members, with their offsets. v2: flexible. */
export const deleteGroups = defineHandler(api, {
  versions: [0, 2],
  authorize: "by resource",
  async handle({ groupsNames }, { broker: { groups }, access }) {
    const results = [...new Set(groupsNames)].map(async (groupId) => {
      if (!access.allows("DELETE", "GROUP", groupId)) {
        return { groupId, errorCode: ErrorCodes.GROUP_AUTHORIZATION_FAILED };
      }
      const errorCode = groups.deleteGroup(groupId);
      return {
        groupId,
        errorCode: errorCode === ErrorCodes.NONE ? ((await groups.settled(groupId)) ?? ErrorCodes.NONE) : errorCode,
      };
    });
    return { throttleTimeMs: 0, results: await Promise.all(results) };
  },
});
