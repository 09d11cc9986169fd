import { deleteGroups as api } from "../../protocol/apis/delete-groups.js";
import { defineHandler } from "../handler.js";

/** DeleteGroups (key 42), v0-v2. Deletes groups without members, with their offsets. v2: flexible. */
export const deleteGroups = defineHandler(api, {
  versions: [0, 2],
  handle: ({ groupsNames }, { broker }) => ({
    throttleTimeMs: 0,
    results: groupsNames.map((groupId) => ({ groupId, errorCode: broker.groups.deleteGroup(groupId) })),
  }),
});
