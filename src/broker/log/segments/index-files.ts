import type { Disk } from "../../../base/files/disk.js";
import { IndexLookup } from "./index-lookup.js";
import { OFFSET_ENTRY, readTimestamp, TIME_ENTRY } from "./segment-index.js";

/**
 * The index files of a sealed segment, opened for one lookup: it reads the few entries that a binary search visits, and
 * not the megabytes of a large segment's index. A missing file counts as empty.
 */
export class IndexFiles extends IndexLookup {
  readonly #fds: number[] = [];
  readonly #entry = Buffer.allocUnsafe(TIME_ENTRY);
  readonly #offsets: number | undefined;
  readonly #times: number | undefined;
  protected readonly offsetCount: number;
  protected readonly timeCount: number;

  /** The caller closes it. @throws the disk's error, with which nothing stays open. */
  constructor(
    private readonly disk: Disk,
    offsetsPath: string,
    timesPath: string,
  ) {
    super();
    try {
      this.#offsets = this.#open(offsetsPath);
      this.#times = this.#open(timesPath);
      this.offsetCount = this.#count(this.#offsets, OFFSET_ENTRY);
      this.timeCount = this.#count(this.#times, TIME_ENTRY);
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) this.disk.close(fd);
  }

  protected offsetAt(index: number): number {
    return this.#read(this.#offsets!, OFFSET_ENTRY, index).readUInt32BE(0);
  }

  protected positionAt(index: number): number {
    return this.#read(this.#offsets!, OFFSET_ENTRY, index).readUInt32BE(4);
  }

  protected timeAt(index: number): number {
    return readTimestamp(this.#read(this.#times!, TIME_ENTRY, index), 0);
  }

  protected timeOffsetAt(index: number): number {
    return this.#read(this.#times!, TIME_ENTRY, index).readUInt32BE(8);
  }

  #open(path: string): number | undefined {
    try {
      const fd = this.disk.open(path, "read");
      this.#fds.push(fd);
      return fd;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw cause;
    }
  }

  #count(fd: number | undefined, entryBytes: number): number {
    return fd === undefined ? 0 : Math.floor(this.disk.size(fd) / entryBytes);
  }

  #read(fd: number, entryBytes: number, index: number): Buffer {
    for (let read = 0; read < entryBytes; ) {
      const count = this.disk.read(fd, this.#entry, read, entryBytes - read, index * entryBytes + read);
      if (count === 0) throw new Error(`An index file ends within its entry ${index}`);
      read += count;
    }
    return this.#entry;
  }
}
