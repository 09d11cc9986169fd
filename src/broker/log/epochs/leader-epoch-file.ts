import { join } from "node:path";
import type { Disk } from "../../../base/files/disk.js";
import { replaceFile } from "../../../base/files/durable-files.js";
import { decodeEpochs, type EpochEnd, encodeEpochs, LeaderEpochs } from "./leader-epochs.js";

/** The leader epochs of a log, and Kafka's `leader-epoch-checkpoint` in its folder, which holds them. */
export class LeaderEpochFile {
  readonly #path: string;
  #epochs = new LeaderEpochs();

  constructor(
    folder: string,
    private readonly disk: Disk,
  ) {
    this.#path = join(folder, "leader-epoch-checkpoint");
  }

  /**
   * Reads the file; without one, or if it is damaged, no epochs are known. Removes those that start at or after
   * `endOffset`, where the log was truncated.
   */
  load(endOffset: number): void {
    const bytes = this.disk.readFile(this.#path);
    this.#epochs = new LeaderEpochs(bytes && decodeEpochs(bytes.toString()));
    if (this.#epochs.truncate(endOffset)) this.#write(this.#epochs);
  }

  /**
   * Notes that `epoch` appends at `offset`, unless that is known. The folder's entries are on disk then, too.
   *
   * @param prepare changes of the folder that must be on disk before the first append; called before the file is
   * written.
   * @throws the error of `prepare`, or the disk's; the epoch is not noted then.
   */
  begin(epoch: number, offset: number, prepare: () => void): void {
    if (this.#epochs.latest === epoch) return;
    const next = new LeaderEpochs(this.#epochs.starts);
    if (!next.note(epoch, offset)) return;
    prepare();
    this.#write(next);
    this.#epochs = next;
  }

  /** The end offset of `epoch` (KIP-279). */
  endOf(epoch: number, currentEpoch: number, logEndOffset: number): EpochEnd {
    return this.#epochs.endOf(epoch, currentEpoch, logEndOffset);
  }

  #write({ starts }: LeaderEpochs): void {
    replaceFile(this.disk, this.#path, encodeEpochs(starts));
  }
}
