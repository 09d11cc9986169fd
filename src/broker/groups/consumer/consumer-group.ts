import { ErrorCodes } from "../../../protocol/error-codes.js";
import type { Subscriber } from "./assignor.js";
import { ASSIGNORS, preferredAssignor } from "./assignors.js";
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
import { MemberDeadlines } from "./member-deadlines.js";
import { reconcile } from "./reconcile.js";
import { RegexMatcher } from "./regex-matcher.js";
import { listed, NO_PARTITIONS, samePartitions, type TopicPartitions } from "./topic-partitions.js";
import { subscriptionHash, type TopicsView } from "./topics-view.js";

/** As in Kafka since 4.3. */
const FIRST_EPOCH = 2;

const NO_TARGET: TopicPartitions = new Map();

/** Settings of a group, as they are now. */
export interface ConsumerGroupSettings {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly maxSize: number;
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
 */
export class ConsumerGroup {
  readonly #state: ConsumerGroupState;
  readonly #deadlines = new MemberDeadlines();
  readonly #regexes = new RegexMatcher();
  /** The version of the topics that the hash is of; -1: unknown. */
  #topicsVersion = -1;
  #records: ConsumerRecord[] = [];
  #inverses: ConsumerRecord[] = [];

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
    for (const [memberId, { rebalanceTimeoutMs }] of this.#state.members) {
      this.#deadlines.touch(memberId, nowMs + this.settings().sessionTimeoutMs);
      this.#deadlines.moved(memberId, this.#state.current(memberId), nowMs + rebalanceTimeoutMs);
    }
  }

  /** What the commands since the last `accept` or `revert` have changed, to be written as one. */
  get changes(): readonly ConsumerRecord[] {
    return this.#records;
  }

  /** The changes are written. */
  accept(): void {
    this.#records = [];
    this.#inverses = [];
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
    this.#takeInstance(command);
    const before = this.#state.current(memberId);
    const description = this.#describe(command);
    this.#refresh(this.#isOther(memberId, description), command, topics, nowMs);
    this.#assign(topics);
    const { rebalanceTimeoutMs } = description;
    const after = this.#reconcile(memberId, command.owned);
    if (after !== before) this.#deadlines.moved(memberId, after, nowMs + rebalanceTimeoutMs);
    this.#deadlines.touch(memberId, nowMs + sessionTimeoutMs);
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

  /** Removes a member, for an administrator: by its instance if it has no other id. Returns the error code. */
  removeMember(memberId: string, instanceId: string | null): number {
    const named = memberId === "" && instanceId !== null ? (this.#state.ofInstance(instanceId) ?? "") : memberId;
    const refusal = identityRefusal(this.#state, named, instanceId);
    if (refusal) return refusal.errorCode;
    this.#remove([named]);
    return ErrorCodes.NONE;
  }

  /** A static member that has left comes back under another id, and keeps what it had. */
  #takeInstance({ memberId, memberEpoch, instanceId }: HeartbeatCommand): void {
    const former = instanceId === null || memberEpoch !== JOIN_EPOCH ? undefined : this.#state.ofInstance(instanceId);
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

  /** What a member says of itself, with what it said before. */
  #describe(command: HeartbeatCommand): MemberDescription {
    const before = this.#state.members.get(command.memberId);
    const { rebalanceTimeoutMs } = command;
    return {
      instanceId: command.instanceId ?? before?.instanceId ?? null,
      rackId: command.rackId ?? before?.rackId ?? null,
      clientId: command.clientId,
      clientHost: command.clientHost,
      subscribedTopicNames: command.subscribedTopicNames ?? before?.subscribedTopicNames ?? [],
      subscribedTopicRegex: command.subscribedTopicRegex ?? before?.subscribedTopicRegex ?? "",
      rebalanceTimeoutMs: rebalanceTimeoutMs === -1 ? (before?.rebalanceTimeoutMs ?? -1) : rebalanceTimeoutMs,
      serverAssignor: command.serverAssignor ?? before?.serverAssignor ?? null,
    };
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
  #refresh(isOther: boolean, command: HeartbeatCommand, topics: TopicsView, nowMs: number): void {
    const matches = this.#matchRegexes(command, topics, nowMs);
    const isNew = isOther || matches || this.#state.epoch === 0;
    if (!isNew && this.#topicsVersion === topics.version) return;
    const metadataHash = subscriptionHash(this.#state.subscribedNames(), topics);
    if (isNew || metadataHash !== this.#state.metadataHash) this.#raiseEpoch(metadataHash);
    this.#topicsVersion = topics.version;
  }

  /** Matches the members' regular expressions with the topics, where that is due. Returns whether one matches others. */
  #matchRegexes({ mayMatch }: HeartbeatCommand, topics: TopicsView, nowMs: number): boolean {
    const group = this.groupId;
    const used = new Set<string>();
    for (const { subscribedTopicRegex: regex } of this.#state.members.values()) if (regex) used.add(regex);
    for (const regex of [...this.#state.regexes.keys()].filter((each) => !used.has(each))) {
      this.#change({ kind: "regex", group, regex, value: null });
    }
    let isOther = false;
    for (const { regex, names, version } of this.#regexes.advance(used, topics, mayMatch, nowMs)) {
      const known = this.#state.regexes.get(regex);
      if (known && sameNames(known.topics, names)) continue;
      this.#change({ kind: "regex", group, regex, value: { topics: names, version, timestamp: topics.nowMs() } });
      isOther ||= known !== undefined || names.length > 0;
    }
    return isOther;
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
    if (memberIds.length > 0) this.#raiseEpoch(this.#state.metadataHash);
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
