import { type MemberProtocol, sameProtocols } from "../classic/group-member.js";
import { type AssignedPartitions, NO_PARTITIONS } from "./assignment/topic-partitions.js";

/** What a member that uses the classic protocol has said with its JoinGroup. */
interface ClassicMembership {
  readonly sessionTimeoutMs: number;
  /** At least one, as it prefers them. */
  readonly protocols: readonly MemberProtocol[];
}

/** What a member of a consumer group has said of itself. */
export interface MemberDescription {
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly subscribedTopicNames: readonly string[];
  /** RE2 syntax; null or empty: none. */
  readonly subscribedTopicRegex: string | null;
  readonly rebalanceTimeoutMs: number;
  /** The assignor that it votes for; null: it does not vote. */
  readonly serverAssignor: string | null;
  /** Null: it uses the consumer protocol. */
  readonly classic: ClassicMembership | null;
}

/**
 * How far a member is on its way to the target assignment: there; it must give up partitions first; or it waits for
 * partitions that others have not given up yet.
 */
export type MemberState = "stable" | "unrevoked" | "unreleased";

/** What a member has. All of these partitions, those pending included, are nobody else's. */
export interface CurrentAssignment {
  readonly memberEpoch: number;
  /** The epoch before: a member that has missed the answer with the newer one comes with it. */
  readonly previousMemberEpoch: number;
  readonly state: MemberState;
  readonly assigned: AssignedPartitions;
  /** What it has been asked to give up, and has not. */
  readonly pendingRevocation: AssignedPartitions;
}

/** A member that has just joined. */
export const NOTHING_ASSIGNED: CurrentAssignment = {
  memberEpoch: 0,
  previousMemberEpoch: 0,
  state: "stable",
  assigned: NO_PARTITIONS,
  pendingRevocation: NO_PARTITIONS,
};

/** The epoch of a static member that has left and may come back. */
export const STATIC_LEAVE_EPOCH = -2;
/** The epoch of a member that leaves. */
export const LEAVE_EPOCH = -1;
/** The epoch of a member that joins. */
export const JOIN_EPOCH = 0;

/** Whether both say the same. */
export function sameDescription(left: MemberDescription, right: MemberDescription): boolean {
  const { subscribedTopicNames: names, classic, ...others } = left;
  const { subscribedTopicNames: otherNames, classic: otherClassic, ...rest } = right;
  if (!sameNames(names, otherNames) || !sameMembership(classic, otherClassic)) return false;
  return JSON.stringify(others) === JSON.stringify({ ...others, ...rest });
}

function sameMembership(left: ClassicMembership | null, right: ClassicMembership | null): boolean {
  if (!left || !right) return left === right;
  return left.sessionTimeoutMs === right.sessionTimeoutMs && sameProtocols(left.protocols, right.protocols);
}

/** Whether both lists have the same names, in any order. */
export function sameNames(left: readonly string[], right: readonly string[]): boolean {
  const known = new Set(left);
  const others = new Set(right);
  return known.size === others.size && [...others].every((name) => known.has(name));
}
