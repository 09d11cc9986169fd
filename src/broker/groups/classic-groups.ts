import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { ClassicGroup, type GroupEffect, type GroupSettings, type GroupSnapshot } from "./classic/classic-group.js";
import type { JoinAnswer, JoinCommand, MemberIdentity, SyncAnswer, SyncCommand } from "./classic/group-member.js";
import { ParkedRequests } from "./classic/parked-requests.js";
import type { GroupLog } from "./group-log.js";
import type { GroupRecord, StoredGroup } from "./group-records.js";
import { GroupTimer } from "./group-timer.js";

/** A classic group with its one timer. */
interface Entry {
  readonly group: ClassicGroup;
  stateTimestamp: number;
  readonly timer: GroupTimer;
  /** Of a group that nobody has led since it was downgraded: whether topics have changed, which its leader would notice. */
  readonly isOutdated: (() => boolean) | undefined;
}

/** A JoinGroup that is to be parked. */
export type Join = Omit<JoinCommand, "token" | "freshMemberId">;

/**
 * The groups of the classic protocol: carries out their effects, parks requests and sets timers, and writes their records.
 */
export class ClassicGroups {
  readonly #groups = new Map<string, Entry>();
  readonly #parked = new ParkedRequests();

  constructor(
    private readonly log: GroupLog,
    private readonly settings: () => GroupSettings,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
  ) {}

  get(groupId: string): ClassicGroup | undefined {
    return this.#groups.get(groupId)?.group;
  }

  all(): ClassicGroup[] {
    return [...this.#groups.values()].map(({ group }) => group);
  }

  /** When a group entered the state that is stored. */
  stateTimestamp(groupId: string): number | undefined {
    return this.#groups.get(groupId)?.stateTimestamp;
  }

  /** A group whose record is written: at the start, and when a group of the consumer protocol becomes a classic one. */
  restore(groupId: string, { stateTimestamp, ...stored }: StoredGroup, isOutdated?: () => boolean): void {
    const group = ClassicGroup.restore(groupId, this.settings(), stored, this.clock.monotonicMs());
    const { generationId } = stored;
    const isLed = () => group.snapshot().generationId !== generationId;
    this.#add(group, stateTimestamp, isOutdated && (() => !isLed() && isOutdated()));
  }

  /** An empty group, which has no record. */
  create(groupId: string): void {
    this.#add(new ClassicGroup(groupId, this.settings()), this.clock.nowMs());
  }

  /** Resolves when the join phase has ended, or with a refusal. @param hasOffsets the group exists because of its offsets, too. */
  join(groupId: string, command: Join, hasOffsets: boolean): Promise<JoinAnswer> {
    if (!this.#groups.has(groupId)) this.create(groupId);
    const entry = this.#groups.get(groupId)!;
    const { token, answer } = this.#parked.join();
    const freshMemberId = `${command.instanceId ?? command.clientId}-${this.random.uuid()}`;
    this.#carryOut(entry, entry.group.join({ ...command, token, freshMemberId }, this.clock.monotonicMs()));
    // A refused join must not leave a group behind.
    const isNew = entry.group.snapshot().generationId === 0;
    if (entry.group.isEmpty && !hasOffsets && isNew) this.#remove(entry);
    return answer;
  }

  /** Resolves when the leader has sent the assignments, or with a refusal. @param group one of these. */
  sync({ groupId }: ClassicGroup, command: Omit<SyncCommand, "token">): Promise<SyncAnswer> {
    const entry = this.#groups.get(groupId)!;
    const { token, answer } = this.#parked.sync();
    this.#carryOut(entry, entry.group.sync({ ...command, token }, this.clock.monotonicMs()));
    return answer;
  }

  /** A member is alive. Returns an error code. @param group one of these. */
  heartbeat({ groupId }: ClassicGroup, identity: MemberIdentity, generationId: number): number {
    const entry = this.#groups.get(groupId)!;
    const nowMs = this.clock.monotonicMs();
    if (entry.isOutdated?.()) this.#carryOut(entry, entry.group.rebalance(nowMs));
    return entry.group.heartbeat(identity, generationId, nowMs);
  }

  /** Members leave. Returns an error code for each. @param group one of these. */
  leave({ groupId }: ClassicGroup, identities: readonly MemberIdentity[]): number[] {
    const entry = this.#groups.get(groupId)!;
    const { errorCodes, effects } = entry.group.leave(identities, this.clock.monotonicMs());
    this.#carryOut(entry, effects);
    return errorCodes;
  }

  /** Deletes a group without members. @param also records that are written with that. Returns the error code. */
  delete(groupId: string, also: readonly GroupRecord[]): number {
    const failed = this.#write(groupId, [...also, { kind: "group", group: groupId, value: null }]);
    if (failed !== undefined) return failed;
    this.#remove(this.#groups.get(groupId)!);
    return ErrorCodes.NONE;
  }

  /** A group has become one of the consumer protocol, which is written. Its parked requests are refused. */
  release(groupId: string): void {
    const entry = this.#groups.get(groupId)!;
    this.#remove(entry);
    for (const effect of entry.group.dissolve()) if (effect.kind !== "persist") this.#parked.answer(effect, undefined);
  }

  close(): void {
    for (const { timer } of this.#groups.values()) timer.stop();
    this.#parked.refuseAll(ErrorCodes.COORDINATOR_NOT_AVAILABLE);
  }

  #add(group: ClassicGroup, stateTimestamp: number, isOutdated?: () => boolean): void {
    const { groupId } = group;
    const timer = new GroupTimer(
      this.clock,
      group,
      (nowMs) => this.#carryOut(entry, group.tick(nowMs)),
      (cause) => this.logger.error("The timer of a group failed and will be tried again", { group: groupId }, cause),
    );
    const entry: Entry = { group, stateTimestamp, timer, isOutdated };
    this.#groups.set(groupId, entry);
    timer.set();
  }

  #remove({ group, timer }: Entry): void {
    timer.stop();
    this.#groups.delete(group.groupId);
  }

  #carryOut(entry: Entry, effects: readonly GroupEffect[]): void {
    let failed: number | undefined;
    let settled: Promise<number> | undefined;
    for (const effect of effects) {
      if (effect.kind === "persist") {
        entry.stateTimestamp = this.clock.nowMs();
        const { group, stateTimestamp } = entry;
        failed = this.#write(group.groupId, [groupRecord(group.groupId, group.snapshot(), stateTimestamp)]);
        settled = failed === undefined ? this.log.settledCode(entry.group.groupId) : undefined;
      } else if (settled) {
        void settled.then((code) => this.#parked.answer(effect, code === ErrorCodes.NONE ? undefined : code));
      } else {
        this.#parked.answer(effect, failed);
      }
    }
    entry.timer.set();
  }

  /** Returns an error code when the log cannot be written. */
  #write(groupId: string, records: readonly GroupRecord[]): number | undefined {
    const written = this.log.write(groupId, records, this.clock.nowMs());
    return "errorCode" in written ? written.errorCode : undefined;
  }
}

function groupRecord(group: string, { state: _, ...snapshot }: GroupSnapshot, stateTimestamp: number): GroupRecord {
  return { kind: "group", group, value: { ...snapshot, stateTimestamp } };
}
