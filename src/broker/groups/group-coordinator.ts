import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import type { BrokerProperties } from "../broker-properties.js";
import { ClassicGroup, type GroupEffect, type GroupSnapshot } from "./classic/classic-group.js";
import { joinError, syncError } from "./classic/group-answers.js";
import type { JoinAnswer, JoinCommand, MemberIdentity, SyncAnswer, SyncCommand } from "./classic/group-member.js";
import { ParkedRequests } from "./classic/parked-requests.js";
import { subscribedTopics } from "./classic/subscribed-topics.js";
import type { CommitCommand } from "./commit-command.js";
import { CommittedOffsets } from "./committed-offsets.js";
import type { ConsumerGroup, ConsumerGroupSettings } from "./consumer/consumer-group.js";
import {
  type HeartbeatAnswer,
  type HeartbeatCommand,
  heartbeatError,
  heartbeatRefusal,
} from "./consumer/consumer-heartbeat.js";
import { JOIN_EPOCH } from "./consumer/consumer-member.js";
import type { TopicsView } from "./consumer/topics-view.js";
import { ConsumerGroups } from "./consumer-groups.js";
import { type GroupOverrides, groupConfigNumber } from "./group-config.js";
import { type GroupLog, OFFSETS_TOPIC } from "./group-log.js";
import { consumerOffsetsContext, expiredOffsets, type OffsetsContext } from "./group-offsets.js";
import type { GroupRecord, StoredGroup } from "./group-records.js";
import { GroupTimer } from "./group-timer.js";
import { judgeConsumerCommit, judgeConsumerFetch } from "./judge-consumer-offsets.js";
import { judgeOffsetDelete, type OffsetDeleteVerdict, refusedDelete } from "./judge-offset-delete.js";

/** The protocol type of the groups whose members are consumers. */
const CONSUMER_TYPE = "consumer";

/** A classic group with its one timer. */
interface Entry {
  readonly group: ClassicGroup;
  stateTimestamp: number;
  readonly timer: GroupTimer;
}

/** A group, for ListGroups. */
export interface ListedGroup {
  readonly groupId: string;
  readonly type: "classic" | "consumer";
  readonly protocolType: string;
  readonly state: string;
}

/**
 * All groups of the broker: those of the classic protocol, and through `ConsumerGroups` those of the consumer protocol.
 * An empty group changes its protocol with the first member that joins by the other. Groups are pure state machines; the
 * coordinator carries out their effects, parks requests and sets timers, and writes their records. Everything that must
 * survive the process is in the log before any request is answered. (I10)
 */
export class GroupCoordinator {
  /** The offsets of all groups. A group that has any exists. */
  readonly offsets: CommittedOffsets;
  readonly #consumers: ConsumerGroups;
  readonly #groups = new Map<string, Entry>();
  readonly #parked = new ParkedRequests();
  /** Resolves once the deletions are settled that the start made for topics that it no longer found. */
  #settling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(
    private readonly log: GroupLog,
    private readonly properties: BrokerProperties,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
    private readonly topics: TopicsView,
    private readonly configsOf: (groupId: string) => GroupOverrides = () => ({}),
  ) {
    this.offsets = new CommittedOffsets(log, () => clock.nowMs());
    this.#consumers = new ConsumerGroups(log, topics, (groupId) => this.#consumerSettings(groupId), clock, logger);
  }

  /**
   * Rebuilds groups and offsets from the log. Called once, before the first request.
   * Offsets of deleted topics, whose deletion may not be in the log, are not loaded but deleted there, or a new topic of
   * that name would take them for its own.
   */
  load(): void {
    const stored = new Map<string, StoredGroup>();
    this.log.replay({
      record: (record, place) => {
        if (record.kind === "offset") this.offsets.replay(record, place);
        else if (record.kind !== "group") this.#consumers.replay(record);
        else if (record.value) stored.set(record.group, record.value);
        else stored.delete(record.group);
      },
      marker: (partition, producerId, isCommit) => this.offsets.endTransaction(partition, producerId, isCommit),
    });
    this.#settling = this.offsets.forgetTopics(
      (topic) => !this.topics.get(topic),
      (groupId) => this.log.serves(groupId),
    );
    this.#consumers.begin();
    for (const groupId of new Set([...stored.keys(), ...this.offsets.groups()])) {
      if (this.#consumers.get(groupId)) continue;
      const value = stored.get(groupId);
      const group = value
        ? ClassicGroup.restore(groupId, this.#settings(), value, this.clock.monotonicMs())
        : new ClassicGroup(groupId, this.#settings());
      const entry = this.#entryOf(group);
      entry.stateTimestamp = value?.stateTimestamp ?? this.clock.nowMs();
      this.#groups.set(groupId, entry);
      entry.timer.set();
    }
  }

  /**
   * A heartbeat of the consumer protocol; its changes are in the log when this returns.
   *
   * @param mustNameMember v1+: a member makes its own id. Before, it is given one.
   */
  consumerHeartbeat(groupId: string, command: HeartbeatCommand, mustNameMember: boolean): HeartbeatAnswer {
    if (this.#closed) return heartbeatError(ErrorCodes.COORDINATOR_NOT_AVAILABLE, null);
    const refusal = heartbeatRefusal(groupId, command, mustNameMember);
    if (refusal) return refusal;
    const unreadable = this.readFault(groupId);
    if (unreadable !== undefined) return heartbeatError(unreadable, null);
    const classic = this.#groups.get(groupId);
    if (classic && (command.memberEpoch !== JOIN_EPOCH || !classic.group.isEmpty)) {
      const joins = command.memberEpoch === JOIN_EPOCH;
      const message = joins
        ? `Cannot upgrade classic group ${groupId} to consumer group because online upgrade is disabled.`
        : `Group ${groupId} is not a consumer group.`;
      return heartbeatError(ErrorCodes.GROUP_ID_NOT_FOUND, message);
    }
    const before = classic ? [{ kind: "group", group: groupId, value: null } as const] : [];
    const named = command.memberId === "" ? { ...command, memberId: this.random.uuid() } : command;
    const answer = this.#consumers.heartbeat(groupId, named, before);
    if (classic && answer.errorCode === ErrorCodes.NONE) this.#remove(classic);
    return answer;
  }

  /** A group of the consumer protocol; undefined: there is none of that name. */
  consumerGroup(groupId: string): ConsumerGroup | undefined {
    return this.#consumers.get(groupId);
  }

  /** Resolves when the join phase has ended, or with a refusal. */
  join(groupId: string, command: Omit<JoinCommand, "token" | "freshMemberId">): Promise<JoinAnswer> {
    const refusal = this.#joinRefusal(groupId, command) ?? this.#makeClassic(groupId);
    if (refusal !== undefined) return Promise.resolve(joinError(command.memberId, refusal));
    const entry = this.#groups.get(groupId) ?? this.#create(groupId);
    const { token, answer } = this.#parked.join();
    const freshMemberId = `${command.instanceId ?? command.clientId}-${this.random.uuid()}`;
    this.#carryOut(entry, entry.group.join({ ...command, token, freshMemberId }, this.clock.monotonicMs()));
    const { isEmpty } = entry.group;
    // A refused join must not leave a group behind.
    const isNew = entry.group.snapshot().generationId === 0;
    if (isEmpty && this.offsets.isEmpty(groupId) && isNew) this.#remove(entry);
    return answer;
  }

  /** Resolves when the leader has sent the assignments, or with a refusal. */
  sync(groupId: string, command: Omit<SyncCommand, "token">): Promise<SyncAnswer> {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return Promise.resolve(syncError(refused));
    const entry = this.#groups.get(groupId);
    if (!entry) return Promise.resolve(syncError(ErrorCodes.UNKNOWN_MEMBER_ID));
    const { token, answer } = this.#parked.sync();
    this.#carryOut(entry, entry.group.sync({ ...command, token }, this.clock.monotonicMs()));
    return answer;
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
    if (!entry) return identities.map((identity) => this.#leaveConsumer(groupId, identity));
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
    const consumers = this.#consumers.get(groupId);
    if (!entry && !consumers && generationId >= 0) return unknownGroup;
    const refused = consumers
      ? judgeConsumerCommit(command, consumers, (topic) => this.topics.get(topic)?.id)
      : entry?.group.judgeCommit(command, generationId, producer !== undefined, this.clock.monotonicMs());
    if (refused !== undefined && refused !== ErrorCodes.NONE) return refused;
    const errorCode = this.offsets.commit(groupId, offsets, producer);
    if (errorCode === ErrorCodes.NONE && offsets.length > 0 && !entry && !consumers) this.#create(groupId);
    return errorCode;
  }

  /** Judges an OffsetFetch of a member. Returns the error code for the group; undefined: none. */
  fetchFault(groupId: string, memberId: string | null, memberEpoch: number): number | undefined {
    const consumers = this.#consumers.get(groupId);
    return this.readFault(groupId) ?? (consumers && judgeConsumerFetch(memberId, memberEpoch, consumers));
  }

  /** The partition of the offsets topic that holds a group, for a transaction that commits its offsets. */
  partitionsOf(groupId: string): ReadonlyMap<string, ReadonlySet<number>> {
    return new Map([[OFFSETS_TOPIC, new Set([this.log.partitionOf(groupId)])]]);
  }

  /** A classic group's state; undefined when there is no such group. */
  describe(groupId: string): GroupSnapshot | undefined {
    return this.#groups.get(groupId)?.group.snapshot();
  }

  list(): ListedGroup[] {
    const classic = [...this.#groups].map(([groupId, { group }]): ListedGroup => {
      const { protocolType, state } = group.snapshot();
      return { groupId, type: "classic", protocolType, state };
    });
    const consumers = this.#consumers.all().map(({ groupId, phase }): ListedGroup => {
      return { groupId, type: "consumer", protocolType: CONSUMER_TYPE, state: phase };
    });
    return [...classic, ...consumers];
  }

  /** Deletes a group without members, with its offsets. Returns the error code. */
  deleteGroup(groupId: string): number {
    const refused = this.#closed ? ErrorCodes.COORDINATOR_NOT_AVAILABLE : this.readFault(groupId);
    if (refused !== undefined) return refused;
    const group = this.#consumers.get(groupId) ?? this.#groups.get(groupId)?.group;
    if (!group) return ErrorCodes.GROUP_ID_NOT_FOUND;
    if (!group.isEmpty) return ErrorCodes.NON_EMPTY_GROUP;
    return this.#drop(groupId);
  }

  /**
   * Judges an OffsetDelete.
   *
   * @returns an error code for the whole request, and the error code for the offsets of a topic.
   */
  judgeOffsetDelete(groupId: string): OffsetDeleteVerdict {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refusedDelete(refused);
    const classic = this.#groups.get(groupId)?.group;
    return judgeOffsetDelete(this.#consumers.get(groupId)?.state ?? classic?.snapshot());
  }

  /** Deletes offsets that `judgeOffsetDelete` did not refuse. Returns the error code. */
  deleteOffsets(groupId: string, partitions: readonly { topic: string; partition: number }[]): number {
    const exists = this.#groups.has(groupId) || this.#consumers.get(groupId) !== undefined;
    return exists ? this.offsets.delete(groupId, partitions) : ErrorCodes.GROUP_ID_NOT_FOUND;
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
    for (const group of [...this.#groups.keys(), ...this.#consumers.all().map(({ groupId }) => groupId)]) {
      try {
        this.#expireOffsetsOf(group);
      } catch (cause) {
        this.logger.error("Expiring the offsets of a group failed and will be tried again", { group }, cause);
      }
    }
  }

  /** Refuses parked requests, so that clients look for the coordinator again, and stops the timers. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#groups.values()) timer.stop();
    this.#consumers.close();
    this.#parked.refuseAll(ErrorCodes.COORDINATOR_NOT_AVAILABLE);
  }

  #joinRefusal(groupId: string, command: Omit<JoinCommand, "token" | "freshMemberId">): number | undefined {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const { sessionTimeoutMs, memberId } = command;
    const min = this.properties.number("group.min.session.timeout.ms");
    const max = this.properties.number("group.max.session.timeout.ms");
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) return ErrorCodes.INVALID_SESSION_TIMEOUT;
    const consumers = this.#consumers.get(groupId);
    if (consumers && !consumers.isEmpty) return ErrorCodes.INCONSISTENT_GROUP_PROTOCOL;
    if (memberId !== "" && !this.#groups.has(groupId)) return ErrorCodes.UNKNOWN_MEMBER_ID;
    return undefined;
  }

  /** Deletes an empty group of the consumer protocol: a member joins by the classic one. Returns an error code, or undefined. */
  #makeClassic(groupId: string): number | undefined {
    if (!this.#consumers.get(groupId)) return undefined;
    const errorCode = this.#consumers.delete(groupId, []);
    if (errorCode !== ErrorCodes.NONE) return errorCode;
    if (!this.offsets.isEmpty(groupId)) this.#create(groupId);
    return undefined;
  }

  /** Members leave by a heartbeat; this is an administrator's request. */
  #leaveConsumer(groupId: string, identity: MemberIdentity): number {
    const group = this.#consumers.get(groupId);
    return group ? this.#consumers.removeMember(group, identity) : ErrorCodes.UNKNOWN_MEMBER_ID;
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
    const { groupId } = group;
    const timer = new GroupTimer(
      this.clock,
      group,
      (nowMs) => this.#carryOut(entry, group.tick(nowMs)),
      (cause) => this.logger.error("The timer of a group failed and will be tried again", { group: groupId }, cause),
    );
    const entry: Entry = { group, stateTimestamp, timer };
    return entry;
  }

  #remove({ group, timer }: Entry): void {
    timer.stop();
    this.#groups.delete(group.groupId);
  }

  #settings() {
    return {
      initialRebalanceDelayMs: this.properties.number("group.initial.rebalance.delay.ms"),
      maxSize: this.properties.number("group.max.size"),
    };
  }

  #consumerSettings(groupId: string): ConsumerGroupSettings {
    const overrides = this.configsOf(groupId);
    return {
      sessionTimeoutMs: groupConfigNumber("consumer.session.timeout.ms", overrides, this.properties),
      heartbeatIntervalMs: groupConfigNumber("consumer.heartbeat.interval.ms", overrides, this.properties),
      maxSize: this.properties.number("group.consumer.max.size"),
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
        void settled.then((code) => this.#parked.answer(effect, code === ErrorCodes.NONE ? undefined : code));
      } else {
        this.#parked.answer(effect, failed);
      }
    }
    entry.timer.set();
  }

  #persist({ group, stateTimestamp }: Entry): number | undefined {
    const { state: _, ...snapshot } = group.snapshot();
    const record = { kind: "group", group: group.groupId, value: { ...snapshot, stateTimestamp } } as const;
    return this.#write(group.groupId, [record]);
  }

  #expireOffsetsOf(groupId: string): void {
    const nowMs = this.clock.nowMs();
    const retentionMs = this.properties.number("offsets.retention.minutes") * 60_000;
    const expired = expiredOffsets(this.offsets.all(groupId), this.#offsetsContext(groupId), nowMs, retentionMs).filter(
      ({ topic, partition }) => !this.offsets.isPending(groupId, topic, partition),
    );
    if (expired.length > 0) this.deleteOffsets(groupId, expired);
    const group = this.#consumers.get(groupId) ?? this.#groups.get(groupId)!.group;
    if (group.isEmpty && this.offsets.isEmpty(groupId)) this.#drop(groupId);
  }

  #offsetsContext(groupId: string): OffsetsContext {
    const consumers = this.#consumers.get(groupId);
    if (consumers) return consumerOffsetsContext(consumers.state.subscribedNames());
    const { group, stateTimestamp } = this.#groups.get(groupId)!;
    const snapshot = group.snapshot();
    const { protocolType } = snapshot;
    return { protocolType, isEmpty: group.isEmpty, stateTimestamp, subscribedTopics: subscribedTopics(snapshot) };
  }

  /** Deletes a group with its offsets. Returns the error code. */
  #drop(groupId: string): number {
    const offsets = this.offsets.tombstones(groupId);
    const entry = this.#groups.get(groupId);
    const errorCode = entry
      ? (this.#write(groupId, [...offsets, { kind: "group", group: groupId, value: null }]) ?? ErrorCodes.NONE)
      : this.#consumers.delete(groupId, offsets);
    if (errorCode !== ErrorCodes.NONE) return errorCode;
    if (entry) this.#remove(entry);
    this.offsets.drop(groupId);
    return ErrorCodes.NONE;
  }

  /** Returns an error code when the log cannot be written. */
  #write(groupId: string, records: readonly GroupRecord[]): number | undefined {
    const written = this.log.write(groupId, records, this.clock.nowMs());
    return "errorCode" in written ? written.errorCode : undefined;
  }
}
