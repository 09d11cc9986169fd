import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { MemberIdentity } from "./classic/group-member.js";
import { ConsumerGroup, type ConsumerGroupSettings } from "./consumer/consumer-group.js";
import { type HeartbeatAnswer, type HeartbeatCommand, heartbeatError } from "./consumer/consumer-heartbeat.js";
import { JOIN_EPOCH } from "./consumer/consumer-member.js";
import type { ConsumerRecord } from "./consumer/consumer-records.js";
import type { TopicsView } from "./consumer/topics-view.js";
import type { GroupLog } from "./group-log.js";
import type { GroupRecord } from "./group-records.js";
import { GroupTimer } from "./group-timer.js";

interface Entry {
  readonly group: ConsumerGroup;
  readonly timer: GroupTimer;
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

  /**
   * A heartbeat, judged by `heartbeatRefusal` before.
   *
   * @param before the records that make room for the group, if there is none.
   */
  heartbeat(groupId: string, command: HeartbeatCommand, before: readonly GroupRecord[]): HeartbeatAnswer {
    const { memberEpoch } = command;
    if (memberEpoch !== JOIN_EPOCH && !this.#groups.has(groupId)) {
      const kind = memberEpoch < JOIN_EPOCH ? "Group" : "Consumer group";
      return heartbeatError(ErrorCodes.GROUP_ID_NOT_FOUND, `${kind} ${groupId} not found.`);
    }
    const { group, timer } = this.#entry(groupId);
    try {
      const answer = this.#changing(group, before, () =>
        memberEpoch < JOIN_EPOCH
          ? group.leave(command)
          : group.heartbeat(command, this.topics, this.clock.monotonicMs()),
      );
      timer.set();
      return typeof answer === "number" ? heartbeatError(answer, null) : answer;
    } finally {
      this.#forgetUnlessExists(groupId, group);
    }
  }

  /** Removes a member, as an administrator asks. Returns the error code. */
  removeMember(group: ConsumerGroup, { memberId, instanceId }: MemberIdentity): number {
    return this.#changing(group, [], () => group.removeMember(memberId, instanceId));
  }

  /** Deletes a group without members. @param also records that are written with that. Returns the error code. */
  delete(groupId: string, also: readonly GroupRecord[]): number {
    const { group, timer } = this.#groups.get(groupId)!;
    const written = this.log.write(groupId, [...also, ...group.state.tombstones()], this.clock.nowMs());
    if ("errorCode" in written) return written.errorCode;
    timer.stop();
    this.#groups.delete(groupId);
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
    const written = this.log.write(group.groupId, [...before, ...group.changes], this.clock.nowMs());
    if ("errorCode" in written) {
      group.revert();
      return written.errorCode;
    }
    group.accept();
    return undefined;
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
    if (group.state.exists) return;
    this.#groups.get(groupId)?.timer.stop();
    this.#groups.delete(groupId);
  }
}
