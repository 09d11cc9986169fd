import type { Logger } from "../base/logger.js";

/** The free space of the data folder's disk, as the broker knows it between two looks at the disk. */
export class FreeSpace {
  #freeBytes = Number.POSITIVE_INFINITY;
  #isLow = false;

  /** @param minBytes millrace.log.free.bytes.min, read at each use. */
  constructor(
    private readonly minBytes: () => number,
    private readonly logger: Logger,
  ) {}

  /**
   * Whether so little is left that producers are refused. What remains is for commits of offsets, changes of topics,
   * and the deletions that make room.
   */
  get isLow(): boolean {
    return this.#isLow;
  }

  /** Called with each look at the disk. */
  measured(freeBytes: number): void {
    this.#freeBytes = freeBytes;
    this.#judge();
  }

  /** Called with what producers have appended since. */
  appended(bytes: number): void {
    this.#freeBytes -= bytes;
    if (!this.#isLow) this.#judge();
  }

  #judge(): void {
    const minBytes = this.minBytes();
    const isLow = this.#freeBytes < minBytes;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    const fields = { freeBytes: this.#freeBytes, minBytes };
    if (isLow) {
      this.logger.error(
        "The disk is almost full, and producers are refused until there is room: delete topics or files",
        fields,
      );
    } else {
      this.logger.info("There is room on the disk again, and producers are served", fields);
    }
  }
}
