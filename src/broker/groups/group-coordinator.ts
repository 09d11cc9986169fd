import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { ClassicGroup, GroupSnapshot } from "./classic/classic-group.js";
import { joinError, syncError } from "./classic/group-answers.js";
import type { JoinAnswer, MemberIdentity, SyncAnswer, SyncCommand } from "./classic/group-member.js";
import { subscribedTopics } from "./classic/subscribed-topics.js";
import { ClassicGroups, type Join } from "./classic-groups.js";
import type { CommitCommand } from "./commit-command.js";
import { CommittedOffsets } from "./committed-offsets.js";
import type { TopicsView } from "./consumer/assignment/topics-view.js";
import type { ConsumerGroup, ConsumerGroupSettings } from "./consumer/consumer-group.js";
import {
  type HeartbeatAnswer,
  type HeartbeatCommand,
  heartbeatError,
  heartbeatRefusal,
} from "./consumer/consumer-heartbeat.js";
import { JOIN_EPOCH } from "./consumer/consumer-member.js";
import { CONSUMER_TYPE } from "./consumer/judge-classic-request.js";
import { upgradedGroup } from "./consumer/upgraded-group.js";
import { ConsumerGroups, type Predecessor } from "./consumer-groups.js";
import { type GroupOverrides, groupConfigNumber } from "./group-config.js";
import { type GroupLog, OFFSETS_TOPIC } from "./group-log.js";
import { consumerOffsetsContext, expiredOffsets, type OffsetsContext } from "./group-offsets.js";
import type { StoredGroup } from "./group-records.js";
import { judgeConsumerCommit, judgeConsumerFetch } from "./judge-consumer-offsets.js";
import { judgeOffsetDelete, type OffsetDeleteVerdict, refusedDelete } from "./judge-offset-delete.js";

/** A group, for ListGroups. */
export interface ListedGroup {
  readonly groupId: string;
  readonly type: "classic" | "consumer";
  readonly protocolType: string;
  readonly state: string;
}

/**
 * All groups of the broker: through `ClassicGroups` those of the classic protocol, through `ConsumerGroups` those of the
 * consumer protocol. A group is one of these at a time. An empty one changes with the first member that joins by the other
 * protocol; one that has members becomes one of the consumer protocol with the first member that uses it, and a classic one
 * again without the last (`group.consumer.migration.policy`). Everything that must survive the process is in the log before
 * any request is answered. (I10)
 */
export class GroupCoordinator {
  /** The offsets of all groups. A group that has any exists. */
  readonly offsets: CommittedOffsets;
  readonly #consumers: ConsumerGroups;
  readonly #classics: ClassicGroups;
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
    this.#classics = new ClassicGroups(log, () => this.#settings(), clock, random, logger);
    const settings = (groupId: string) => this.#consumerSettings(groupId);
    this.#consumers = new ConsumerGroups(log, topics, settings, clock, logger, (groupId, stored, isOutdated) =>
      this.#classics.restore(groupId, stored, isOutdated),
    );
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
      if (value) this.#classics.restore(groupId, value);
      else this.#classics.create(groupId);
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
    const named = command.memberId === "" ? { ...command, memberId: this.random.uuid() } : command;
    const classic = this.#classics.get(groupId);
    if (!classic) return this.#consumers.heartbeat(groupId, named, undefined);
    const joins = command.memberEpoch === JOIN_EPOCH;
    const predecessor = joins ? this.#predecessor(classic) : `Group ${groupId} is not a consumer group.`;
    if (typeof predecessor === "string") return heartbeatError(ErrorCodes.GROUP_ID_NOT_FOUND, predecessor);
    const answer = this.#consumers.heartbeat(groupId, named, predecessor);
    if (answer.errorCode === ErrorCodes.NONE) this.#classics.release(groupId);
    return answer;
  }

  /** A group of the consumer protocol; undefined: there is none of that name. */
  consumerGroup(groupId: string): ConsumerGroup | undefined {
    return this.#consumers.get(groupId);
  }

  /**
   * Resolves when the join phase has ended, or with a refusal; in a group of the consumer protocol once its changes are as
   * durable as the broker promises.
   */
  async join(groupId: string, command: Join): Promise<JoinAnswer> {
    const refusal = this.#joinRefusal(groupId, command);
    if (refusal !== undefined) return joinError(command.memberId, refusal);
    const consumers = this.#consumers.get(groupId);
    if (consumers && !consumers.isEmpty) {
      if (!this.#migrates("at all")) return joinError(command.memberId, ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
      const answer = this.#consumers.join(consumers, { ...command, freshMemberId: this.random.uuid() });
      const code = answer.errorCode === ErrorCodes.NONE ? await this.settled(groupId) : undefined;
      return code === undefined || code === ErrorCodes.NONE ? answer : joinError(command.memberId, code);
    }
    const failed = this.#makeClassic(groupId);
    if (failed !== undefined) return joinError(command.memberId, failed);
    return this.#classics.join(groupId, command, !this.offsets.isEmpty(groupId));
  }

  /** Resolves when the leader has sent the assignments, or with a refusal. */
  async sync(groupId: string, command: Omit<SyncCommand, "token">): Promise<SyncAnswer> {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return syncError(refused);
    const consumers = this.#consumers.get(groupId);
    if (consumers) return this.#consumers.sync(consumers, command);
    const classic = this.#classics.get(groupId);
    return classic ? this.#classics.sync(classic, command) : syncError(ErrorCodes.UNKNOWN_MEMBER_ID);
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
    const consumers = this.#consumers.get(groupId);
    if (consumers) return this.#consumers.classicHeartbeat(consumers, identity, generationId);
    const classic = this.#classics.get(groupId);
    return classic ? this.#classics.heartbeat(classic, identity, generationId) : ErrorCodes.UNKNOWN_MEMBER_ID;
  }

  /** Returns an error code per member, or one for all. */
  leave(groupId: string, identities: readonly MemberIdentity[]): number[] | number {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const consumers = this.#consumers.get(groupId);
    if (consumers) return this.#consumers.leave(consumers, identities);
    const classic = this.#classics.get(groupId);
    return classic ? this.#classics.leave(classic, identities) : identities.map(() => ErrorCodes.UNKNOWN_MEMBER_ID);
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
    const classic = this.#classics.get(groupId);
    const consumers = this.#consumers.get(groupId);
    if (!classic && !consumers && generationId >= 0) return unknownGroup;
    const refused = consumers
      ? judgeConsumerCommit(command, consumers, (topic) => this.topics.get(topic)?.id)
      : classic?.judgeCommit(command, generationId, producer !== undefined, this.clock.monotonicMs());
    if (refused !== undefined && refused !== ErrorCodes.NONE) return refused;
    const errorCode = this.offsets.commit(groupId, offsets, producer);
    if (errorCode === ErrorCodes.NONE && offsets.length > 0 && !classic && !consumers) this.#classics.create(groupId);
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
    return this.#classics.get(groupId)?.snapshot();
  }

  list(): ListedGroup[] {
    const classic = this.#classics.all().map((group): ListedGroup => {
      const { protocolType, state } = group.snapshot();
      return { groupId: group.groupId, type: "classic", protocolType, state };
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
    const group = this.#consumers.get(groupId) ?? this.#classics.get(groupId);
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
    const classic = this.#classics.get(groupId);
    return judgeOffsetDelete(this.#consumers.get(groupId)?.state ?? classic?.snapshot());
  }

  /** Deletes offsets that `judgeOffsetDelete` did not refuse. Returns the error code. */
  deleteOffsets(groupId: string, partitions: readonly { topic: string; partition: number }[]): number {
    const exists = (this.#classics.get(groupId) ?? this.#consumers.get(groupId)) !== undefined;
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
    for (const { groupId: group } of [...this.#classics.all(), ...this.#consumers.all()]) {
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
    this.#consumers.close();
    this.#classics.close();
  }

  #joinRefusal(groupId: string, command: Join): number | undefined {
    const refused = this.#unusable(groupId);
    if (refused !== undefined) return refused;
    const { sessionTimeoutMs, memberId } = command;
    const min = this.properties.number("group.min.session.timeout.ms");
    const max = this.properties.number("group.max.session.timeout.ms");
    if (sessionTimeoutMs < min || sessionTimeoutMs > max) return ErrorCodes.INVALID_SESSION_TIMEOUT;
    const hasMembers = this.#classics.get(groupId) ?? !(this.#consumers.get(groupId)?.isEmpty ?? true);
    return memberId !== "" && !hasMembers ? ErrorCodes.UNKNOWN_MEMBER_ID : undefined;
  }

  /** What a group of the consumer protocol begins with in the place of a classic one, or why there can be none. */
  #predecessor(classic: ClassicGroup): Predecessor | string {
    if (classic.state === "Empty") return { members: [] };
    const { groupId } = classic;
    const cannot = `Cannot upgrade classic group ${groupId} to consumer group because`;
    const snapshot = classic.snapshot();
    if (!this.#migrates("upgrade")) return `${cannot} online upgrade is disabled.`;
    if (snapshot.protocolType !== CONSUMER_TYPE) {
      return `${cannot} the group does not use the consumer embedded protocol.`;
    }
    if (snapshot.members.length > this.properties.number("group.consumer.max.size")) {
      return `${cannot} the group size exceeds the consumer group maximum size.`;
    }
    const upgraded = upgradedGroup(groupId, snapshot, this.topics);
    return "refusal" in upgraded ? `${cannot} ${upgraded.refusal}` : { members: upgraded.records };
  }

  #migrates(direction: "upgrade" | "downgrade" | "at all"): boolean {
    const policy = this.properties.text("group.consumer.migration.policy")!.toLowerCase();
    return policy === "bidirectional" || policy === direction || (direction === "at all" && policy !== "disabled");
  }

  /** Deletes an empty group of the consumer protocol: a member joins by the classic one. Returns an error code, or undefined. */
  #makeClassic(groupId: string): number | undefined {
    if (!this.#consumers.get(groupId)) return undefined;
    const errorCode = this.#consumers.delete(groupId, []);
    if (errorCode !== ErrorCodes.NONE) return errorCode;
    if (!this.offsets.isEmpty(groupId)) this.#classics.create(groupId);
    return undefined;
  }

  #unusable(groupId: string): number | undefined {
    if (this.#closed) return ErrorCodes.COORDINATOR_NOT_AVAILABLE;
    return groupId === "" ? ErrorCodes.INVALID_GROUP_ID : this.readFault(groupId);
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
      downgradeMaxSize: this.#migrates("downgrade") ? this.properties.number("group.max.size") : 0,
    };
  }

  #expireOffsetsOf(groupId: string): void {
    const nowMs = this.clock.nowMs();
    const retentionMs = this.properties.number("offsets.retention.minutes") * 60_000;
    const expired = expiredOffsets(this.offsets.all(groupId), this.#offsetsContext(groupId), nowMs, retentionMs).filter(
      ({ topic, partition }) => !this.offsets.isPending(groupId, topic, partition),
    );
    if (expired.length > 0) this.deleteOffsets(groupId, expired);
    const group = this.#consumers.get(groupId) ?? this.#classics.get(groupId)!;
    if (group.isEmpty && this.offsets.isEmpty(groupId)) this.#drop(groupId);
  }

  #offsetsContext(groupId: string): OffsetsContext {
    const consumers = this.#consumers.get(groupId);
    if (consumers) return consumerOffsetsContext(consumers.state.subscribedNames());
    const group = this.#classics.get(groupId)!;
    const snapshot = group.snapshot();
    const stateTimestamp = this.#classics.stateTimestamp(groupId)!;
    const { protocolType } = snapshot;
    return { protocolType, isEmpty: group.isEmpty, stateTimestamp, subscribedTopics: subscribedTopics(snapshot) };
  }

  /** Deletes a group with its offsets. Returns the error code. */
  #drop(groupId: string): number {
    const offsets = this.offsets.tombstones(groupId);
    const errorCode = this.#consumers.get(groupId)
      ? this.#consumers.delete(groupId, offsets)
      : this.#classics.delete(groupId, offsets);
    if (errorCode === ErrorCodes.NONE) this.offsets.drop(groupId);
    return errorCode;
  }
}
