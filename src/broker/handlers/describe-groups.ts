import { describeGroups as api } from "../../protocol/apis/describe-groups.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { authorizedOperations } from "../access/access.js";
import { NO_BYTES } from "../groups/classic/group-member.js";
import { defineHandler } from "../handler.js";

/**
 * DescribeGroups (key 15), v0-v6.
 * A group that does not exist, or is one of the consumer protocol, is answered as Dead, from v6 on with
 * GROUP_ID_NOT_FOUND. Metadata is
 * included while the group is Stable. v3: authorized operations; v4: static members; v5: flexible.
 */
export const describeGroups = defineHandler(api, {
  versions: [0, 6],
  authorize: "by resource",
  handle: ({ groups, includeAuthorizedOperations }, { broker, access, apiVersion }) => ({
    throttleTimeMs: 0,
    // A group that is listed many times is described once: its members may take megabytes.
    groups: [...new Set(groups)].map((groupId) => {
      if (!access.allows("DESCRIBE", "GROUP", groupId))
        return missing(groupId, ErrorCodes.GROUP_AUTHORIZATION_FAILED, null);
      const operations = includeAuthorizedOperations
        ? { authorizedOperations: authorizedOperations(access, "GROUP", groupId) }
        : {};
      const group = broker.groups.describe(groupId);
      if (!group) {
        const isOther = broker.groups.consumerGroup(groupId) !== undefined;
        const message = isOther ? `Group ${groupId} is not a classic group.` : `Group ${groupId} not found.`;
        return apiVersion >= 6
          ? { ...missing(groupId, ErrorCodes.GROUP_ID_NOT_FOUND, message), ...operations }
          : { ...missing(groupId, ErrorCodes.NONE, null), ...operations };
      }
      const stable = group.state === "Stable";
      return {
        errorCode: ErrorCodes.NONE,
        groupId,
        groupState: group.state,
        protocolType: group.protocolType,
        protocolData: stable ? (group.protocolName ?? "") : "",
        members: group.members.map((member) => ({
          memberId: member.memberId,
          groupInstanceId: member.instanceId,
          clientId: member.clientId,
          clientHost: member.clientHost,
          memberMetadata:
            (stable && member.protocols.find(({ name }) => name === group.protocolName)?.metadata) || NO_BYTES,
          memberAssignment: member.assignment,
        })),
        ...operations,
      };
    }),
  }),
});

function missing(groupId: string, errorCode: number, errorMessage: string | null) {
  const groupState = errorCode === ErrorCodes.GROUP_AUTHORIZATION_FAILED ? "" : "Dead";
  return { errorCode, errorMessage, groupId, groupState, protocolType: "", protocolData: "", members: [] };
}
