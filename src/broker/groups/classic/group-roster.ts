import { ErrorCodes } from "../../../protocol/error-codes.js";
import type { GroupMember, MemberIdentity } from "./group-member.js";

/** The members of a group by id, its static members by instance, and assigned ids that have not joined yet. */
export class GroupRoster {
  readonly #members = new Map<string, GroupMember>();
  readonly #instances = new Map<string, string>();
  /** Assigned id → its deadline, in monotonic ms. */
  readonly #pending = new Map<string, number>();

  /** Members, oldest first. */
  get members(): GroupMember[] {
    return [...this.#members.values()];
  }

  get memberCount(): number {
    return this.#members.size;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  get(memberId: string): GroupMember | undefined {
    return this.#members.get(memberId);
  }

  /** The current member of a static instance. */
  ofInstance(instanceId: string): GroupMember | undefined {
    const memberId = this.#instances.get(instanceId);
    return memberId === undefined ? undefined : this.#members.get(memberId);
  }

  add(member: GroupMember): void {
    this.#members.set(member.memberId, member);
    if (member.instanceId !== null) this.#instances.set(member.instanceId, member.memberId);
  }

  remove(member: GroupMember): void {
    this.#members.delete(member.memberId);
    if (member.instanceId !== null) this.#instances.delete(member.instanceId);
  }

  /** Changes the id of a static member that has rejoined. */
  rename(member: GroupMember, memberId: string): void {
    this.#members.delete(member.memberId);
    member.memberId = memberId;
    this.add(member);
  }

  addPending(memberId: string, untilMs: number): void {
    this.#pending.set(memberId, untilMs);
  }

  isPending(memberId: string): boolean {
    return this.#pending.has(memberId);
  }

  /** Removes a pending id. Returns whether it was pending. */
  takePending(memberId: string): boolean {
    return this.#pending.delete(memberId);
  }

  /** Drops ids that have not joined in time. */
  dropPending(nowMs: number): void {
    for (const [memberId, untilMs] of this.#pending) if (untilMs <= nowMs) this.#pending.delete(memberId);
  }

  /** Members whose session has expired. */
  silentAt(nowMs: number): GroupMember[] {
    return this.members.filter((member) => isOnTheClock(member) && member.deadlineMs <= nowMs);
  }

  /** The time when the next session or pending id expires; infinity: never. */
  nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const untilMs of this.#pending.values()) next = Math.min(next, untilMs);
    for (const member of this.#members.values()) if (isOnTheClock(member)) next = Math.min(next, member.deadlineMs);
    return next;
  }

  longestRebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.#members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }

  /** Checks that `identity` is a member and not a fenced instance. Returns an error code. */
  identityFault({ memberId, instanceId }: MemberIdentity): number {
    if (instanceId !== null) {
      const current = this.#instances.get(instanceId);
      if (current === undefined) return ErrorCodes.UNKNOWN_MEMBER_ID;
      if (current !== memberId) return ErrorCodes.FENCED_INSTANCE_ID;
    }
    return this.#members.has(memberId) ? ErrorCodes.NONE : ErrorCodes.UNKNOWN_MEMBER_ID;
  }
}

/** Whether its session can expire: not while it waits for an answer, unless that is its first. */
function isOnTheClock(member: GroupMember): boolean {
  return member.isNew || (member.parkedJoin === undefined && member.parkedSync === undefined);
}
