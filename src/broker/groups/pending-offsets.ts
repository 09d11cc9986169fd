import type { PartitionOffset } from "./group-offsets.js";

/** An offset that a transaction commits once it is committed itself, and the place of its record in the log. */
export interface PendingOffset {
  readonly offset: PartitionOffset;
  readonly position: number;
}

/** The offsets of one group that wait for the end of transactions. Of one partition several may wait, of one producer one. */
export class PendingOffsets {
  readonly #byProducer = new Map<number, PendingOffset[]>();

  get isEmpty(): boolean {
    return this.#byProducer.size === 0;
  }

  add(producerId: number, pending: PendingOffset): void {
    const { topic, partition } = pending.offset;
    const others = this.#byProducer.get(producerId)?.filter((each) => !isOf(each, topic, partition)) ?? [];
    this.#byProducer.set(producerId, [...others, pending]);
  }

  /** Removes and returns the offsets of a producer, whose transaction has ended. */
  take(producerId: number): readonly PendingOffset[] {
    const taken = this.#byProducer.get(producerId) ?? [];
    this.#byProducer.delete(producerId);
    return taken;
  }

  /** Drops what waits for a partition and was written before `position`: a newer commit or deletion stands. */
  supersede(topic: string, partition: number, position: number): void {
    for (const [producerId, pendings] of this.#byProducer) {
      const left = pendings.filter((each) => !isOf(each, topic, partition) || each.position >= position);
      if (left.length === 0) this.#byProducer.delete(producerId);
      else if (left.length < pendings.length) this.#byProducer.set(producerId, left);
    }
  }

  has(topic: string, partition: number): boolean {
    for (const pendings of this.#byProducer.values()) {
      if (pendings.some((each) => isOf(each, topic, partition))) return true;
    }
    return false;
  }

  /** All partitions for which an offset waits. */
  *partitions(): Generator<{ readonly topic: string; readonly partition: number }> {
    for (const pendings of this.#byProducer.values()) {
      for (const { offset } of pendings) yield { topic: offset.topic, partition: offset.partition };
    }
  }
}

function isOf({ offset }: PendingOffset, topic: string, partition: number): boolean {
  return offset.topic === topic && offset.partition === partition;
}
