/** The first offset written in a leader epoch. */
export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** The answer of an OffsetForLeaderEpoch request; -1 and -1 when the epoch is unknown. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

/**
 * The offsets that each leader epoch wrote in a partition (KIP-101, KIP-279). An epoch is one start of the broker:
 * clients that have read past the end of an epoch learn from it that an unclean stop truncated the log.
 */
export class LeaderEpochs {
  #starts: EpochStart[];

  constructor(starts: readonly EpochStart[] = []) {
    this.#starts = [...starts];
  }

  get starts(): readonly EpochStart[] {
    return this.#starts;
  }

  /** The newest epoch; undefined when none has written. */
  get latest(): number | undefined {
    return this.#starts.at(-1)?.epoch;
  }

  /** Records that `epoch` appends at `offset`. Returns whether the starts changed and must be written. */
  note(epoch: number, offset: number): boolean {
    const last = this.#starts.at(-1);
    if (last && last.epoch >= epoch) return false;
    // An epoch that ended without a record leaves no trace.
    while (this.#starts.length > 0 && this.#starts.at(-1)!.startOffset >= offset) this.#starts.pop();
    this.#starts.push({ epoch, startOffset: offset });
    return true;
  }

  /** Removes epochs that start at or after `endOffset`, where the log was truncated. Returns whether any did. */
  truncate(endOffset: number): boolean {
    const before = this.#starts.length;
    this.#starts = this.#starts.filter(({ startOffset }) => startOffset < endOffset);
    return this.#starts.length !== before;
  }

  /**
   * The end offset of `epoch`.
   *
   * @param currentEpoch the epoch that writes now; it ends at `logEndOffset`.
   */
  endOf(epoch: number, currentEpoch: number, logEndOffset: number): EpochEnd {
    if (epoch === currentEpoch) return { leaderEpoch: epoch, endOffset: logEndOffset };
    if (epoch < 0 || epoch > currentEpoch) return { leaderEpoch: -1, endOffset: -1 };
    const next = this.#starts.findIndex((start) => start.epoch > epoch);
    if (next === 0) return { leaderEpoch: epoch, endOffset: this.#starts[0]!.startOffset };
    const at = next < 0 ? this.#starts.length - 1 : next - 1;
    if (at < 0) return { leaderEpoch: epoch, endOffset: logEndOffset };
    return {
      leaderEpoch: this.#starts[at]!.epoch,
      endOffset: next < 0 ? logEndOffset : this.#starts[next]!.startOffset,
    };
  }
}

/** The text of a `leader-epoch-checkpoint` file: version 0, count, then `epoch startOffset` lines. */
export function encodeEpochs(starts: readonly EpochStart[]): string {
  return `0\n${starts.length}\n${starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`).join("")}`;
}

/** The inverse of `encodeEpochs`; undefined when the text is damaged. */
export function decodeEpochs(text: string): EpochStart[] | undefined {
  const lines = text.split("\n");
  const count = Number(lines[1]);
  if (lines[0] !== "0" || !Number.isSafeInteger(count) || lines.length < count + 2) return undefined;
  const starts: EpochStart[] = [];
  for (const line of lines.slice(2, 2 + count)) {
    const [epoch = Number.NaN, startOffset = Number.NaN] = line.split(" ").map(Number);
    if (!Number.isSafeInteger(epoch) || !Number.isSafeInteger(startOffset)) return undefined;
    starts.push({ epoch, startOffset });
  }
  return starts;
}
