import { ErrorCodes } from "../../../protocol/error-codes.js";
import { joinError, joinedAnswer, syncError } from "../classic/group-answers.js";
import type { JoinAnswer, MemberIdentity, SyncAnswer, SyncCommand } from "../classic/group-member.js";
import type { Subscriber } from "./assignment/assignor.js";
import { ASSIGNORS, preferredAssignor } from "./assignment/assignors.js";
import { partitionsById } from "./assignment/named-partitions.js";
import { listed, NO_PARTITIONS, samePartitions, type TopicPartitions } from "./assignment/topic-partitions.js";
import { subscriptionHash, type TopicsView } from "./assignment/topics-view.js";
import { ConsumerGroupState, memberTombstones } from "./consumer-group-state.js";
import {
  type HeartbeatAnswer,
  type HeartbeatCommand,
  heartbeatError,
  identityRefusal,
  memberRefusal,
} from "./consumer-heartbeat.js";
import {
  type CurrentAssignment,
  JOIN_EPOCH,
  type MemberDescription,
  NOTHING_ASSIGNED,
  STATIC_LEAVE_EPOCH,
  sameDescription,
  sameNames,
} from "./consumer-member.js";
import type { ConsumerRecord } from "./consumer-records.js";
import { assignmentFor, type Downgrade } from "./downgraded-group.js";
import {
  type ClassicJoin,
  CONSUMER_TYPE,
  judgeClassicJoin,
  judgeClassicMember,
  judgeClassicSync,
  mustRejoin,
} from "./judge-classic-request.js";
import { MemberDeadlines } from "./member-deadlines.js";
import { describedBy, describedByClassic, readSubscription } from "./member-description.js";
import { reconcile } from "./reconcile.js";
import { RegexMatcher } from "./regex-matcher.js";

/** As in Kafka since 4.3. */
const FIRST_EPOCH = 2;

const NO_TARGET: TopicPartitions = new Map();

/** Settings of a group, as they are now. */
export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxSize: number;
  /** The most members that may become a classic group once all use the classic protocol; 0: they never do. */
  readonly downgradeMaxSize: number;
}

/** The states of a consumer group (KIP-848). */
export type ConsumerGroupPhase = "Empty" | "Assigning" | "Reconciling" | "Stable";

/**
 * One group of the consumer protocol (KIP-848): members send heartbeats, and the group shares out the partitions. A pure
 * state machine without sockets, log or timers. A command changes the state by records, which its owner writes and then
 * accepts, or reverts; what was written before is the state. Its owner calls `tick` at `nextDeadlineMs`.
 *
 * Whatever changes subscriptions or topics makes a new group epoch; the next heartbeat computes the targets of that epoch;
 * each member's own heartbeats take it there. Partitions are given up before others get them.
 *
 * Members may use the classic protocol: their JoinGroup is a heartbeat that says everything, and a Heartbeat asks for it
 * while the group has other plans for them. Once all do, the group is to become a classic one (`downgrade`).
 */
export class ConsumerGroup {
  readonly #state: ConsumerGroupState;
  readonly #deadlines = new MemberDeadlines();
  readonly #regexes = new RegexMatcher();
  /** The version of the topics that the hash is of; -1: unknown. */
  #topicsVersion = -1;
  #records: ConsumerRecord[] = [];
  #inverses: ConsumerRecord[] = [];
  #downgrade: Downgrade | undefined;

  constructor(
    readonly groupId: string,
    private readonly settings: () => ConsumerGroupSettings,
  ) {
    this.#state = new ConsumerGroupState(groupId);
  }

  get state(): Omit<ConsumerGroupState, "apply"> {
    return this.#state;
  }

  get isEmpty(): boolean {
    return this.#state.members.size === 0;
  }

  get phase(): ConsumerGroupPhase {
    const { members, epoch, targetEpoch } = this.#state;
    if (members.size === 0) return "Empty";
    if (epoch > targetEpoch) return "Assigning";
    const isThere = ({ state, memberEpoch }: CurrentAssignment) => state === "stable" && memberEpoch === targetEpoch;
    return [...members.keys()].every((id) => isThere(this.#state.current(id))) ? "Stable" : "Reconciling";
  }

  get assignor(): string {
    return preferredAssignor([...this.#state.members.values()].map(({ serverAssignor }) => serverAssignor));
  }

  /** A record of the log, at the start. */
  replay(record: ConsumerRecord): void {
    this.#state.apply(record);
  }

  /** Called once the log is replayed. The members get fresh deadlines, so that they do not notice the restart. */
  begin(nowMs: number): void {
    for (const [memberId, { rebalanceTimeoutMs, classic }] of this.#state.members) {
      this.#deadlines.touch(memberId, nowMs + (classic ?? this.settings()).sessionTimeoutMs);
      if (!classic) this.#deadlines.moved(memberId, this.#state.current(memberId), nowMs + rebalanceTimeoutMs);
    }
  }

  /** Begins with the members of a classic group; called before the first heartbeat. */
  found(records: readonly ConsumerRecord[], nowMs: number): void {
    for (const record of records) this.#change(record);
    this.begin(nowMs);
  }

  /** What the commands since the last `accept` or `revert` have changed, to be written as one. */
  get changes(): readonly ConsumerRecord[] {
    return this.#records;
  }

  /** Set by a command after which the group is to go on as a classic one, in the same write. */
  get downgrade(): Downgrade | undefined {
    return this.#downgrade;
  }

  /** The changes are written. */
  accept(): void {
    this.#records = [];
    this.#inverses = [];
    this.#downgrade = undefined;
  }

  /** The changes could not be written. */
  revert(): void {
    for (const record of this.#inverses.reverse()) this.#state.apply(record);
    this.#topicsVersion = -1;
    this.#regexes.forget();
    this.accept();
  }

  /** The time of the next `tick`; infinity: none. */
  nextDeadlineMs(): number {
    return this.#deadlines.next();
  }

  /** Removes the members that have been silent for a session, or have not given up partitions in time. Returns their ids. */
  tick(nowMs: number): string[] {
    const late = this.#deadlines.overdue(nowMs, (memberId) => {
      return this.#state.members.has(memberId) ? this.#state.current(memberId) : undefined;
    });
    this.#remove(late);
    return late;
  }

  /** A heartbeat of a member that joins or stays. */
  heartbeat(command: HeartbeatCommand, topics: TopicsView, nowMs: number): HeartbeatAnswer {
    const { memberId, memberEpoch } = command;
    const { heartbeatIntervalMs, maxSize, sessionTimeoutMs } = this.settings();
    const refusal = memberRefusal(this.#state, command, maxSize);
    if (refusal) return refusal;
    if (memberEpoch === JOIN_EPOCH) this.#takeInstance(command.instanceId, memberId);
    const before = this.#state.current(memberId);
    const description = describedBy(command, this.#state.members.get(memberId));
    const isOther = this.#isOther(memberId, description);
    this.#refresh(this.#matchRegexes(command, topics, nowMs) || isOther, topics);
    this.#assign(topics);
    const { rebalanceTimeoutMs } = description;
    const after = this.#reconcile(memberId, command.owned);
    if (after !== before) this.#deadlines.moved(memberId, after, nowMs + rebalanceTimeoutMs);
    this.#deadlines.touch(memberId, nowMs + sessionTimeoutMs);
    this.#deadlines.joined(memberId, Number.POSITIVE_INFINITY);
    const saysAll =
      command.rebalanceTimeoutMs !== -1 &&
      (command.subscribedTopicNames !== null || command.subscribedTopicRegex !== null) &&
      command.owned !== undefined;
    const isTold = memberEpoch === JOIN_EPOCH || saysAll || !samePartitions(before.assigned, after.assigned);
    return {
      errorCode: ErrorCodes.NONE,
      errorMessage: null,
      memberId,
      memberEpoch: after.memberEpoch,
      heartbeatIntervalMs,
      assignment: isTold ? listed(after.assigned) : null,
    };
  }

  /** A heartbeat with which a member leaves: for good, or (static) until it comes back within its session. */
  leave({ memberId, memberEpoch, instanceId }: HeartbeatCommand): HeartbeatAnswer {
    const refusal = identityRefusal(this.#state, memberId, instanceId);
    if (refusal) return refusal;
    if (memberEpoch === STATIC_LEAVE_EPOCH) {
      const current = this.#state.current(memberId);
      const value = { ...current, memberEpoch: STATIC_LEAVE_EPOCH, pendingRevocation: NO_PARTITIONS };
      this.#change({ kind: "current", group: this.groupId, memberId, value });
    } else {
      this.#remove([memberId]);
    }
    return { ...heartbeatError(ErrorCodes.NONE, null), memberId, memberEpoch };
  }

  /** A JoinGroup. It is answered at once, without a leader: the group assigns. */
  join(command: ClassicJoin, topics: TopicsView, nowMs: number): JoinAnswer {
    const { instanceId, protocols, freshMemberId } = command;
    const memberId = command.memberId === "" ? freshMemberId : command.memberId;
    const { maxSize } = this.settings();
    const refusal = judgeClassicJoin(this.#state, command, maxSize);
    if (refusal !== ErrorCodes.NONE) {
      return joinError(refusal === ErrorCodes.MEMBER_ID_REQUIRED ? memberId : command.memberId, refusal);
    }
    const subscription = readSubscription(protocols[0]!.metadata);
    if (!subscription) return joinError(command.memberId, ErrorCodes.UNKNOWN_SERVER_ERROR);
    const { epoch, members } = this.#state;
    // It was removed, and others may have what it still reads. Told so, it gives that up; Kafka lets it in.
    const ownsAny = subscription.ownedPartitions.some(({ partitions }) => partitions.length > 0);
    const wasRemoved = command.memberId !== "" && !members.has(memberId) && ownsAny;
    if (wasRemoved) return joinError(command.memberId, ErrorCodes.UNKNOWN_MEMBER_ID);
    const replaced = instanceId === null ? undefined : this.#state.ofInstance(instanceId);
    const isLast = replaced !== undefined && !members.get(replaced)!.classic && this.#isClassicWithout(replaced);
    if (command.memberId === "") this.#takeInstance(instanceId, memberId);
    const description = describedByClassic(command, subscription, members.get(memberId));
    const isOther = this.#isOther(memberId, description);
    this.#forgetRegexes();
    this.#refresh(isOther, topics);
    if (!isLast) this.#assign(topics);
    if (!isLast || this.#state.epoch === epoch) {
      this.#reconcile(memberId, partitionsById(subscription.ownedPartitions, topics));
    }
    if (isLast) {
      const rebalances = this.phase !== "Stable" || !this.#prefersOneProtocol();
      this.#downgrade = { generationId: epoch, rebalances };
    }
    const { memberEpoch } = this.#state.current(memberId);
    this.#deadlines.touch(memberId, nowMs + command.sessionTimeoutMs);
    this.#deadlines.joined(memberId, nowMs + description.rebalanceTimeoutMs);
    const generation = { generationId: memberEpoch, protocolType: CONSUMER_TYPE, protocolName: protocols[0]!.name };
    return joinedAnswer(generation, "", memberId, []);
  }

  /** A SyncGroup: a member asks for what it has been assigned with its JoinGroup. */
  sync(command: Omit<SyncCommand, "token">, topics: TopicsView, nowMs: number): SyncAnswer {
    const errorCode = judgeClassicSync(this.#state, command);
    const { memberId } = command;
    const member = this.#state.members.get(memberId);
    if (errorCode === ErrorCodes.REBALANCE_IN_PROGRESS) {
      this.#deadlines.askedToJoin(memberId, nowMs + member!.rebalanceTimeoutMs);
    }
    if (errorCode !== ErrorCodes.NONE) return syncError(errorCode);
    const { sessionTimeoutMs, protocols } = member!.classic!;
    this.#deadlines.touch(memberId, nowMs + sessionTimeoutMs);
    this.#deadlines.synced(memberId);
    const { assigned } = this.#state.current(memberId);
    const { protocolType, protocolName } = command;
    return {
      ...{ errorCode, protocolType, protocolName },
      assignment: assignmentFor(protocols[0]!.metadata, assigned, topics),
    };
  }

  /** A Heartbeat of the classic protocol. Returns the error code. */
  classicHeartbeat(identity: MemberIdentity, generationId: number, nowMs: number): number {
    const fault = judgeClassicMember(this.#state, identity, generationId);
    if (fault !== ErrorCodes.NONE) return fault;
    const { memberId } = identity;
    const { rebalanceTimeoutMs, classic } = this.#state.members.get(memberId)!;
    this.#deadlines.touch(memberId, nowMs + classic!.sessionTimeoutMs);
    if (!mustRejoin(this.#state, memberId)) return ErrorCodes.NONE;
    this.#deadlines.askedToJoin(memberId, nowMs + rebalanceTimeoutMs);
    return ErrorCodes.REBALANCE_IN_PROGRESS;
  }

  /**
   * A LeaveGroup: members of the classic protocol leave, or an administrator removes any, by its instance if it has no
   * other id. Returns the error code of each.
   */
  removeMembers(identities: readonly MemberIdentity[]): number[] {
    const leaving = new Set<string>();
    const errorCodes = identities.map(({ memberId, instanceId }) => {
      const named = memberId === "" && instanceId !== null ? (this.#state.ofInstance(instanceId) ?? "") : memberId;
      const refusal = identityRefusal(this.#state, named, instanceId);
      if (!refusal) leaving.add(named);
      return refusal?.errorCode ?? ErrorCodes.NONE;
    });
    this.#remove([...leaving]);
    return errorCodes;
  }

  /** A static member comes back under another id, and keeps what it had. */
  #takeInstance(instanceId: string | null, memberId: string): void {
    const former = instanceId === null ? undefined : this.#state.ofInstance(instanceId);
    if (former === undefined) return;
    const group = this.groupId;
    const description = this.#state.members.get(former)!;
    const target = this.#state.target(former);
    const { assigned } = this.#state.current(former);
    for (const tombstone of memberTombstones(group, former)) this.#change(tombstone);
    this.#change({ kind: "member", group, memberId, value: description });
    this.#change({ kind: "target", group, memberId, value: target });
    this.#change({ kind: "current", group, memberId, value: { ...NOTHING_ASSIGNED, assigned } });
  }

  /** Stores a member's description if it is new. Returns whether its subscription is. */
  #isOther(memberId: string, value: MemberDescription): boolean {
    const before = this.#state.members.get(memberId);
    if (before && sameDescription(before, value)) return false;
    this.#change({ kind: "member", group: this.groupId, memberId, value });
    const regexOf = (member: MemberDescription | undefined) => member?.subscribedTopicRegex || null;
    return (
      !sameNames(before?.subscribedTopicNames ?? [], value.subscribedTopicNames) || regexOf(before) !== regexOf(value)
    );
  }

  /** Makes a new group epoch if subscriptions or topics have changed. */
  #refresh(isOther: boolean, topics: TopicsView): void {
    const isNew = isOther || this.#state.epoch === 0;
    if (!isNew && this.#topicsVersion === topics.version) return;
    const metadataHash = subscriptionHash(this.#state.subscribedNames(), topics);
    if (isNew || metadataHash !== this.#state.metadataHash) this.#raiseEpoch(metadataHash);
    this.#topicsVersion = topics.version;
  }

  /** Matches the members' regular expressions with the topics, where that is due. Returns whether one matches others. */
  #matchRegexes({ mayMatch }: HeartbeatCommand, topics: TopicsView, nowMs: number): boolean {
    const group = this.groupId;
    const used = this.#forgetRegexes();
    let isOther = false;
    for (const { regex, names, version } of this.#regexes.advance(used, topics, mayMatch, nowMs)) {
      const known = this.#state.regexes.get(regex);
      if (known && sameNames(known.topics, names)) continue;
      this.#change({ kind: "regex", group, regex, value: { topics: names, version, timestamp: topics.nowMs() } });
      isOther ||= known !== undefined || names.length > 0;
    }
    return isOther;
  }

  /** Deletes regular expressions that no member has any more. Returns the others. */
  #forgetRegexes(): ReadonlySet<string> {
    const group = this.groupId;
    const used = new Set<string>();
    for (const { subscribedTopicRegex: regex } of this.#state.members.values()) if (regex) used.add(regex);
    for (const regex of [...this.#state.regexes.keys()].filter((each) => !used.has(each))) {
      this.#change({ kind: "regex", group, regex, value: null });
    }
    return used;
  }

  /** Computes the targets of the group's epoch. */
  #assign(topics: TopicsView): void {
    const { epoch, targetEpoch, members } = this.#state;
    if (epoch === targetEpoch) return;
    const group = this.groupId;
    const subscribers: Subscriber[] = [...members].map(([memberId, member]) => {
      const ids = this.#state.namesOf(member).flatMap((name) => topics.get(name)?.id ?? []);
      return { memberId, instanceId: member.instanceId, topicIds: new Set(ids), target: this.#state.target(memberId) };
    });
    const counts = new Map<string, number>();
    for (const name of this.#state.subscribedNames()) {
      const topic = topics.get(name);
      if (topic) counts.set(topic.id, topic.partitions);
    }
    const targets = ASSIGNORS.get(this.assignor)!(subscribers, (topicId) => counts.get(topicId) ?? 0);
    for (const { memberId, target } of subscribers) {
      const value = targets.get(memberId) ?? NO_TARGET;
      if (!samePartitions(target, value)) this.#change({ kind: "target", group, memberId, value });
    }
    this.#change({ kind: "target-epoch", group, value: epoch });
  }

  #reconcile(memberId: string, owned: TopicPartitions | undefined): CurrentAssignment {
    const current = this.#state.current(memberId);
    const isTaken = (topicId: string, partition: number) => {
      const owner = this.#state.ownerOf(topicId, partition);
      return owner !== undefined && owner !== memberId;
    };
    const target = this.#state.target(memberId);
    const value = reconcile({ current, target, targetEpoch: this.#state.targetEpoch, owned, isTaken });
    if (value !== current) this.#change({ kind: "current", group: this.groupId, memberId, value });
    return value;
  }

  #remove(memberIds: readonly string[]): void {
    const tombstones = memberIds.flatMap((memberId) => memberTombstones(this.groupId, memberId));
    for (const tombstone of tombstones) this.#change(tombstone);
    if (memberIds.length === 0) return;
    if (this.#isClassicWithout(undefined)) this.#downgrade = { generationId: this.#state.epoch, rebalances: true };
    else this.#raiseEpoch(this.#state.metadataHash);
  }

  /** Whether all members, or all but one, use the classic protocol, and may become a classic group. */
  #isClassicWithout(except: string | undefined): boolean {
    const { members } = this.#state;
    const isClassic = [...members].every(([memberId, { classic }]) => memberId === except || classic !== null);
    return members.size > 0 && isClassic && members.size <= this.settings().downgradeMaxSize;
  }

  /** Whether all members have been told the same protocol, which a classic group must have. */
  #prefersOneProtocol(): boolean {
    const members = [...this.#state.members.values()];
    return new Set(members.flatMap(({ classic }) => classic?.protocols[0]?.name ?? [])).size === 1;
  }

  #raiseEpoch(metadataHash: number): void {
    const epoch = Math.max(this.#state.epoch + 1, FIRST_EPOCH);
    this.#change({ kind: "group-epoch", group: this.groupId, value: { epoch, metadataHash } });
  }

  #change(record: ConsumerRecord): void {
    this.#inverses.push(this.#state.inverseOf(record));
    this.#state.apply(record);
    this.#records.push(record);
  }
}
