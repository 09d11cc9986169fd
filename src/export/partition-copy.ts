import type { ConsumerRecord, FetchedRecords } from "../kafka/client/consumer.js";
import type { TopicPartition } from "../kafka/client/topic-partition.js";
import { KafkaError } from "../protocol/kafka-error.js";
import { OffsetTranslation } from "./offset-translation.js";

/** What is copied of a partition, in offsets of the source: from `start` up to before `end`. */
export interface CopyRange extends TopicPartition {
  readonly start: number;
  readonly end: number;
}

/** Records with consecutive offsets at the source: the token of their acknowledgements. */
export interface Run {
  readonly copy: PartitionCopy;
  /** The offset of the next one to be acknowledged. */
  acknowledged: number;
  /** The offset after the last one. */
  end: number;
}

/** The copy of one partition: how far it is, and what the target has acknowledged. */
export class PartitionCopy {
  /** The offset at which reading goes on. */
  #position: number;
  #run: Run | undefined;
  #records = 0;
  #targetEnd: number;
  readonly #translation: OffsetTranslation;

  /**
   * @param targetStart the end of the partition at the target before the copy.
   * @param committed offsets of groups, to be translated.
   */
  constructor(
    readonly range: CopyRange,
    readonly targetStart: number,
    committed: Iterable<number>,
  ) {
    this.#position = range.start;
    this.#targetEnd = targetStart;
    this.#translation = new OffsetTranslation(committed);
  }

  /** Whether everything up to the end has been read. */
  get isRead(): boolean {
    return this.#position >= this.range.end;
  }

  get position(): number {
    return this.#position;
  }

  /** Records that the target has acknowledged. */
  get records(): number {
    return this.#records;
  }

  /** The offset after the last acknowledged record. */
  get targetEnd(): number {
    return this.#targetEnd;
  }

  get translation(): OffsetTranslation {
    return this.#translation;
  }

  /** Takes what was read next; returns the records to write. Later ones than the range's were written meanwhile. */
  take({ records, nextOffset }: FetchedRecords): readonly ConsumerRecord[] {
    const { end } = this.range;
    this.#position = nextOffset;
    const last = records.at(-1);
    return last === undefined || last.offset < end ? records : records.filter(({ offset }) => offset < end);
  }

  /** The token of the record with this offset, which is the next one to be written. */
  runOf(offset: number): Run {
    if (this.#run?.end !== offset) this.#run = { copy: this, acknowledged: offset, end: offset };
    this.#run.end++;
    return this.#run;
  }

  /**
   * The target has acknowledged the next `count` records of `run`.
   * @throws KafkaError when it did not say where they are.
   */
  acknowledged(run: Run, count: number, baseOffset: number): void {
    if (baseOffset < this.#targetEnd) {
      const { topic, partition } = this.range;
      const detail = `the target answered offset ${baseOffset} where ${this.#targetEnd} or more was due`;
      throw new KafkaError("UNKNOWN_SERVER_ERROR", `Copying ${topic}-${partition}`, { detail });
    }
    this.#targetEnd = baseOffset + count;
    this.#records += count;
    this.#translation.copied(run.acknowledged, count, baseOffset);
    run.acknowledged += count;
  }

  /** All records are acknowledged. */
  finish(): void {
    this.#translation.finish(this.#targetEnd);
  }
}
