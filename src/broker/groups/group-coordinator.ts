import type { Clock, Timer } from "../../base/clock.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import type { BrokerProperties } from "../broker-properties.js";
import { ClassicGroup, type GroupEffect, type GroupSnapshot } from "./classic-group.js";
import { CommittedOffsets } from "./committed-offsets.js";
import { joinError, syncError } from "./group-answers.js";
import { type GroupLog, OFFSETS_TOPIC } from "./group-log.js";
import type { JoinAnswer, JoinCommand, MemberIdentity, SyncAnswer, SyncCommand, Token } from "./group-member.js";
import { expiredOffsets, type PartitionOffset } from "./group-offsets.js";
import type { GroupRecord, StoredGroup } from "./group-records.js";
import { subscribedTopics } from "./subscribed-topics.js";

/** Delay before a failed timer of a group runs again. */
const TIMER_RETRY_MS = 1000;

/** A group with its one timer. */
interface Entry {
  readonly group: ClassicGroup;
  stateTimestamp: number;
  timer: Timer | undefined;
  timerAtMs: number;
}

/** An OffsetCommit, without the partitions that were already refused. */
export interface CommitCommand extends MemberIdentity {
  readonly groupId: string;
  readonly generationId: number;
  readonly offsets: readonly PartitionOffset[];
  /** The transaction that commits them (TxnOffsetCommit); undefined: they are committed at once. */
  readonly producer?: ProducerStamp;
}

/** A group, for ListGroups. */
export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly state: string;
}

/**
 * All groups of the broker, and the only writer of their records. Groups are pure state machines; the coordinator
 * carries out their effects, parks requests and sets timers. Everything that must survive the process is in the log
 * before any request is answered. (I10)
 */
export class GroupCoordinator {
  /** The offsets of all groups. A group that has any exists. */
  readonly offsets: CommittedOffsets;
  readonly #groups = new Map<string, Entry>();
  readonly #parkedJoins = new Map<Token, Deferred<JoinAnswer>>();
  readonly #parkedSyncs = new Map<Token, Deferred<SyncAnswer>>();
  /** Resolves once the deletions are settled that the start made for topics that it no longer found. */
  #settling: Promise<void> = Promise.resolve();
  #nextToken: Token = 1;
  #closed = false;

  constructor(
    private readonly log: GroupLog,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
  ) {
    this.offsets = new CommittedOffsets(log, () => clock.nowMs());
  }

  /**
   * Rebuilds groups and offsets from the log. Called once, before the first request.
   *
   * @param hasTopic whether a topic exists: offsets of deleted topics, whose deletion may not be in the log, are not
   * loaded but deleted there, or a new topic of that name would take them for its own.
   */
  load(hasTopic: (topic: string) => boolean): void {
    const stored = new Map<string, StoredGroup>();
    this.log.replay({
      record: (record, place) => {
        if (record.kind === "offset") this.offsets.replay(record, place);
        else if (record.value) stored.set(record.group, record.value);
        else stored.delete(record.group);
      },
      marker: (partition, producerId, isCommit) => this.offsets.endTransaction(partition, producerId, isCommit),
    });
    this.#settling = this.offsets.forgetTopics(
      (topic) => !hasTopic(topic),
      (groupId) => this.log.serves(groupId),
    );
    for (const groupId of new Set([...stored.keys(), ...this.offsets.groups()])) {
      const value = stored.get(groupId);
      const group = value
        ? ClassicGroup.restore(groupId, this.#settings(), value, this.clock.monotonicMs())
        : new ClassicGroup(groupId, this.#settings());
      const entry = this.#entryOf(group);
      entry.stateTimestamp = value?.stateTimestamp ?? this.clock.nowMs();
      this.#groups.set(groupId, entry);
      this.#setTimer(entry);
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
    const isNew = entry.group.snapshot().generationId === 0;
    if (isEmpty && this.offsets.isEmpty(groupId) && isNew) this.#groups.delete(groupId);
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
    return this.log.settledCode(groupId);
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
    const { groupId, generationId, offsets, producer } = command;
    if (this.#closed) return ErrorCodes.COORDINATOR_NOT_AVAILABLE;
    const fault = this.readFault(groupId);
    if (fault !== undefined) return fault;
    const entry = this.#groups.get(groupId);
    if (!entry && generationId >= 0) return unknownGroup;
    const isTransactional = producer !== undefined;
    const nowMs = this.clock.monotonicMs();
    const refused = entry?.group.judgeCommit(command, generationId, isTransactional, nowMs) ?? ErrorCodes.NONE;
    if (refused !== ErrorCodes.NONE) return refused;
    const errorCode = this.offsets.commit(groupId, offsets, producer);
    if (errorCode === ErrorCodes.NONE && offsets.length > 0 && !entry) this.#create(groupId);
    return errorCode;
  }

  /** The partition of the offsets topic that holds a group, for a transaction that commits its offsets. */
  partitionsOf(groupId: string): ReadonlyMap<string, ReadonlySet<number>> {
    return new Map([[OFFSETS_TOPIC, new Set([this.log.partitionOf(groupId)])]]);
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
    return this.#groups.has(groupId) ? this.offsets.delete(groupId, partitions) : ErrorCodes.GROUP_ID_NOT_FOUND;
  }

  /**
   * Deletes the offsets of a deleted topic, those of open transactions included. Resolves with whether that is on disk:
   * as long as it is not, a new topic of the name would get them at the next start. Called at the deletion, and before a
   * topic of the name is made.
   */
  async forgetTopic(topic: string): Promise<boolean> {
    await this.#settling;
    await this.offsets.forgetTopics((each) => each === topic);
    return !this.offsets.owes(topic);
  }

  /**
   * Drops expired offsets, and groups that have neither members nor offsets left. Called by the broker's maintenance.
   */
  expire(): void {
    this.offsets.writeOwed();
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
    const entry = this.#entryOf(new ClassicGroup(groupId, this.#settings()));
    this.#groups.set(groupId, entry);
    return entry;
  }

  #entryOf(group: ClassicGroup): Entry {
    const stateTimestamp = this.clock.nowMs();
    return { group, stateTimestamp, timer: undefined, timerAtMs: Number.POSITIVE_INFINITY };
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
    const { group, stateTimestamp } = entry;
    const { groupId, isEmpty } = group;
    const nowMs = this.clock.nowMs();
    const retentionMs = this.properties.number("offsets.retention.minutes") * 60_000;
    const snapshot = group.snapshot();
    const { protocolType } = snapshot;
    const context = { protocolType, isEmpty, stateTimestamp, subscribedTopics: subscribedTopics(snapshot) };
    const expired = expiredOffsets(this.offsets.all(groupId), context, nowMs, retentionMs).filter(
      ({ topic, partition }) => !this.offsets.isPending(groupId, topic, partition),
    );
    if (expired.length > 0) this.deleteOffsets(groupId, expired);
    if (isEmpty && this.offsets.isEmpty(groupId)) this.#drop(entry);
  }

  #drop(entry: Entry): number | undefined {
    const { groupId } = entry.group;
    const records = [...this.offsets.tombstones(groupId), { kind: "group", group: groupId, value: null } as const];
    const failed = this.#write(groupId, records);
    if (failed !== undefined) return failed;
    entry.timer?.cancel();
    this.offsets.drop(groupId);
    this.#groups.delete(groupId);
    return undefined;
  }

  /** Returns an error code when the log cannot be written. */
  #write(groupId: string, records: readonly GroupRecord[]): number | undefined {
    const written = this.log.write(groupId, records, this.clock.nowMs());
    return "errorCode" in written ? written.errorCode : undefined;
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
