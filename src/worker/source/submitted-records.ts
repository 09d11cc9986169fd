import type { SourceMap } from "../../api/index.js";
import { sourceMapKey } from "../../base/exact-json.js";
import { InvariantError } from "../../base/invariant-error.js";

/** The part of a source record that the ledger needs. */
export interface SourcePosition {
  readonly sourcePartition: SourceMap;
  readonly sourceOffset: SourceMap;
}

/** The records of one source partition in one poll batch: their newest offset, and the number of unsettled ones. */
export interface SubmittedRange {
  readonly partition: SourceMap;
  offset: SourceMap;
  unsettled: number;
  /** False once withdrawn: its offset must not be committed. */
  covered: boolean;
  readonly barriers: Barrier[];
}

interface Barrier {
  open: number;
  readonly reached: () => void;
}

interface Ledger {
  readonly ranges: SubmittedRange[];
  head: number;
}

/** A source partition with the offset to store for it. */
export interface CommittableOffset {
  readonly partition: SourceMap;
  readonly offset: SourceMap;
}

/** The ranges of one batch, by source partition. */
export class BatchRanges {
  readonly #ranges = new Map<string, SubmittedRange>();
  #lastPartition: SourceMap | undefined;
  #lastRange: SubmittedRange | undefined;

  constructor(private readonly keyOf: (sourcePartition: SourceMap) => string) {}

  /** The range of a record in the batch. */
  rangeOf(sourcePartition: SourceMap): SubmittedRange {
    if (sourcePartition === this.#lastPartition) return this.#lastRange!;
    const range = this.#ranges.get(this.keyOf(sourcePartition));
    if (!range) throw new InvariantError("A record was looked up in a batch that it is not part of");
    this.#lastPartition = sourcePartition;
    this.#lastRange = range;
    return range;
  }

  /** Called by the ledger only, while it submits the batch. */
  note(position: SourcePosition): void {
    if (position.sourcePartition !== this.#lastPartition) {
      const key = this.keyOf(position.sourcePartition);
      let range = this.#ranges.get(key);
      if (!range) {
        range = {
          partition: position.sourcePartition,
          offset: position.sourceOffset,
          unsettled: 0,
          covered: true,
          barriers: [],
        };
        this.#ranges.set(key, range);
      }
      this.#lastPartition = position.sourcePartition;
      this.#lastRange = range;
    }
    const range = this.#lastRange!;
    range.offset = position.sourceOffset;
    range.unsettled++;
  }

  /** Each range with its partition's key. */
  entries(): IterableIterator<[string, SubmittedRange]> {
    return this.#ranges.entries();
  }
}

/**
 * The ledger of a source task's records. Offsets become committable in poll order, each once everything before it in
 * its source partition is acknowledged or deliberately dropped (I1). A slow partition holds back no other. Knows no
 * record, client or clock, only order: one range per batch and partition, nothing per record.
 */
export class SubmittedRecords {
  readonly #ledgers = new Map<string, Ledger>();
  /** Committable offsets that `putBack` returned because storing them failed. */
  readonly #returned = new Map<string, CommittableOffset>();
  /** Tasks reuse one object per source partition, so its key is computed once. */
  readonly #keys = new WeakMap<SourceMap, string>();
  #unsettled = 0;

  /** Records submitted and not settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Notes a whole poll batch, in poll order, before any of its records is produced or dropped. */
  submit(batch: readonly SourcePosition[]): BatchRanges {
    const ranges = new BatchRanges(this.#keyOf);
    for (const position of batch) ranges.note(position);
    this.#unsettled += batch.length;
    for (const [key, range] of ranges.entries()) {
      let ledger = this.#ledgers.get(key);
      if (!ledger) {
        ledger = { ranges: [], head: 0 };
        this.#ledgers.set(key, ledger);
      }
      ledger.ranges.push(range);
    }
    return ranges;
  }

  /** `count` records of the range are acknowledged by the broker or were deliberately dropped. */
  settle(range: SubmittedRange, count: number): void {
    range.unsettled -= count;
    this.#unsettled -= count;
    if (range.unsettled < 0) throw new InvariantError(`${-range.unsettled} more records settled than were submitted`);
    if (range.unsettled > 0) return;
    for (const barrier of range.barriers.splice(0)) {
      barrier.open--;
      if (barrier.open === 0) barrier.reached();
    }
  }

  /**
   * Takes back the newest `count` records of a range, which never reached the producer because the task failed before
   * them. The range then covers only the records before them: up to `offset`, or nothing if undefined. Only for the
   * newest range of its partition: records after a gap must not become committable.
   */
  withdraw(range: SubmittedRange, count: number, offset: SourceMap | undefined): void {
    if (offset === undefined) range.covered = false;
    else range.offset = offset;
    this.settle(range, count);
  }

  /** Takes the newest committable offset of each partition, and those from `putBack`. Returns each only once. (I1) */
  takeCommittable(): CommittableOffset[] {
    for (const [key, ledger] of this.#ledgers) {
      let newest: SubmittedRange | undefined;
      for (let range = ledger.ranges[ledger.head]; range?.unsettled === 0; range = ledger.ranges[ledger.head]) {
        ledger.head++;
        if (range.covered) newest = range;
      }
      if (newest) this.#returned.set(key, { partition: newest.partition, offset: newest.offset });
      if (ledger.head === ledger.ranges.length) {
        this.#ledgers.delete(key);
      } else if (ledger.head > 64 && ledger.head * 2 > ledger.ranges.length) {
        ledger.ranges.splice(0, ledger.head);
        ledger.head = 0;
      }
    }
    const taken = [...this.#returned.values()];
    this.#returned.clear();
    return taken;
  }

  /** Puts back taken offsets that could not be stored. Call it before taking again: those are newer. */
  putBack(offsets: readonly CommittableOffset[]): void {
    for (const committable of offsets) this.#returned.set(this.#keyOf(committable.partition), committable);
  }

  /** Calls `reached` once everything submitted before this call is settled, perhaps at once. */
  afterSettled(reached: () => void): void {
    const barrier: Barrier = { open: 0, reached };
    for (const ledger of this.#ledgers.values()) {
      for (let at = ledger.head; at < ledger.ranges.length; at++) {
        const range = ledger.ranges[at]!;
        if (range.unsettled === 0) continue;
        barrier.open++;
        range.barriers.push(barrier);
      }
    }
    if (barrier.open === 0) reached();
  }

  readonly #keyOf = (sourcePartition: SourceMap): string => {
    let key = this.#keys.get(sourcePartition);
    if (key === undefined) {
      key = sourceMapKey(sourcePartition);
      this.#keys.set(sourcePartition, key);
    }
    return key;
  };
}
