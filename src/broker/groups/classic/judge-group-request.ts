import { MAX_STRING_BYTES } from "../../../protocol/byte-reader.js";
import { ErrorCodes } from "../../../protocol/error-codes.js";
import type { Generation } from "./group-answers.js";
import { commonProtocols, type JoinCommand, type MemberIdentity, type SyncCommand } from "./group-member.js";
import type { GroupRoster } from "./group-roster.js";

/** The states of a group (KIP-62). */
export type GroupState = "Empty" | "PreparingRebalance" | "CompletingRebalance" | "Stable";

/** The state of a group that its requests are judged by. */
export interface GroupStanding extends Generation {
  readonly state: GroupState;
  readonly roster: GroupRoster;
}

/** Judges a JoinGroup: the group's size, the protocols, and a known member. Returns an error code. */
export function judgeJoin(command: JoinCommand, { protocolType, roster }: GroupStanding, maxSize: number): number {
  const { memberId, instanceId, protocols } = command;
  // The member id begins with the client id, and must fit into a string as well.
  if (Buffer.byteLength(command.freshMemberId) > MAX_STRING_BYTES) return ErrorCodes.INVALID_REQUEST;
  const known = roster.get(memberId) !== undefined || roster.isPending(memberId);
  if (!known && roster.memberCount + roster.pendingCount >= maxSize) return ErrorCodes.GROUP_MAX_SIZE_REACHED;
  if (protocols.length === 0 || command.protocolType === "") return ErrorCodes.INCONSISTENT_GROUP_PROTOCOL;
  if (roster.memberCount > 0) {
    const others = roster.members.filter((member) => member.memberId !== memberId);
    const shared = commonProtocols([command, ...others]);
    if (command.protocolType !== protocolType || shared.size === 0) return ErrorCodes.INCONSISTENT_GROUP_PROTOCOL;
  }
  if (memberId === "" || roster.isPending(memberId)) return ErrorCodes.NONE;
  return roster.identityFault({ memberId, instanceId });
}

/** Judges a SyncGroup: member, generation, protocol and state. Returns an error code. */
export function judgeSync(command: SyncCommand, standing: GroupStanding): number {
  const { state, generationId, roster } = standing;
  if (state === "Empty") return ErrorCodes.UNKNOWN_MEMBER_ID;
  const fault = roster.identityFault(command);
  if (fault !== ErrorCodes.NONE) return fault;
  if (command.generationId !== generationId) return ErrorCodes.ILLEGAL_GENERATION;
  const { protocolType, protocolName } = command;
  const otherType = protocolType !== null && protocolType !== standing.protocolType;
  const otherName = protocolName !== null && standing.protocolName !== null && protocolName !== standing.protocolName;
  if (otherType || otherName) return ErrorCodes.INCONSISTENT_GROUP_PROTOCOL;
  return state === "PreparingRebalance" ? ErrorCodes.REBALANCE_IN_PROGRESS : ErrorCodes.NONE;
}

/**
 * Judges an OffsetCommit or TxnOffsetCommit of a member, or of a client outside the group (`generationId` < 0). Old
 * versions of TxnOffsetCommit do not name the member, and its transaction may outlast a rebalance. Returns an error code.
 */
export function judgeCommit(
  identity: MemberIdentity,
  generationId: number,
  isTransactional: boolean,
  standing: GroupStanding,
): number {
  const { state, roster } = standing;
  if (generationId < 0 && state === "Empty") return ErrorCodes.NONE;
  if (generationId < 0 && identity.memberId === "" && identity.instanceId === null) {
    return isTransactional ? ErrorCodes.NONE : ErrorCodes.UNKNOWN_MEMBER_ID;
  }
  const fault = roster.identityFault(identity);
  if (fault !== ErrorCodes.NONE) return fault;
  if (generationId !== standing.generationId) return ErrorCodes.ILLEGAL_GENERATION;
  const isUnassigned = state === "CompletingRebalance" && !isTransactional;
  return isUnassigned ? ErrorCodes.REBALANCE_IN_PROGRESS : ErrorCodes.NONE;
}
