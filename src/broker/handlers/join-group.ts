import { joinGroup as api } from "../../protocol/apis/join-group.js";
import { toGroup } from "../access/access.js";
import { joinError } from "../groups/classic/group-answers.js";
import { defineHandler } from "../handler.js";
import { copyOf } from "./detached-bytes.js";

/**
 * JoinGroup (key 11), v0-v9.
 * Answered when the join phase of the group ends. v1: rebalance timeout; v4: a new member is first assigned an id
 * (KIP-394); v5: static members (KIP-345); v6: flexible; v7: protocol type in the answer; v9: the leader may skip.
 */
export const joinGroup = defineHandler(api, {
  versions: [0, 9],
  authorize: toGroup("READ"),
  async handle(request, { broker, apiVersion, clientId, clientHost }) {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = request;
    const answer = await broker.groups.join(request.groupId, {
      memberId: request.memberId,
      instanceId: request.groupInstanceId,
      clientId,
      clientHost,
      sessionTimeoutMs,
      rebalanceTimeoutMs: apiVersion >= 1 ? rebalanceTimeoutMs : sessionTimeoutMs,
      protocolType: request.protocolType,
      protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: copyOf(metadata) })),
      asksForMemberId: apiVersion >= 4,
      canSkipAssignment: apiVersion >= 9,
    });
    return { throttleTimeMs: 0, ...answer };
  },
  refuse: ({ memberId }, errorCode) => ({ throttleTimeMs: 0, ...joinError(memberId, errorCode) }),
});
