import { ErrorCodes } from "../../../protocol/error-codes.js";
import { joinError, joinedAnswer, joinedMember, syncError, syncedAnswer } from "./group-answers.js";
import {
  type GroupMember,
  type JoinAnswer,
  type JoinCommand,
  type MemberIdentity,
  NO_BYTES,
  type SyncAnswer,
  type SyncCommand,
  sameProtocols,
  selectProtocol,
  type Token,
} from "./group-member.js";
import { GroupRoster } from "./group-roster.js";
import { type GroupStanding, type GroupState, judgeCommit, judgeJoin, judgeSync } from "./judge-group-request.js";

/** A step for the coordinator to carry out, in the order returned. */
export type GroupEffect =
  | { readonly kind: "persist" }
  | { readonly kind: "answer-join"; readonly token: Token; readonly answer: JoinAnswer }
  | { readonly kind: "answer-sync"; readonly token: Token; readonly answer: SyncAnswer };

/** Limit of a new member's wait for its first answer, since it does not heartbeat yet. */
const NEW_MEMBER_TIMEOUT_MS = 300_000;

/** Read from the broker's properties when the group is created or restored, and fixed from then on. */
export interface GroupSettings {
  readonly initialRebalanceDelayMs: number;
  readonly maxSize: number;
}

/** A group's state, for its record in the log and for DescribeGroups. */
export interface GroupSnapshot {
  readonly state: GroupState;
  readonly protocolType: string;
  readonly generationId: number;
  readonly protocolName: string | null;
  readonly leader: string | null;
  readonly members: readonly Readonly<GroupMember>[];
}

/**
 * One group of the classic protocol (JoinGroup, SyncGroup, Heartbeat, LeaveGroup; KIP-62, KIP-394, KIP-345), for any
 * protocol type. A pure state machine without sockets, log or timers: commands and the time go in, answers come out as
 * effects. Its owner carries out the effects, and calls `tick` at `nextDeadlineMs`.
 *
 * Empty -> PreparingRebalance (members join) -> CompletingRebalance (the leader assigns) -> Stable, and back to
 * PreparingRebalance whenever a member joins, leaves or changes its protocols.
 */
export class ClassicGroup {
  #state: GroupState = "Empty";
  #protocolType = "";
  #protocolName: string | null = null;
  #generationId = 0;
  #leader: string | null = null;
  readonly #roster = new GroupRoster();
  #joinDeadlineMs = Number.POSITIVE_INFINITY;
  #syncDeadlineMs = Number.POSITIVE_INFINITY;
  /**
   * While set, the group waits until `untilMs` for more members of its first generation, and at most until `latestMs`.
   */
  #initialDelay: { untilMs: number; latestMs: number } | undefined;
  #effects: GroupEffect[] = [];
  /** A member was removed since `#rebalanceAfterLoss` last decided whether to rebalance. */
  #lost = false;

  constructor(
    readonly groupId: string,
    private readonly settings: GroupSettings,
  ) {}

  /**
   * A group read from the log, or one whose members used to be in a group of the consumer protocol. They get fresh session
   * timers, so they do not notice a restart. If none is the leader, the group has yet to rebalance.
   */
  static restore(groupId: string, settings: GroupSettings, stored: Omit<GroupSnapshot, "state">, nowMs: number) {
    const group = new ClassicGroup(groupId, settings);
    group.#protocolType = stored.protocolType;
    group.#generationId = stored.generationId;
    for (const member of stored.members) {
      group.#roster.add({ ...member, deadlineMs: nowMs + member.sessionTimeoutMs });
    }
    if (stored.members.length > 0) {
      group.#state = "Stable";
      group.#protocolName = stored.protocolName;
      group.#leader = stored.leader;
      if (stored.leader === null) group.#prepareRebalance(nowMs);
    }
    return group;
  }

  get state(): GroupState {
    return this.#state;
  }

  get isEmpty(): boolean {
    return this.#roster.memberCount === 0 && this.#roster.pendingCount === 0;
  }

  snapshot(): GroupSnapshot {
    return {
      state: this.#state,
      protocolType: this.#protocolType,
      generationId: this.#generationId,
      protocolName: this.#protocolName,
      leader: this.#leader,
      members: this.#roster.members,
    };
  }

  /** The time of the next `tick`; infinity: none is due before another command. */
  nextDeadlineMs(): number {
    let next = Math.min(this.#syncDeadlineMs, this.#roster.nextDeadlineMs());
    if (this.#state === "PreparingRebalance")
      next = Math.min(next, this.#initialDelay?.untilMs ?? this.#joinDeadlineMs);
    return next;
  }

  /** Ends what is overdue: sessions, ids that never joined, and the join and sync phases. */
  tick(nowMs: number): GroupEffect[] {
    this.#roster.dropPending(nowMs);
    const dead = this.#roster.silentAt(nowMs);
    for (const member of dead) this.#remove(member);
    if (dead.length > 0) this.#rebalanceAfterLoss(nowMs);
    if (this.#syncDeadlineMs <= nowMs) this.#endSyncPhase(nowMs);
    if (this.#initialDelay && this.#initialDelay.untilMs <= nowMs) this.#initialDelay = undefined;
    if (this.#state === "PreparingRebalance" && !this.#initialDelay) {
      if (this.#joinDeadlineMs <= nowMs) this.#completeJoin(nowMs);
      else this.#maybeCompleteJoin(nowMs);
    }
    return this.#takeEffects();
  }

  /** A JoinGroup: a member wants to be in the next generation. */
  join(command: JoinCommand, nowMs: number): GroupEffect[] {
    const refusal = judgeJoin(command, this.#standing(), this.settings.maxSize);
    if (refusal !== ErrorCodes.NONE) this.#refuseJoin(command.token, command.memberId, refusal);
    else if (command.memberId === "") this.#joinAsUnknown(command, nowMs);
    else if (this.#roster.takePending(command.memberId)) this.#add(command.memberId, command, nowMs);
    else this.#rejoin(this.#roster.get(command.memberId)!, command, nowMs);
    return this.#takeEffects();
  }

  /** A SyncGroup: a member wants its assignment; the leader's request holds the assignments of all. */
  sync(command: SyncCommand, nowMs: number): GroupEffect[] {
    const { token } = command;
    const errorCode = judgeSync(command, this.#standing());
    if (errorCode !== ErrorCodes.NONE) {
      this.#effects.push({ kind: "answer-sync", token, answer: syncError(errorCode) });
      return this.#takeEffects();
    }
    const member = this.#roster.get(command.memberId)!;
    if (this.#state === "Stable") {
      touch(member, nowMs);
      this.#effects.push({ kind: "answer-sync", token, answer: syncedAnswer(this.#generation(), member.assignment) });
      return this.#takeEffects();
    }
    this.#dropParkedSync(member, ErrorCodes.REBALANCE_IN_PROGRESS);
    member.parkedSync = token;
    if (member.memberId === this.#leader) this.#assign(command, nowMs);
    return this.#takeEffects();
  }

  /** Returns the error code for a Heartbeat. */
  heartbeat(identity: MemberIdentity, generationId: number, nowMs: number): number {
    if (this.#state === "Empty") return ErrorCodes.UNKNOWN_MEMBER_ID;
    const fault = this.#roster.identityFault(identity);
    if (fault !== ErrorCodes.NONE) return fault;
    if (generationId !== this.#generationId) return ErrorCodes.ILLEGAL_GENERATION;
    touch(this.#roster.get(identity.memberId)!, nowMs);
    return this.#state === "PreparingRebalance" ? ErrorCodes.REBALANCE_IN_PROGRESS : ErrorCodes.NONE;
  }

  /** Members are to join again, unless they do already. */
  rebalance(nowMs: number): GroupEffect[] {
    if (this.#state === "Stable") this.#prepareRebalance(nowMs);
    return this.#takeEffects();
  }

  /** Members leave. Returns an error code for each, and the effects. */
  leave(identities: readonly MemberIdentity[], nowMs: number): { errorCodes: number[]; effects: GroupEffect[] } {
    const errorCodes = identities.map((identity) => this.#leaveOne(identity));
    this.#rebalanceAfterLoss(nowMs);
    return { errorCodes, effects: this.#takeEffects() };
  }

  /**
   * Judges an OffsetCommit of a member, or of a client outside the group (`generationId` < 0: an admin, or a consumer
   * that assigns its own partitions). A member's commit counts as a heartbeat.
   */
  judgeCommit(identity: MemberIdentity, generationId: number, isTransactional: boolean, nowMs: number): number {
    const errorCode = judgeCommit(identity, generationId, isTransactional, this.#standing());
    const member = this.#roster.get(identity.memberId);
    if (errorCode === ErrorCodes.NONE && member) touch(member, nowMs);
    return errorCode;
  }

  /** The group becomes one of the consumer protocol, which its members learn by their next requests. */
  dissolve(): GroupEffect[] {
    for (const member of this.#roster.members) {
      this.#dropParkedJoin(member, ErrorCodes.REBALANCE_IN_PROGRESS);
      this.#dropParkedSync(member, ErrorCodes.REBALANCE_IN_PROGRESS);
    }
    return this.#takeEffects();
  }

  #joinAsUnknown(command: JoinCommand, nowMs: number): void {
    const { token, freshMemberId, instanceId } = command;
    if (instanceId !== null) {
      const former = this.#roster.ofInstance(instanceId);
      if (former === undefined) this.#add(freshMemberId, command, nowMs);
      else this.#replaceStatic(former, command, nowMs);
    } else if (command.asksForMemberId) {
      this.#roster.addPending(freshMemberId, nowMs + command.sessionTimeoutMs);
      this.#refuseJoin(token, freshMemberId, ErrorCodes.MEMBER_ID_REQUIRED);
    } else {
      this.#add(freshMemberId, command, nowMs);
    }
  }

  #add(memberId: string, command: JoinCommand, nowMs: number): void {
    const { instanceId, token } = command;
    const member: GroupMember = {
      memberId,
      instanceId,
      ...statedBy(command),
      assignment: NO_BYTES,
      deadlineMs: nowMs + NEW_MEMBER_TIMEOUT_MS,
      isNew: true,
      parkedJoin: token,
      parkedSync: undefined,
    };
    if (this.#roster.memberCount === 0) this.#protocolType = command.protocolType;
    this.#roster.add(member);
    this.#leader ??= memberId;
    if (this.#state !== "PreparingRebalance") this.#prepareRebalance(nowMs);
    else {
      if (this.#initialDelay) {
        const untilMs = nowMs + this.settings.initialRebalanceDelayMs;
        this.#initialDelay.untilMs = Math.min(untilMs, this.#initialDelay.latestMs);
      }
      this.#maybeCompleteJoin(nowMs);
    }
  }

  /** A static member rejoins under a new id. Parked requests of its old id are fenced. */
  #replaceStatic(member: GroupMember, command: JoinCommand, nowMs: number): void {
    const oldId = member.memberId;
    this.#dropParkedJoin(member, ErrorCodes.FENCED_INSTANCE_ID);
    this.#dropParkedSync(member, ErrorCodes.FENCED_INSTANCE_ID);
    this.#roster.rename(member, command.freshMemberId);
    const wasLeader = this.#leader === oldId;
    if (wasLeader) this.#leader = member.memberId;
    Object.assign(member, statedBy(command));
    touch(member, nowMs);
    if (this.#state === "Stable" && selectProtocol(this.#roster.members) === this.#protocolName) {
      this.#effects.push({ kind: "persist" });
      const asLeader = wasLeader && command.canSkipAssignment;
      const answer = {
        ...this.#joinAnswer(member, asLeader),
        // A client before v9 that reads that it leads would assign again. With its old id as the leader, it does not.
        leader: wasLeader && !asLeader ? oldId : this.#leader!,
        skipAssignment: asLeader,
      };
      this.#effects.push({ kind: "answer-join", token: command.token, answer });
      return;
    }
    member.parkedJoin = command.token;
    if (this.#state === "PreparingRebalance") this.#maybeCompleteJoin(nowMs);
    else this.#prepareRebalance(nowMs);
  }

  #rejoin(member: GroupMember, command: JoinCommand, nowMs: number): void {
    const unchanged = sameProtocols(member.protocols, command.protocols);
    const answersAgain =
      (this.#state === "CompletingRebalance" && unchanged) ||
      (this.#state === "Stable" && unchanged && member.memberId !== this.#leader);
    if (answersAgain) {
      // A repeated join: the answer to the first was lost.
      touch(member, nowMs);
      const answer = this.#joinAnswer(member, member.memberId === this.#leader);
      this.#effects.push({ kind: "answer-join", token: command.token, answer });
      return;
    }
    Object.assign(member, statedBy(command));
    this.#dropParkedJoin(member, ErrorCodes.REBALANCE_IN_PROGRESS);
    member.parkedJoin = command.token;
    if (this.#state === "PreparingRebalance") this.#maybeCompleteJoin(nowMs);
    else this.#prepareRebalance(nowMs);
  }

  #prepareRebalance(nowMs: number): void {
    for (const member of this.#roster.members) {
      if (this.#dropParkedSync(member, ErrorCodes.REBALANCE_IN_PROGRESS)) touch(member, nowMs);
    }
    const fromEmpty = this.#state === "Empty";
    this.#state = "PreparingRebalance";
    this.#syncDeadlineMs = Number.POSITIVE_INFINITY;
    this.#joinDeadlineMs = nowMs + this.#roster.longestRebalanceTimeoutMs();
    const delayMs = this.settings.initialRebalanceDelayMs;
    if (fromEmpty && delayMs > 0) {
      this.#initialDelay = { untilMs: nowMs + delayMs, latestMs: this.#joinDeadlineMs };
    }
    this.#maybeCompleteJoin(nowMs);
  }

  #maybeCompleteJoin(nowMs: number): void {
    if (this.#state !== "PreparingRebalance" || this.#initialDelay || this.#roster.pendingCount > 0) return;
    for (const member of this.#roster.members) if (member.parkedJoin === undefined) return;
    this.#completeJoin(nowMs);
  }

  #completeJoin(nowMs: number): void {
    for (const member of this.#roster.members) {
      if (member.parkedJoin === undefined && member.instanceId === null) this.#remove(member);
    }
    const joined = this.#roster.members.filter((member) => member.parkedJoin !== undefined);
    if (this.#roster.memberCount > 0 && joined.length === 0) {
      // Only static members are left and none has rejoined: wait for one that can lead.
      this.#joinDeadlineMs = nowMs + this.#roster.longestRebalanceTimeoutMs();
      return;
    }
    this.#joinDeadlineMs = Number.POSITIVE_INFINITY;
    this.#generationId++;
    if (joined.length === 0) {
      this.#state = "Empty";
      this.#protocolName = null;
      this.#leader = null;
      this.#effects.push({ kind: "persist" });
      return;
    }
    this.#protocolName = selectProtocol(this.#roster.members) ?? null;
    const leader = this.#leader === null ? undefined : this.#roster.get(this.#leader);
    if (leader?.parkedJoin === undefined) this.#leader = joined[0]!.memberId;
    this.#state = "CompletingRebalance";
    this.#syncDeadlineMs = nowMs + this.#roster.longestRebalanceTimeoutMs();
    for (const member of joined) {
      const token = member.parkedJoin!;
      member.parkedJoin = undefined;
      member.isNew = false;
      touch(member, nowMs);
      const answer = this.#joinAnswer(member, member.memberId === this.#leader);
      this.#effects.push({ kind: "answer-join", token, answer });
    }
  }

  #assign(command: SyncCommand, nowMs: number): void {
    const assignments = new Map(command.assignments.map(({ memberId, assignment }) => [memberId, assignment]));
    this.#state = "Stable";
    this.#syncDeadlineMs = Number.POSITIVE_INFINITY;
    for (const member of this.#roster.members) member.assignment = assignments.get(member.memberId) ?? NO_BYTES;
    this.#effects.push({ kind: "persist" });
    for (const member of this.#roster.members) {
      const token = member.parkedSync;
      if (token === undefined) continue;
      member.parkedSync = undefined;
      touch(member, nowMs);
      this.#effects.push({ kind: "answer-sync", token, answer: syncedAnswer(this.#generation(), member.assignment) });
    }
  }

  #endSyncPhase(nowMs: number): void {
    this.#syncDeadlineMs = Number.POSITIVE_INFINITY;
    if (this.#state !== "CompletingRebalance") return;
    for (const member of this.#roster.members) if (member.parkedSync === undefined) this.#remove(member);
    this.#prepareRebalance(nowMs);
  }

  #leaveOne(identity: MemberIdentity): number {
    const { memberId, instanceId } = identity;
    if (memberId === "" && instanceId !== null) {
      const named = this.#roster.ofInstance(instanceId);
      if (named === undefined) return ErrorCodes.UNKNOWN_MEMBER_ID;
      this.#remove(named);
      return ErrorCodes.NONE;
    }
    if (this.#roster.takePending(memberId)) return ErrorCodes.NONE;
    const fault = this.#roster.identityFault(identity);
    if (fault === ErrorCodes.NONE) this.#remove(this.#roster.get(memberId)!);
    return fault;
  }

  #rebalanceAfterLoss(nowMs: number): void {
    if (this.#state === "PreparingRebalance") this.#maybeCompleteJoin(nowMs);
    else if (this.#state !== "Empty" && this.#lost) this.#prepareRebalance(nowMs);
    this.#lost = false;
  }
  #remove(member: GroupMember): void {
    this.#dropParkedJoin(member, ErrorCodes.UNKNOWN_MEMBER_ID);
    this.#dropParkedSync(member, ErrorCodes.UNKNOWN_MEMBER_ID);
    this.#roster.remove(member);
    if (this.#leader === member.memberId) this.#leader = this.#roster.members[0]?.memberId ?? null;
    this.#lost = true;
  }

  #joinAnswer(member: GroupMember, withMembers: boolean): JoinAnswer {
    const members = withMembers ? this.#roster.members.map((each) => joinedMember(each, this.#protocolName)) : [];
    return joinedAnswer(this.#generation(), this.#leader!, member.memberId, members);
  }

  #standing(): GroupStanding {
    return { state: this.#state, ...this.#generation(), roster: this.#roster };
  }

  #generation() {
    return { generationId: this.#generationId, protocolType: this.#protocolType, protocolName: this.#protocolName };
  }

  #refuseJoin(token: Token, memberId: string, errorCode: number): void {
    this.#effects.push({ kind: "answer-join", token, answer: joinError(memberId, errorCode) });
  }

  #dropParkedJoin(member: GroupMember, errorCode: number): void {
    if (member.parkedJoin !== undefined) this.#refuseJoin(member.parkedJoin, member.memberId, errorCode);
    member.parkedJoin = undefined;
  }

  #dropParkedSync(member: GroupMember, errorCode: number): boolean {
    const token = member.parkedSync;
    if (token === undefined) return false;
    this.#effects.push({ kind: "answer-sync", token, answer: syncError(errorCode) });
    member.parkedSync = undefined;
    return true;
  }

  #takeEffects(): GroupEffect[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }
}

function touch(member: GroupMember, nowMs: number): void {
  if (!member.isNew) member.deadlineMs = nowMs + member.sessionTimeoutMs;
}

function statedBy(command: JoinCommand) {
  const { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols } = command;
  return { clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs, protocols };
}
