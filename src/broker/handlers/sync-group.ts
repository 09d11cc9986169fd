import { syncGroup as api } from "../../protocol/apis/sync-group.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { toGroup } from "../access/access.js";
import { syncError } from "../groups/classic/group-answers.js";
import { defineHandler } from "../handler.js";
import { copyOf } from "./detached-bytes.js";

/**
 * SyncGroup (key 14), v0-v5.
 * Answered once the leader has sent the assignments. v3: static members; v4: flexible; v5: protocol type and name are
 * required.
 */
export const syncGroup = defineHandler(api, {
  versions: [0, 5],
  authorize: toGroup("READ"),
  async handle(request, { broker, apiVersion }) {
    const { groupId, groupInstanceId, protocolType, protocolName, assignments } = request;
    if (apiVersion >= 5 && (protocolType === null || protocolName === null)) {
      return { throttleTimeMs: 0, ...syncError(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL) };
    }
    const answer = await broker.groups.sync(groupId, {
      memberId: request.memberId,
      instanceId: groupInstanceId,
      generationId: request.generationId,
      protocolType,
      protocolName,
      assignments: assignments.map(({ memberId, assignment }) => ({ memberId, assignment: copyOf(assignment) })),
    });
    return { throttleTimeMs: 0, ...answer };
  },
  refuse: (_, errorCode) => ({ throttleTimeMs: 0, ...syncError(errorCode) }),
});
