import { ErrorCodes } from "../../protocol/error-codes.js";
import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import type { RecordPlace } from "../internal-topics/coordinator-log.js";
import type { GroupLog } from "./group-log.js";
import { GroupOffsets, type PartitionOffset } from "./group-offsets.js";
import type { CommittedOffset, GroupRecord } from "./group-records.js";
import { PendingOffsets } from "./pending-offsets.js";

interface Partition {
  readonly topic: string;
  readonly partition: number;
}

interface OffsetsOfGroup {
  readonly committed: GroupOffsets;
  readonly pending: PendingOffsets;
}

type OffsetRecord = Extract<GroupRecord, { kind: "offset" }>;

/**
 * The offsets of all groups, a fold of their records in the log, and the only writer of these. Offsets of a transaction
 * are records of it; they wait, and its marker in the partition of the group commits or drops them.
 */
export class CommittedOffsets {
  readonly #groups = new Map<string, OffsetsOfGroup>();
  /** Offsets of deleted topics, by group, that are not deleted in the log yet. */
  readonly #owed = new Map<string, readonly Partition[]>();
  /** The groups for which offsets of a producer's transaction wait. */
  readonly #open = new Map<number, Set<string>>();

  constructor(
    private readonly log: GroupLog,
    private readonly nowMs: () => number,
  ) {}

  /** The groups that have offsets, committed or waiting. */
  groups(): string[] {
    return [...this.#groups.keys()];
  }

  get(groupId: string, topic: string, partition: number): CommittedOffset | undefined {
    return this.#groups.get(groupId)?.committed.get(topic, partition);
  }

  /** All committed offsets of a group. */
  all(groupId: string): PartitionOffset[] {
    return [...(this.#groups.get(groupId)?.committed.entries() ?? [])];
  }

  /** Whether an offset of a partition waits for the end of a transaction. */
  isPending(groupId: string, topic: string, partition: number): boolean {
    return this.#groups.get(groupId)?.pending.has(topic, partition) ?? false;
  }

  /** Whether a group has no offsets, not even waiting ones. */
  isEmpty(groupId: string): boolean {
    return !this.#groups.has(groupId);
  }

  /** A record of the log, at the start. */
  replay(record: OffsetRecord, { producerId, offset }: RecordPlace): void {
    this.#apply(record, offset, producerId);
  }

  /**
   * Commits offsets. @returns an error code, with which nothing has changed.
   *
   * @param producer the transaction that commits them; undefined: they are committed at once.
   */
  commit(groupId: string, offsets: readonly PartitionOffset[], producer?: ProducerStamp): number {
    const records = offsets.map(({ topic, partition, ...value }): OffsetRecord => {
      return { kind: "offset", group: groupId, topic, partition, value };
    });
    return this.#write(groupId, records, producer);
  }

  /**
   * Ends a producer's transaction: what it has committed in groups of this partition of the log becomes visible, or is
   * dropped. Called when its marker is in the log.
   */
  endTransaction(partition: number, producerId: number, isCommit: boolean): void {
    const groups = this.#open.get(producerId);
    for (const groupId of groups ?? []) {
      if (this.log.partitionOf(groupId) !== partition) continue;
      groups!.delete(groupId);
      const ofGroup = this.#groups.get(groupId);
      for (const { offset, position } of ofGroup?.pending.take(producerId) ?? []) {
        const { topic, partition: of, ...value } = offset;
        if (isCommit) this.#apply({ kind: "offset", group: groupId, topic, partition: of, value }, position, undefined);
      }
      this.#forgetIfEmpty(groupId);
    }
    if (groups?.size === 0) this.#open.delete(producerId);
  }

  /** Deletes those of the given offsets that exist. @returns an error code, with which nothing has changed. */
  delete(groupId: string, partitions: Iterable<Partition>): number {
    const known = [...partitions].filter(
      ({ topic, partition }) => this.get(groupId, topic, partition) || this.isPending(groupId, topic, partition),
    );
    return this.#write(
      groupId,
      known.map((each) => tombstone(groupId, each)),
    );
  }

  /** The records that delete all offsets of a group, waiting ones included. */
  tombstones(groupId: string): OffsetRecord[] {
    const ofGroup = this.#groups.get(groupId);
    const all = new Map<string, Partition>();
    for (const each of [...(ofGroup?.committed.entries() ?? []), ...(ofGroup?.pending.partitions() ?? [])]) {
      all.set(`${each.partition} ${each.topic}`, each);
    }
    return [...all.values()].map((each) => tombstone(groupId, each));
  }

  /** Drops all offsets of a group, whose `tombstones` are in the log. */
  drop(groupId: string): void {
    this.#groups.delete(groupId);
  }

  /**
   * Drops the offsets of topics that are gone: at once, since a new topic of that name must not find them. Resolves once
   * the deletions are settled; what is not on disk then is owed: it is written by `writeOwed`, and by a repeated call.
   *
   * @param concerns whether a group is concerned at all; by default each is.
   */
  async forgetTopics(isGone: (topic: string) => boolean, concerns = (_: string) => true): Promise<void> {
    const settled: Promise<void>[] = [];
    for (const groupId of new Set([...this.#groups.keys(), ...this.#owed.keys()])) {
      const gone = this.tombstones(groupId).filter(({ topic }) => isGone(topic));
      const owed = this.#owed.get(groupId) ?? [];
      if (!concerns(groupId) || (gone.length === 0 && !owed.some(({ topic }) => isGone(topic)))) continue;
      for (const record of gone) this.#apply(record, Number.POSITIVE_INFINITY, undefined);
      settled.push(this.#settleOwed(groupId, [...owed, ...gone]));
    }
    await Promise.all(settled);
  }

  /** Whether the deletion of a topic's offsets is not on disk yet. */
  owes(topic: string): boolean {
    return [...this.#owed.values()].some((owed) => owed.some((each) => each.topic === topic));
  }

  /** Writes the deletions that failed before. */
  writeOwed(): void {
    for (const [groupId, owed] of this.#owed) this.#writeOwedOf(groupId, owed);
  }

  /** Writes tombstones; those that turn out not to be on disk are owed on. */
  async #settleOwed(groupId: string, owed: readonly Partition[]): Promise<void> {
    this.#writeOwedOf(groupId, owed);
    const code = await this.log.settledCode(groupId);
    if (code !== undefined && code !== ErrorCodes.NONE) this.#owed.set(groupId, owed);
  }

  #writeOwedOf(groupId: string, owed: readonly Partition[]): void {
    const gone = owed.filter(
      ({ topic, partition }) => !this.get(groupId, topic, partition) && !this.isPending(groupId, topic, partition),
    );
    const failed = this.#write(
      groupId,
      gone.map((each) => tombstone(groupId, each)),
    );
    if (failed === ErrorCodes.NONE) this.#owed.delete(groupId);
    else this.#owed.set(groupId, gone);
  }

  #write(groupId: string, records: readonly OffsetRecord[], producer?: ProducerStamp): number {
    const written = this.log.write(groupId, records, this.nowMs(), producer);
    if ("errorCode" in written) return written.errorCode;
    for (const [at, record] of records.entries()) this.#apply(record, written.offset + at, producer?.producerId);
    return ErrorCodes.NONE;
  }

  #apply({ group, topic, partition, value }: OffsetRecord, position: number, producerId: number | undefined): void {
    const { committed, pending } = this.#groupOf(group);
    if (producerId !== undefined && value) {
      pending.add(producerId, { offset: { topic, partition, ...value }, position });
      const groups = this.#open.get(producerId);
      if (groups) groups.add(group);
      else this.#open.set(producerId, new Set([group]));
      return;
    }
    if (value) committed.set(topic, partition, value);
    else committed.delete(topic, partition);
    pending.supersede(topic, partition, position);
    this.#forgetIfEmpty(group);
  }

  #groupOf(groupId: string): OffsetsOfGroup {
    let ofGroup = this.#groups.get(groupId);
    if (!ofGroup) {
      ofGroup = { committed: new GroupOffsets(), pending: new PendingOffsets() };
      this.#groups.set(groupId, ofGroup);
    }
    return ofGroup;
  }

  #forgetIfEmpty(groupId: string): void {
    const ofGroup = this.#groups.get(groupId);
    if (ofGroup?.committed.isEmpty && ofGroup.pending.isEmpty) this.#groups.delete(groupId);
  }
}

function tombstone(group: string, { topic, partition }: Partition): OffsetRecord {
  return { kind: "offset", group, topic, partition, value: null };
}
