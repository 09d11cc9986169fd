/** From which offset on a leader epoch wrote. */
export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

/** What an OffsetForLeaderEpoch request is answered; -1 and -1 when nothing is known. */
export interface EpochEnd {
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

/**
 * Which leader epoch wrote which offsets of a partition (KIP-101, KIP-279). Here an epoch is one start of the broker:
 * clients that have read past the end of an epoch learn from it that an unclean stop cut the log.
 */
export class LeaderEpochs {
  #starts: EpochStart[];

  constructor(starts: readonly EpochStart[] = []) {
    this.#starts = [...starts];
  }

  get starts(): readonly EpochStart[] {
    return this.#starts;
  }

  /** Notes that `epoch` appends at `offset`. Returns whether that is news, and must be written down. */
  note(epoch: number, offset: number): boolean {
    const last = this.#starts.at(-1);
    if (last && last.epoch >= epoch) return false;
    // An epoch that ended without a record leaves no trace.
    while (this.#starts.length > 0 && this.#starts.at(-1)!.startOffset >= offset) this.#starts.pop();
    this.#starts.push({ epoch, startOffset: offset });
    return true;
  }

  /** Forgets epochs that start at or after `endOffset`: their records were cut away. */
  truncate(endOffset: number): boolean {
    const before = this.#starts.length;
    this.#starts = this.#starts.filter(({ startOffset }) => startOffset < endOffset);
    return this.#starts.length !== before;
  }

  /**
   * Where `epoch` ended.
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

/** Reads what `encodeEpochs` wrote; undefined when it is damaged. */
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
