import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { joinError } from "./classic/group-answers.js";
import type { JoinAnswer, MemberIdentity, SyncAnswer, SyncCommand } from "./classic/group-member.js";
import { subscriptionHash, type TopicsView } from "./consumer/assignment/topics-view.js";
import { ConsumerGroup, type ConsumerGroupSettings } from "./consumer/consumer-group.js";
import { type HeartbeatAnswer, type HeartbeatCommand, heartbeatError } from "./consumer/consumer-heartbeat.js";
import { JOIN_EPOCH } from "./consumer/consumer-member.js";
import type { ConsumerRecord } from "./consumer/consumer-records.js";
import { downgradedGroup } from "./consumer/downgraded-group.js";
import type { ClassicJoin } from "./consumer/judge-classic-request.js";
import type { GroupLog } from "./group-log.js";
import type { GroupRecord, StoredGroup } from "./group-records.js";
import { GroupTimer } from "./group-timer.js";

interface Entry {
  readonly group: ConsumerGroup;
  readonly timer: GroupTimer;
}

/** The classic group that a group takes the place of, with the first heartbeat of a member of the consumer protocol. */
export interface Predecessor {
  /** What its members are in the new group. */
  readonly members: readonly ConsumerRecord[];
}

/**
 * The groups of the consumer protocol, and the only writer of their records. Each change is in the log before it counts:
 * one that cannot be written has not happened.
 */
export class ConsumerGroups {
  readonly #groups = new Map<string, Entry>();

  constructor(
    private readonly log: GroupLog,
    private readonly topics: TopicsView,
    private readonly settings: (groupId: string) => ConsumerGroupSettings,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /**
     * Called when a group has become a classic one, which is written.
     * @param isOutdated whether its topics have changed since.
     */
    private readonly onDowngrade: (groupId: string, stored: StoredGroup, isOutdated: () => boolean) => void,
  ) {}

  get(groupId: string): ConsumerGroup | undefined {
    return this.#groups.get(groupId)?.group;
  }

  all(): ConsumerGroup[] {
    return [...this.#groups.values()].map(({ group }) => group);
  }

  /** A record of the log, at the start. */
  replay(record: ConsumerRecord): void {
    this.#entry(record.group).group.replay(record);
  }

  /** Called once the log is replayed. */
  begin(): void {
    for (const [groupId, { group, timer }] of this.#groups) {
      if (!group.state.exists) this.#groups.delete(groupId);
      group.begin(this.clock.monotonicMs());
      timer.set();
    }
  }

  /** A heartbeat, judged by `heartbeatRefusal` before. @param predecessor undefined: there is none. */
  heartbeat(groupId: string, command: HeartbeatCommand, predecessor: Predecessor | undefined): HeartbeatAnswer {
    const { memberEpoch } = command;
    if (memberEpoch !== JOIN_EPOCH && !this.#groups.has(groupId)) {
      const kind = memberEpoch < JOIN_EPOCH ? "Group" : "Consumer group";
      return heartbeatError(ErrorCodes.GROUP_ID_NOT_FOUND, `${kind} ${groupId} not found.`);
    }
    const { group, timer } = this.#entry(groupId);
    const before = predecessor ? [{ kind: "group", group: groupId, value: null } as const] : [];
    try {
      const answer = this.#changing(group, before, () => {
        const nowMs = this.clock.monotonicMs();
        if (memberEpoch < JOIN_EPOCH) return group.leave(command);
        if (predecessor) group.found(predecessor.members, nowMs);
        const beaten = group.heartbeat(command, this.topics, nowMs);
        if (predecessor && beaten.errorCode !== ErrorCodes.NONE) group.revert();
        return beaten;
      });
      timer.set();
      if (typeof answer === "number") return heartbeatError(answer, null);
      if (predecessor && predecessor.members.length > 0 && answer.errorCode === ErrorCodes.NONE) {
        this.logger.info(
          "A member of the consumer protocol has joined a classic group, which is one of that protocol now",
          {
            group: groupId,
          },
        );
      }
      return answer;
    } finally {
      this.#forgetUnlessExists(groupId, group);
    }
  }

  /** A JoinGroup for a group that has members; its changes are in the log when this returns. */
  join(group: ConsumerGroup, command: ClassicJoin): JoinAnswer {
    const answer = this.#changing(group, [], () => group.join(command, this.topics, this.clock.monotonicMs()));
    this.#groups.get(group.groupId)?.timer.set();
    return typeof answer === "number" ? joinError(command.memberId, answer) : answer;
  }

  sync(group: ConsumerGroup, command: Omit<SyncCommand, "token">): SyncAnswer {
    const answer = group.sync(command, this.topics, this.clock.monotonicMs());
    this.#groups.get(group.groupId)?.timer.set();
    return answer;
  }

  /** A Heartbeat of the classic protocol. Returns the error code. */
  classicHeartbeat(group: ConsumerGroup, identity: MemberIdentity, generationId: number): number {
    const errorCode = group.classicHeartbeat(identity, generationId, this.clock.monotonicMs());
    this.#groups.get(group.groupId)?.timer.set();
    return errorCode;
  }

  /** A LeaveGroup. Returns an error code for each member, or one for all. */
  leave(group: ConsumerGroup, identities: readonly MemberIdentity[]): number[] | number {
    return this.#changing(group, [], () => group.removeMembers(identities));
  }

  /** Deletes a group without members. @param also records that are written with that. Returns the error code. */
  delete(groupId: string, also: readonly GroupRecord[]): number {
    const { group } = this.#groups.get(groupId)!;
    const written = this.log.write(groupId, [...also, ...group.state.tombstones()], this.clock.nowMs());
    if ("errorCode" in written) return written.errorCode;
    this.#remove(groupId);
    return ErrorCodes.NONE;
  }

  close(): void {
    for (const { timer } of this.#groups.values()) timer.stop();
  }

  /** Makes a change and writes it. Returns what `change` returns, or the error code of the write. */
  #changing<T>(group: ConsumerGroup, before: readonly GroupRecord[], change: () => T): T | number {
    try {
      const result = change();
      const failed = this.#write(group, before);
      return failed ?? result;
    } catch (cause) {
      group.revert();
      throw cause;
    }
  }

  #write(group: ConsumerGroup, before: readonly GroupRecord[]): number | undefined {
    if (group.changes.length === 0) return undefined;
    const { groupId } = group;
    const downgraded = this.#downgraded(group);
    const after: GroupRecord[] = downgraded
      ? [...group.state.tombstones(), { kind: "group", group: groupId, value: { ...downgraded, leader: null } }]
      : [];
    const written = this.log.write(groupId, [...before, ...group.changes, ...after], this.clock.nowMs());
    if ("errorCode" in written) {
      group.revert();
      return written.errorCode;
    }
    group.accept();
    if (downgraded) {
      this.#remove(groupId);
      this.logger.info("The last member of the consumer protocol is gone, and its group is a classic one again", {
        group: groupId,
      });
      this.onDowngrade(groupId, downgraded, this.#watch(group.state.subscribedNames()));
    }
    return undefined;
  }

  #downgraded({ state, downgrade }: ConsumerGroup): StoredGroup | undefined {
    if (!downgrade) return undefined;
    return { ...downgradedGroup(state, downgrade, this.topics), stateTimestamp: this.clock.nowMs() };
  }

  /** Whether topics of these names have changed since. */
  #watch(names: ReadonlySet<string>): () => boolean {
    let { version } = this.topics;
    const hash = subscriptionHash(names, this.topics);
    return () => {
      if (this.topics.version === version) return false;
      version = this.topics.version;
      return subscriptionHash(names, this.topics) !== hash;
    };
  }

  #remove(groupId: string): void {
    this.#groups.get(groupId)?.timer.stop();
    this.#groups.delete(groupId);
  }

  #tick(group: ConsumerGroup, nowMs: number): void {
    const removed = this.#changing(group, [], () => group.tick(nowMs));
    if (typeof removed === "number") {
      const detail = "members that no longer send heartbeats stay for now";
      throw new KafkaError("COORDINATOR_NOT_AVAILABLE", `Writing the records of group ${group.groupId}`, { detail });
    }
    if (removed.length > 0) {
      const text =
        "Removed members of a group that were silent for a session, or kept partitions that they must give up";
      this.logger.info(text, { group: group.groupId, members: removed.join(", ") });
    }
  }

  #entry(groupId: string): Entry {
    const known = this.#groups.get(groupId);
    if (known) return known;
    const group = new ConsumerGroup(groupId, () => this.settings(groupId));
    const timer = new GroupTimer(
      this.clock,
      group,
      (nowMs) => this.#tick(group, nowMs),
      (cause) => this.logger.error("The timer of a group failed and will be tried again", { group: groupId }, cause),
    );
    const entry = { group, timer };
    this.#groups.set(groupId, entry);
    return entry;
  }

  /** After a join that was refused. */
  #forgetUnlessExists(groupId: string, group: ConsumerGroup): void {
    if (!group.state.exists) this.#remove(groupId);
  }
}
