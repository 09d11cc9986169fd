import { dirname } from "node:path";
import type { Disk } from "../base/files/disk.js";
import { replaceFile, writeFileDurablyLater } from "../base/files/durable-files.js";
import type { Logger } from "../base/logger.js";
import { Turns } from "../base/turns.js";

/** One offset per partition in Kafka's checkpoint format: `0`, the count, then `topic partition offset` lines. */
export class OffsetCheckpoint {
  #offsets = new Map<string, number>();
  readonly #turns = new Turns();
  /** A write has failed, perhaps after the file had its new content: the file may hold other offsets than this. */
  #isInDoubt = false;

  constructor(
    private readonly path: string,
    private readonly disk: Disk,
    logger: Logger,
  ) {
    const lines = disk.readFile(path)?.toString().trimEnd().split("\n") ?? ["0", "0"];
    let damaged = lines.length - 2 !== Number(lines[1]) || lines[0] !== "0";
    for (const line of lines.slice(2)) {
      const [, topic, partition, offset] = /^(\S+) (\d+) (\d+)$/.exec(line) ?? [];
      if (topic === undefined || !Number.isSafeInteger(Number(offset))) damaged = true;
      else this.#offsets.set(`${topic} ${partition}`, Number(offset));
    }
    if (!damaged) return;
    const text = "A checkpoint file is damaged; partitions that it no longer holds count from their first segment";
    logger.warn(text, { path, read: this.#offsets.size });
  }

  /** The offset of a partition, 0 when it has none. */
  get(topic: string, partition: number): number {
    return this.#offsets.get(`${topic} ${partition}`) ?? 0;
  }

  /**
   * Sets an offset at the start, before there is anything else to do; it is on disk when this returns.
   * @throws the disk's error; `get` answers as before then.
   */
  set(topic: string, partition: number, offset: number): void {
    const offsets = new Map(this.#offsets).set(`${topic} ${partition}`, offset);
    this.#isInDoubt = true;
    replaceFile(this.disk, this.path, textOf(offsets));
    this.#isInDoubt = false;
    this.#offsets = offsets;
  }

  /**
   * Raises an offset, if it is lower; it is on disk once this resolves. Changes are made in the order of the calls.
   * @throws rejects with the disk's error; `get` answers as before then.
   */
  raise(topic: string, partition: number, offset: number): Promise<void> {
    return this.#inTurn((offsets) => {
      if (offset <= this.get(topic, partition)) return undefined;
      return new Map(offsets).set(`${topic} ${partition}`, offset);
    });
  }

  /**
   * Removes all partitions of a topic, in the file, too, once this resolves.
   * @throws rejects with the disk's error; `get` answers as before then.
   */
  drop(topic: string): Promise<void> {
    return this.#inTurn((offsets) => {
      const left = new Map([...offsets].filter(([key]) => !key.startsWith(`${topic} `)));
      return left.size < offsets.size || this.#isInDoubt ? left : undefined;
    });
  }

  /** Replaces all offsets. @throws rejects with the disk's error; `get` answers as before then. */
  replaceAll(offsets: ReadonlyMap<readonly [topic: string, partition: number], number>): Promise<void> {
    const all = [...offsets].map(([[topic, partition], offset]) => [`${topic} ${partition}`, offset] as const);
    return this.#inTurn(() => new Map(all));
  }

  /** @param plan returns the offsets to have; undefined: they stay as they are. */
  #inTurn(plan: (offsets: ReadonlyMap<string, number>) => Map<string, number> | undefined): Promise<void> {
    return this.#turns.take(this.path, async () => {
      const offsets = plan(this.#offsets);
      if (!offsets) return;
      const next = `${this.path}.tmp`;
      this.#isInDoubt = true;
      await writeFileDurablyLater(this.disk, next, textOf(offsets));
      this.disk.rename(next, this.path);
      await this.disk.syncFolderLater(dirname(this.path));
      this.#isInDoubt = false;
      this.#offsets = offsets;
    });
  }
}

function textOf(offsets: ReadonlyMap<string, number>): string {
  const lines = [...offsets].map(([key, offset]) => `${key} ${offset}\n`);
  return `0\n${lines.length}\n${lines.join("")}`;
}
