import type { Clock, Timer } from "../../base/clock.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { BrokerProperties } from "../broker-properties.js";
import { ClassicGroup, type GroupEffect, type GroupSnapshot } from "./classic-group.js";
import { joinError, syncError } from "./group-answers.js";
import type { GroupLog } from "./group-log.js";
import type { JoinAnswer, JoinCommand, MemberIdentity, SyncAnswer, SyncCommand, Token } from "./group-member.js";
import { expiredOffsets, GroupOffsets, type PartitionOffset } from "./group-offsets.js";
import type { CommittedOffset, GroupRecord, StoredGroup } from "./group-records.js";
import { subscribedTopics } from "./subscribed-topics.js";

/** Delay before a failed timer of a group runs again. */
const TIMER_RETRY_MS = 1000;

/** A group with its offsets and its one timer. */
interface Entry {
  readonly group: ClassicGroup;
  readonly offsets: GroupOffsets;
  stateTimestamp: number;
  timer: Timer | undefined;
  timerAtMs: number;
}

/** An OffsetCommit, without the partitions that were already refused. */
export interface CommitCommand extends MemberIdentity {
  readonly groupId: string;
  readonly generationId: number;
  readonly offsets: readonly PartitionOffset[];
}

/** A group, for ListGroups. */
export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
}

/**
 * All groups of the broker and their offsets, and the only writer of both. Groups are pure state machines; the
 * coordinator carries out their effects, parks requests and sets timers. Everything that must survive the process is
 * in the log before any request is answered. (I10)
 */
export class GroupCoordinator {
  readonly #groups = new Map<string, Entry>();
  readonly #parkedJoins = new Map<Token, Deferred<JoinAnswer>>();
  readonly #parkedSyncs = new Map<Token, Deferred<SyncAnswer>>();
  /** Offsets of deleted topics, by group, that are not deleted in the log yet. */
  readonly #owed = new Map<string, readonly { topic: string; partition: number }[]>();
  /** The deletions that the start made for topics that it no longer found. */
  readonly #settling: Promise<void>[] = [];
  #nextToken: Token = 1;
  #closed = false;

  constructor(
    private readonly log: GroupLog,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
  ) {}

  /**
   * Rebuilds groups and offsets from the log. Called once, before the first request.
   *
   * @param hasTopic whether a topic exists: offsets of deleted topics, whose deletion may not be in the log, are not
   * loaded but deleted there, or a new topic of that name would take them for its own.
   */
  load(hasTopic: (topic: string) => boolean): void {
    const stored = new Map<string, StoredGroup>();
    const offsets = new Map<string, GroupOffsets>();
    const gone = new Map<string, GroupOffsets>();
    this.log.replay((record) => {
      const isGone = record.kind === "offset" && !hasTopic(record.topic);
      replayInto(record, stored, isGone ? gone : offsets);
    });
    for (const groupId of new Set([...stored.keys(), ...offsets.keys()])) {
      const value = stored.get(groupId);
      const group = value
        ? ClassicGroup.restore(groupId, this.#settings(), value, this.clock.monotonicMs())
        : new ClassicGroup(groupId, this.#settings());
      const entry = this.#entryOf(group, offsets.get(groupId) ?? new GroupOffsets());
      entry.stateTimestamp = value?.stateTimestamp ?? this.clock.nowMs();
      this.#groups.set(groupId, entry);
      this.#setTimer(entry);
    }
    for (const [groupId, left] of gone) {
      if (!this.log.serves(groupId)) continue;
      this.#settling.push(this.#settleOwed(groupId, [...left.entries()]));
    }
  }

  /** Resolves when the join phase has ended, or with a refusal. */
  join(groupId: string, command: Omit<JoinCommand, "token" | "freshMemberId">): Promise<JoinAnswer> {
    const refusal = this.#joinRefusal(groupId, command);
    if (refusal !== undefined) return Promise.resolve(joinError(command.memberId, refusal));
    const entry = this.#groups.get(groupId) ?? this.#create(groupId);
    const token = this.#nextToken++;
    const parked = deferred<JoinAnswer>();
    this.#parkedJoins.set(token, parked);
    const freshMemberId = `${command.instanceId ?? command.clientId}-${this.random.uuid()}`;
    this.#carryOut(entry, entry.group.join({ ...command, token, freshMemberId }, this.clock.monotonicMs()));
    const { isEmpty } = entry.group;
    // A refused join must not leave a group behind.
    if (isEmpty && entry.offsets.isEmpty && entry.group.snapshot().generationId === 0) this.#groups.delete(groupId);
    return parked.promise;
  }

  /** Resolves when the leader has sent the assignments, or with a refusal. */
  sync(groupId: string, command: Omit<SyncCommand, "token">): Promise<SyncAnswer> {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return Promise.resolve(syncError(refused));
    const entry = this.#groups.get(groupId);
    if (!entry) return Promise.resolve(syncError(ErrorCodes.UNKNOWN_MEMBER_ID));
    const token = this.#nextToken++;
    const parked = deferred<SyncAnswer>();
    this.#parkedSyncs.set(token, parked);
    this.#carryOut(entry, entry.group.sync({ ...command, token }, this.clock.monotonicMs()));
    return parked.promise;
  }

  /**
   * Resolves to an error code once all that was written for a group is as durable as the broker promises; undefined:
   * it is. Called before a change is acknowledged.
   */
  settled(groupId: string): Promise<number> | undefined {
    return this.log.settled(groupId)?.then(
      () => ErrorCodes.NONE,
      (cause: unknown) => this.#writeFault(groupId, cause),
    );
  }

  /** Why the offsets of a group cannot be read; an error code, or undefined. */
  readFault(groupId: string): number | undefined {
    return this.log.serves(groupId) ? undefined : ErrorCodes.NOT_COORDINATOR;
  }

  /** Returns the error code. */
  heartbeat(groupId: string, identity: MemberIdentity, generationId: number): number {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const entry = this.#groups.get(groupId);
    return entry
      ? entry.group.heartbeat(identity, generationId, this.clock.monotonicMs())
      : ErrorCodes.UNKNOWN_MEMBER_ID;
  }

  /** Returns an error code per member, or one for all. */
  leave(groupId: string, identities: readonly MemberIdentity[]): number[] | number {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const entry = this.#groups.get(groupId);
    if (!entry) return identities.map(() => ErrorCodes.UNKNOWN_MEMBER_ID);
    const { errorCodes, effects } = entry.group.leave(identities, this.clock.monotonicMs());
    this.#carryOut(entry, effects);
    return errorCodes;
  }

  /**
   * Commits offsets; they are in the log when this returns.
   *
   * @param unknownGroup the error for a member of a group that does not exist (it depends on the version).
   * @returns one error code for all partitions.
   */
  commit(command: CommitCommand, unknownGroup: number): number {
    const { groupId, generationId, offsets } = command;
    if (this.#closed) return ErrorCodes.COORDINATOR_NOT_AVAILABLE;
    const fault = this.readFault(groupId);
    if (fault !== undefined) return fault;
    let entry = this.#groups.get(groupId);
    if (!entry && generationId >= 0) return unknownGroup;
    const errorCode = entry?.group.judgeCommit(command, generationId, this.clock.monotonicMs()) ?? ErrorCodes.NONE;
    if (errorCode !== ErrorCodes.NONE) return errorCode;
    const records = offsets.map(({ topic, partition, ...value }): GroupRecord => {
      return { kind: "offset", group: groupId, topic, partition, value };
    });
    const failed = this.#write(groupId, records);
    if (failed !== undefined) return failed;
    if (offsets.length === 0) return ErrorCodes.NONE;
    entry ??= this.#create(groupId);
    for (const { topic, partition, ...value } of offsets) entry.offsets.set(topic, partition, value);
    return ErrorCodes.NONE;
  }

  /** The committed offset of a partition; undefined when there is none. */
  offset(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.offsets.get(topic, partition);
  }

  /** All committed offsets of a group. */
  offsets(groupId: string): PartitionOffset[] {
    return [...(this.#groups.get(groupId)?.offsets.entries() ?? [])];
  }

  /** A group's state; undefined when there is no such group. */
  describe(groupId: string): GroupSnapshot | undefined {
    return this.#groups.get(groupId)?.group.snapshot();
  }

  list(): ListedGroup[] {
    return [...this.#groups].map(([groupId, { group }]) => {
      const { protocolType, state } = group.snapshot();
      return { groupId, protocolType, state };
    });
  }

  /** Deletes a group without members, with its offsets. Returns the error code. */
  deleteGroup(groupId: string): number {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const entry = this.#groups.get(groupId);
    if (!entry) return ErrorCodes.GROUP_ID_NOT_FOUND;
    if (!entry.group.isEmpty) return ErrorCodes.NON_EMPTY_GROUP;
    return this.#drop(entry) ?? ErrorCodes.NONE;
  }

  /**
   * Judges an OffsetDelete.
   *
   * @returns an error code for the whole request, and the error code for the offsets of a topic.
   */
  judgeOffsetDelete(groupId: string): { errorCode: number; refusalOf: (topic: string) => number } {
    const entry = this.#groups.get(groupId);
    const refuse = (errorCode: number) => ({ errorCode, refusalOf: () => errorCode });
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refuse(refused);
    if (!entry) return refuse(ErrorCodes.GROUP_ID_NOT_FOUND);
    if (entry.group.isEmpty) return refuse(ErrorCodes.NONE);
    const { protocolType } = entry.group.snapshot();
    if (protocolType !== "consumer") return refuse(ErrorCodes.NON_EMPTY_GROUP);
    const subscribed = subscribedTopics(entry.group.snapshot());
    const refusalOf = (topic: string) =>
      !subscribed || subscribed.has(topic) ? ErrorCodes.GROUP_SUBSCRIBED_TO_TOPIC : ErrorCodes.NONE;
    return { errorCode: ErrorCodes.NONE, refusalOf };
  }

  /** Deletes offsets that `judgeOffsetDelete` did not refuse. Returns the error code. */
  deleteOffsets(groupId: string, partitions: readonly { topic: string; partition: number }[]): number {
    const entry = this.#groups.get(groupId);
    if (!entry) return ErrorCodes.GROUP_ID_NOT_FOUND;
    const known = partitions.filter(({ topic, partition }) => entry.offsets.get(topic, partition));
    const failed = this.#write(
      groupId,
      known.map((each) => tombstone(groupId, each)),
    );
    if (failed !== undefined) return failed;
    for (const { topic, partition } of known) entry.offsets.delete(topic, partition);
    return ErrorCodes.NONE;
  }

  /**
   * Deletes the committed offsets of a deleted topic. Resolves with whether that is on disk: as long as it is not, a new
   * topic of the name would get them at the next start. Called at the deletion, and before a topic of the name is made.
   */
  async forgetTopic(topic: string): Promise<boolean> {
    await Promise.all(this.#settling);
    const settled: Promise<void>[] = [];
    for (const groupId of new Set([...this.#groups.keys(), ...this.#owed.keys()])) {
      const { offsets } = this.#groups.get(groupId) ?? {};
      const gone = [...(offsets?.entries(topic) ?? [])];
      const owed = this.#owed.get(groupId) ?? [];
      if (gone.length === 0 && !owed.some((each) => each.topic === topic)) continue;
      for (const { partition } of gone) offsets?.delete(topic, partition);
      settled.push(this.#settleOwed(groupId, [...owed, ...gone]));
    }
    await Promise.all(settled);
    return ![...this.#owed.values()].some((owed) => owed.some((each) => each.topic === topic));
  }

  /** Writes tombstones; those that turn out not to be on disk are owed on. */
  async #settleOwed(groupId: string, owed: readonly { topic: string; partition: number }[]): Promise<void> {
    this.#writeOwed(groupId, owed);
    const code = await this.settled(groupId);
    if (code !== undefined && code !== ErrorCodes.NONE) this.#owed.set(groupId, owed);
  }

  #writeOwed(groupId: string, partitions: readonly { topic: string; partition: number }[]): void {
    const { offsets } = this.#groups.get(groupId) ?? {};
    const gone = partitions.filter(({ topic, partition }) => !offsets?.get(topic, partition));
    const failed = this.#write(
      groupId,
      gone.map((each) => tombstone(groupId, each)),
    );
    if (failed === undefined) this.#owed.delete(groupId);
    else this.#owed.set(groupId, gone);
  }

  /**
   * Drops expired offsets, and groups that have neither members nor offsets left. Called by the broker's maintenance.
   */
  expire(): void {
    for (const [groupId, partitions] of this.#owed) this.#writeOwed(groupId, partitions);
    for (const [group, entry] of this.#groups) {
      try {
        this.#expireOffsetsOf(entry);
      } catch (cause) {
        this.logger.error("Expiring the offsets of a group failed and will be tried again", { group }, cause);
      }
    }
  }

  /** Refuses parked requests, so that clients look for the coordinator again, and stops the timers. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#groups.values()) timer?.cancel();
    const joins = [...this.#parkedJoins.values()];
    const syncs = [...this.#parkedSyncs.values()];
    this.#parkedJoins.clear();
    this.#parkedSyncs.clear();
    for (const parked of joins) parked.resolve(joinError("", ErrorCodes.COORDINATOR_NOT_AVAILABLE));
    for (const parked of syncs) parked.resolve(syncError(ErrorCodes.COORDINATOR_NOT_AVAILABLE));
  }

  #joinRefusal(groupId: string, command: Omit<JoinCommand, "token" | "freshMemberId">): number | undefined {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const { sessionTimeoutMs, memberId } = command;
    const min = this.properties.number("group.min.session.timeout.ms");
    const max = this.properties.number("group.max.session.timeout.ms");
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) return ErrorCodes.INVALID_SESSION_TIMEOUT;
    if (memberId !== "" && !this.#groups.has(groupId)) return ErrorCodes.UNKNOWN_MEMBER_ID;
    return undefined;
  }

  #unusable(groupId: string): number | undefined {
    if (this.#closed) return ErrorCodes.COORDINATOR_NOT_AVAILABLE;
    return groupId === "" ? ErrorCodes.INVALID_GROUP_ID : this.readFault(groupId);
  }

  #create(groupId: string): Entry {
    const entry = this.#entryOf(new ClassicGroup(groupId, this.#settings()), new GroupOffsets());
    this.#groups.set(groupId, entry);
    return entry;
  }

  #entryOf(group: ClassicGroup, offsets: GroupOffsets): Entry {
    return {
      group,
      offsets,
      stateTimestamp: this.clock.nowMs(),
      timer: undefined,
      timerAtMs: Number.POSITIVE_INFINITY,
    };
  }

  #settings() {
    return {
      initialRebalanceDelayMs: this.properties.number("group.initial.rebalance.delay.ms"),
      maxSize: this.properties.number("group.max.size"),
    };
  }

  #carryOut(entry: Entry, effects: readonly GroupEffect[]): void {
    let failed: number | undefined;
    let settled: Promise<number> | undefined;
    for (const effect of effects) {
      if (effect.kind === "persist") {
        entry.stateTimestamp = this.clock.nowMs();
        failed = this.#persist(entry);
        settled = failed === undefined ? this.settled(entry.group.groupId) : undefined;
      } else if (settled) {
        void settled.then((code) => this.#answer(effect, code === ErrorCodes.NONE ? undefined : code));
      } else {
        this.#answer(effect, failed);
      }
    }
    this.#setTimer(entry);
  }

  /** @param failed the error code of the write that the answer depends on. */
  #answer(effect: Exclude<GroupEffect, { kind: "persist" }>, failed: number | undefined): void {
    if (effect.kind === "answer-join") {
      const answer = failed === undefined ? effect.answer : joinError(effect.answer.memberId, failed);
      this.#parkedJoins.get(effect.token)?.resolve(answer);
      this.#parkedJoins.delete(effect.token);
    } else {
      // Without the record a restart would not know the assignment, so the members must ask again.
      this.#parkedSyncs.get(effect.token)?.resolve(failed === undefined ? effect.answer : syncError(failed));
      this.#parkedSyncs.delete(effect.token);
    }
  }

  #persist({ group, stateTimestamp }: Entry): number | undefined {
    const { state: _, ...snapshot } = group.snapshot();
    const record = { kind: "group", group: group.groupId, value: { ...snapshot, stateTimestamp } } as const;
    return this.#write(group.groupId, [record]);
  }

  #expireOffsetsOf(entry: Entry): void {
    const { group, offsets, stateTimestamp } = entry;
    const nowMs = this.clock.nowMs();
    const retentionMs = this.properties.number("offsets.retention.minutes") * 60_000;
    const snapshot = group.snapshot();
    const { protocolType } = snapshot;
    const { isEmpty } = group;
    const context = { protocolType, isEmpty, stateTimestamp, subscribedTopics: subscribedTopics(snapshot) };
    const expired = expiredOffsets(offsets.entries(), context, nowMs, retentionMs);
    if (expired.length > 0) this.deleteOffsets(group.groupId, expired);
    if (isEmpty && offsets.isEmpty) this.#drop(entry);
  }

  #drop(entry: Entry): number | undefined {
    const { groupId } = entry.group;
    const records: GroupRecord[] = [...entry.offsets.entries()].map((each) => tombstone(groupId, each));
    records.push({ kind: "group", group: groupId, value: null });
    const failed = this.#write(groupId, records);
    if (failed !== undefined) return failed;
    entry.timer?.cancel();
    this.#groups.delete(groupId);
    return undefined;
  }

  /** Returns an error code when the log cannot be written. */
  #write(groupId: string, records: readonly GroupRecord[]): number | undefined {
    try {
      this.log.append(groupId, records, this.clock.nowMs());
      return undefined;
    } catch (cause) {
      return this.#writeFault(groupId, cause);
    }
  }

  #writeFault(groupId: string, cause: unknown): number {
    this.logger.error("Could not write to the offsets topic", { group: groupId }, cause);
    // A failed disk may recover; any other fault would recur. Rethrown, it would end the process from a timer, and
    // leave the other members of the group without answers.
    return cause instanceof KafkaError ? ErrorCodes.COORDINATOR_NOT_AVAILABLE : ErrorCodes.UNKNOWN_SERVER_ERROR;
  }

  /**
   * One timer per group. A heartbeat only moves a deadline back: the timer may then fire early, and sets itself again.
   */
  #setTimer(entry: Entry): void {
    const nextMs = entry.group.nextDeadlineMs();
    if (this.#closed || nextMs >= entry.timerAtMs) return;
    this.#schedule(entry, nextMs);
  }

  #schedule(entry: Entry, atMs: number): void {
    entry.timer?.cancel();
    entry.timerAtMs = atMs;
    entry.timer = this.clock.schedule(atMs - this.clock.monotonicMs(), () => this.#tick(entry));
  }

  /** The failure of one group must not stop the others: rethrown, it would end the process. */
  #tick(entry: Entry): void {
    const nowMs = this.clock.monotonicMs();
    entry.timer = undefined;
    entry.timerAtMs = Number.POSITIVE_INFINITY;
    try {
      this.#carryOut(entry, entry.group.tick(nowMs));
    } catch (cause) {
      const { groupId } = entry.group;
      this.logger.error("The timer of a group failed and will be tried again", { group: groupId }, cause);
      this.#schedule(entry, nowMs + TIMER_RETRY_MS);
    }
  }
}

function tombstone(group: string, { topic, partition }: { topic: string; partition: number }): GroupRecord {
  return { kind: "offset", group, topic, partition, value: null };
}

function replayInto(record: GroupRecord, groups: Map<string, StoredGroup>, offsets: Map<string, GroupOffsets>): void {
  const { group } = record;
  if (record.kind === "group") {
    if (record.value) groups.set(group, record.value);
    else groups.delete(group);
    return;
  }
  let ofGroup = offsets.get(group);
  if (!ofGroup) {
    ofGroup = new GroupOffsets();
    offsets.set(group, ofGroup);
  }
  if (record.value) ofGroup.set(record.topic, record.partition, record.value);
  else ofGroup.delete(record.topic, record.partition);
  if (ofGroup.isEmpty) offsets.delete(group);
}
