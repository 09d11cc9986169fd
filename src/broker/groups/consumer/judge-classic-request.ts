import { ErrorCodes } from "../../../protocol/error-codes.js";
import { commonProtocols, type JoinCommand, type MemberIdentity, type SyncCommand } from "../classic/group-member.js";
import { hasPartition } from "./assignment/topic-partitions.js";
import type { ConsumerGroupState } from "./consumer-group-state.js";
import { identityRefusal } from "./consumer-heartbeat.js";

/** The protocol type of the groups whose members are consumers. */
export const CONSUMER_TYPE = "consumer";

type GroupState = Omit<ConsumerGroupState, "apply">;

/** A JoinGroup for a group of the consumer protocol. */
export type ClassicJoin = Omit<JoinCommand, "token" | "canSkipAssignment">;

/**
 * Judges a JoinGroup for a group that has members: its size, the protocols, which all members of the classic protocol must
 * share, and a static member's identity. Any other member may join, with an id of its own, too. Returns an error code.
 */
export function judgeClassicJoin(state: GroupState, command: ClassicJoin, maxSize: number): number {
  const { memberId, instanceId, protocolType, protocols } = command;
  const holder = instanceId === null ? memberId : state.ofInstance(instanceId);
  if (!state.members.has(holder ?? "") && state.members.size >= maxSize) return ErrorCodes.GROUP_MAX_SIZE_REACHED;
  const others = [...state.members].flatMap(([id, { classic }]) => (id !== holder && classic ? [classic] : []));
  if (protocolType !== CONSUMER_TYPE || commonProtocols([{ protocols }, ...others]).size === 0) {
    return ErrorCodes.INCONSISTENT_GROUP_PROTOCOL;
  }
  if (memberId === "" && instanceId === null && command.asksForMemberId) return ErrorCodes.MEMBER_ID_REQUIRED;
  if (memberId === "" || instanceId === null) return ErrorCodes.NONE;
  return identityRefusal(state, memberId, instanceId)?.errorCode ?? ErrorCodes.NONE;
}

/** Judges the sender of a Heartbeat or SyncGroup and its generation, which is its epoch. Returns an error code. */
export function judgeClassicMember(state: GroupState, identity: MemberIdentity, generationId: number): number {
  const { memberId, instanceId } = identity;
  const refusal = identityRefusal(state, memberId, instanceId);
  if (refusal) return refusal.errorCode;
  if (!state.members.get(memberId)!.classic) return ErrorCodes.UNKNOWN_MEMBER_ID;
  return generationId === state.current(memberId).memberEpoch ? ErrorCodes.NONE : ErrorCodes.ILLEGAL_GENERATION;
}

/** Judges a SyncGroup. Returns an error code. */
export function judgeClassicSync(state: GroupState, command: Omit<SyncCommand, "token">): number {
  const fault = judgeClassicMember(state, command, command.generationId);
  if (fault !== ErrorCodes.NONE) return fault;
  const { memberId, protocolType, protocolName } = command;
  const { memberEpoch, state: step } = state.current(memberId);
  // One that must give up partitions learns of that by its assignment, and joins then. Before the protocol is compared: in
  // an upgrade it may have been another one, and clients do not survive that error.
  if (state.epoch > memberEpoch && step !== "unrevoked") return ErrorCodes.REBALANCE_IN_PROGRESS;
  const isOtherType = protocolType !== null && protocolType !== CONSUMER_TYPE;
  const isOtherName =
    protocolName !== null && protocolName !== state.members.get(memberId)!.classic!.protocols[0]!.name;
  return isOtherType || isOtherName ? ErrorCodes.INCONSISTENT_GROUP_PROTOCOL : ErrorCodes.NONE;
}

/** Whether a member of the classic protocol must join: for a newer epoch, to give up partitions, or to get those that are free now. */
export function mustRejoin(state: GroupState, memberId: string): boolean {
  const { memberEpoch, state: step, assigned } = state.current(memberId);
  if (memberEpoch < state.epoch || step === "unrevoked") return true;
  if (step !== "unreleased") return false;
  for (const [topicId, partitions] of state.target(memberId)) {
    for (const partition of partitions) {
      if (!hasPartition(assigned, topicId, partition) && state.ownerOf(topicId, partition) !== undefined) return false;
    }
  }
  return true;
}
