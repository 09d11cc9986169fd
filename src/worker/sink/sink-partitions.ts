import { ConflictError, type TopicPartition, type TopicPartitionOffset } from "../../api/index.js";

interface OpenPartition extends TopicPartition {
  /** After the last record put. */
  current: number;
  /** The group's committed offset, as far as this task knows. */
  committed: number;
  /** End of the partition as of the last fetch. */
  end: number;
  /** No commit passes this record; infinite: none is held. */
  heldAt: number;
}

/** The offsets to commit, and those that `preCommit` returned but must not be. */
export interface CommitPlan {
  readonly commit: readonly TopicPartitionOffset[];
  readonly refused: readonly { readonly offset: TopicPartitionOffset; readonly why: string }[];
}

/** `orders-3`: unique, since the part after the last dash is a number. */
export function keyOfPartition({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`;
}

/** The partitions open for a sink task, with the offsets that limit its commits. Only its runner writes them. */
export class SinkPartitions {
  readonly #open = new Map<string, OpenPartition>();
  /** Paused by the task; kept while another member has the partition, as in Kafka Connect. */
  readonly #pausedByTask = new Set<string>();

  /** Opens partitions at their start positions, which count as put and as committed. */
  open(positions: readonly TopicPartitionOffset[]): void {
    for (const { topic, partition, offset } of positions) {
      const opened = {
        topic,
        partition,
        current: offset,
        committed: offset,
        end: offset,
        heldAt: Number.POSITIVE_INFINITY,
      };
      this.#open.set(keyOfPartition(opened), opened);
    }
  }

  close(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#open.delete(keyOfPartition(partition));
  }

  isOpen(partition: TopicPartition): boolean {
    return this.#open.has(keyOfPartition(partition));
  }

  all(): TopicPartition[] {
    return [...this.#open.values()].map(({ topic, partition }) => ({ topic, partition }));
  }

  /**
   * The offsets that may be committed: after the records put, but not after a held one. Of all open partitions or of
   * those among `partitions`.
   */
  current(partitions: readonly TopicPartition[] = this.all()): TopicPartitionOffset[] {
    return this.#offsets(partitions, limitOf);
  }

  committed(partitions: readonly TopicPartition[] = this.all()): TopicPartitionOffset[] {
    return this.#offsets(partitions, (open) => open.committed);
  }

  /** The task fails because of this record, and the next run must read it again. */
  hold({ topic, partition, offset }: TopicPartitionOffset): void {
    const open = this.#open.get(keyOfPartition({ topic, partition }));
    if (open) open.heldAt = Math.min(open.heldAt, offset);
  }

  /** Records before `nextOffset` were put, or the task moved there. Closed partitions are ignored. */
  moveTo(partition: TopicPartition, nextOffset: number): void {
    const open = this.#open.get(keyOfPartition(partition));
    if (open) open.current = nextOffset;
  }

  noteEnd(partition: TopicPartition, end: number): void {
    const open = this.#open.get(keyOfPartition(partition));
    if (open) open.end = end;
  }

  noteCommitted(offsets: readonly TopicPartitionOffset[]): void {
    for (const offset of offsets) {
      const open = this.#open.get(keyOfPartition(offset));
      if (open) open.committed = offset.offset;
    }
  }

  get size(): number {
    return this.#open.size;
  }

  /** Records put whose offsets are not committed. */
  get uncommitted(): number {
    let records = 0;
    for (const { current, committed } of this.#open.values()) records += Math.max(0, current - committed);
    return records;
  }

  get lagRecords(): number {
    let lag = 0;
    for (const { end, current } of this.#open.values()) lag += Math.max(0, end - current);
    return lag;
  }

  /** Of the partition that lags most. */
  get lagRecordsMax(): number {
    let most = 0;
    for (const { end, current } of this.#open.values()) most = Math.max(most, end - current);
    return most;
  }

  pauseByTask(partitions: readonly TopicPartition[]): void {
    this.requireOpen(partitions);
    for (const partition of partitions) this.#pausedByTask.add(keyOfPartition(partition));
  }

  resumeByTask(partitions: readonly TopicPartition[]): void {
    this.requireOpen(partitions);
    for (const partition of partitions) this.#pausedByTask.delete(keyOfPartition(partition));
  }

  isPausedByTask(partition: TopicPartition): boolean {
    return this.#pausedByTask.has(keyOfPartition(partition));
  }

  /** @throws ConflictError PARTITION_NOT_OPEN */
  requireOpen(partitions: readonly TopicPartition[]): void {
    const absent = partitions.filter((partition) => !this.isOpen(partition));
    if (absent.length === 0) return;
    const names = absent.map(keyOfPartition).join(", ");
    throw new ConflictError("PARTITION_NOT_OPEN", `Not open for this task: ${names}`);
  }

  /**
   * Selects the offsets of a `preCommit` answer to commit: only of partitions in `asked` that are still open, only up
   * to the records put and to a held one, and none that is committed already. (I2)
   *
   * @param asked the offsets passed to `preCommit`.
   */
  planCommit(asked: readonly TopicPartitionOffset[], returned: readonly TopicPartitionOffset[]): CommitPlan {
    const limits = new Map(asked.map((offset) => [keyOfPartition(offset), offset.offset]));
    const commit: TopicPartitionOffset[] = [];
    const refused: { offset: TopicPartitionOffset; why: string }[] = [];
    for (const offset of returned) {
      const key = keyOfPartition(offset);
      const limit = limits.get(key);
      const open = this.#open.get(key);
      if (!open || limit === undefined) refused.push({ offset, why: "its partition is not open" });
      else if (!Number.isSafeInteger(offset.offset) || offset.offset < 0)
        refused.push({ offset, why: "it is not an offset" });
      else if (offset.offset > limit) refused.push({ offset, why: `only ${limit} has been put so far` });
      else if (offset.offset > limitOf(open)) refused.push({ offset, why: `the task fails at record ${open.heldAt}` });
      else if (offset.offset !== open.committed) commit.push(offset);
    }
    return { commit, refused };
  }

  #offsets(partitions: readonly TopicPartition[], of: (open: OpenPartition) => number): TopicPartitionOffset[] {
    const offsets: TopicPartitionOffset[] = [];
    for (const partition of partitions) {
      const open = this.#open.get(keyOfPartition(partition));
      if (open) offsets.push({ topic: open.topic, partition: open.partition, offset: of(open) });
    }
    return offsets;
  }
}

/** A hold does not take back offsets that are already committed. */
function limitOf({ current, committed, heldAt }: OpenPartition): number {
  return Math.min(current, Math.max(heldAt, committed));
}
