import { ErrorCodes } from "../../../protocol/error-codes.js";
import { re2Fault } from "../re2/re2-pattern.js";
import { ASSIGNORS } from "./assignment/assignors.js";
import { isWithin, type ListedPartitions, type TopicPartitions } from "./assignment/topic-partitions.js";
import type { ConsumerGroupState } from "./consumer-group-state.js";
import { JOIN_EPOCH, STATIC_LEAVE_EPOCH } from "./consumer-member.js";

/** A ConsumerGroupHeartbeat. Null and -1 mean that what the member said before still holds. */
export interface HeartbeatCommand {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly subscribedTopicNames: readonly string[] | null;
  readonly subscribedTopicRegex: string | null;
  readonly serverAssignor: string | null;
  /** What the member has. */
  readonly owned: TopicPartitions | undefined;
  /** Whether a regular expression of the group may match a topic, as the client may know of it. */
  readonly mayMatch: (topic: string) => boolean;
}

/** The answer to a ConsumerGroupHeartbeat. */
export interface HeartbeatAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Null: as the member knows it. */
  readonly assignment: readonly ListedPartitions[] | null;
}

/** The answer that refuses a heartbeat. */
export function heartbeatError(errorCode: number, errorMessage: string | null): HeartbeatAnswer {
  return { errorCode, errorMessage, memberId: null, memberEpoch: 0, heartbeatIntervalMs: 0, assignment: null };
}

/**
 * Judges a request by itself, in Kafka's order. Returns its refusal, or undefined.
 *
 * @param mustNameMember v1+: a member makes its own id.
 */
export function heartbeatRefusal(
  groupId: string,
  command: HeartbeatCommand,
  mustNameMember: boolean,
): HeartbeatAnswer | undefined {
  const { memberEpoch, memberId, instanceId, rackId, serverAssignor, subscribedTopicRegex } = command;
  const invalid = (message: string) => heartbeatError(ErrorCodes.INVALID_REQUEST, message);
  if ((memberEpoch !== JOIN_EPOCH || mustNameMember) && memberId.trim() === "")
    return invalid("MemberId can't be empty.");
  if (groupId.trim() === "") return invalid("GroupId can't be empty.");
  if (instanceId?.trim() === "") return invalid("InstanceId can't be empty.");
  if (rackId?.trim() === "") return invalid("RackId can't be empty.");
  if (memberEpoch === JOIN_EPOCH) {
    if (command.rebalanceTimeoutMs === -1) return invalid("RebalanceTimeoutMs must be provided in first request.");
    if (command.owned === undefined || command.owned.size > 0) {
      return invalid("TopicPartitions must be empty when (re-)joining.");
    }
    if (command.subscribedTopicNames === null && subscribedTopicRegex === null) {
      return invalid("Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.");
    }
  } else if (memberEpoch === STATIC_LEAVE_EPOCH) {
    if (instanceId === null) return invalid("InstanceId can't be null.");
  } else if (memberEpoch < STATIC_LEAVE_EPOCH) {
    return invalid("MemberEpoch is invalid.");
  }
  if (serverAssignor !== null && !ASSIGNORS.has(serverAssignor)) {
    const names = [...ASSIGNORS.keys()].join(", ");
    const message = `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${names}.`;
    return heartbeatError(ErrorCodes.UNSUPPORTED_ASSIGNOR, message);
  }
  const fault = subscribedTopicRegex ? re2Fault(subscribedTopicRegex) : undefined;
  if (fault === undefined) return undefined;
  const message = `SubscribedTopicRegex \`${subscribedTopicRegex}\` is not a valid regular expression: ${fault}.`;
  return heartbeatError(ErrorCodes.INVALID_REGULAR_EXPRESSION, message);
}

/** Judges the member of a heartbeat that does not leave: its existence, instance and epoch. Returns its refusal, or undefined. */
export function memberRefusal(
  state: ConsumerGroupState,
  { memberId, memberEpoch, instanceId, owned }: HeartbeatCommand,
  maxSize: number,
): HeartbeatAnswer | undefined {
  const joins = memberEpoch === JOIN_EPOCH;
  const holder = instanceId === null ? memberId : state.ofInstance(instanceId);
  if (joins && !state.members.has(holder ?? "")) {
    if (state.members.size < maxSize) return undefined;
    const message = `The consumer group has reached its maximum capacity of ${maxSize} members.`;
    return heartbeatError(ErrorCodes.GROUP_MAX_SIZE_REACHED, message);
  }
  if (instanceId !== null && joins) {
    // In an upgrade a static member comes back by the other protocol, and had no way of saying so.
    const isReleased = state.current(holder!).memberEpoch === STATIC_LEAVE_EPOCH;
    if (isReleased || state.members.get(holder!)!.classic) return undefined;
    const message = `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${holder} member.`;
    return heartbeatError(ErrorCodes.UNRELEASED_INSTANCE_ID, message);
  }
  // It has given up everything.
  if (joins) return undefined;
  const refused = identityRefusal(state, memberId, instanceId);
  if (refused) return refused;
  const { memberEpoch: known, previousMemberEpoch, assigned } = state.current(memberId);
  const isRepeated = memberEpoch === previousMemberEpoch && owned !== undefined && isWithin(owned, assigned);
  if (memberEpoch === known || (memberEpoch < known && isRepeated)) return undefined;
  const than = memberEpoch > known ? "greater" : "smaller";
  const message = `The consumer group member has a ${than} member epoch (${memberEpoch}) than the one known by the group coordinator (${known}). The member must abandon all its partitions and rejoin.`;
  return heartbeatError(ErrorCodes.FENCED_MEMBER_EPOCH, message);
}

/** Judges who a member says it is. Returns its refusal, or undefined. */
export function identityRefusal(
  state: Omit<ConsumerGroupState, "apply">,
  memberId: string,
  instanceId: string | null,
): HeartbeatAnswer | undefined {
  if (instanceId !== null) {
    const holder = state.ofInstance(instanceId);
    if (holder === undefined)
      return heartbeatError(ErrorCodes.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
    if (holder === memberId) return undefined;
    const message = `Static member ${memberId} with instance id ${instanceId} was fenced by member ${holder}.`;
    return heartbeatError(ErrorCodes.FENCED_INSTANCE_ID, message);
  }
  if (state.members.has(memberId)) return undefined;
  const message = `Member ${memberId} is not a member of group ${state.groupId}.`;
  return heartbeatError(ErrorCodes.UNKNOWN_MEMBER_ID, message);
}
