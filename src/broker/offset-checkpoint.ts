import type { Disk } from "../base/files/disk.js";
import { replaceFile, writeAt } from "../base/files/durable-files.js";
import type { Logger } from "../base/logger.js";

/** One offset per partition in Kafka's checkpoint format: `0`, the count, then `topic partition offset` lines. */
export class OffsetCheckpoint {
  #offsets = new Map<string, number>();
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

  /** Sets an offset; it is on disk when this returns. @throws the disk's error; `get` answers as before then. */
  set(topic: string, partition: number, offset: number): void {
    this.#replace(new Map(this.#offsets).set(`${topic} ${partition}`, offset));
  }

  /** Removes all partitions of a topic, in the file, too. @throws the disk's error; `get` answers as before then. */
  drop(topic: string): void {
    const left = new Map([...this.#offsets].filter(([key]) => !key.startsWith(`${topic} `)));
    if (left.size < this.#offsets.size || this.#isInDoubt) this.#replace(left);
  }

  /** Replaces all offsets, in the background. @throws rejects with the disk's error; `get` answers as before then. */
  async replaceAll(offsets: ReadonlyMap<readonly [topic: string, partition: number], number>): Promise<void> {
    const next = `${this.path}.tmp`;
    const fd = this.disk.open(next, "replace");
    const all = new Map([...offsets].map(([[topic, partition], offset]) => [`${topic} ${partition}`, offset]));
    try {
      writeAt(this.disk, fd, Buffer.from(textOf(all)), 0);
      await this.disk.syncLater(fd);
    } finally {
      this.disk.close(fd);
    }
    this.disk.rename(next, this.path);
    this.#offsets = all;
  }

  #replace(offsets: Map<string, number>): void {
    this.#isInDoubt = true;
    replaceFile(this.disk, this.path, textOf(offsets));
    this.#isInDoubt = false;
    this.#offsets = offsets;
  }
}

function textOf(offsets: ReadonlyMap<string, number>): string {
  const lines = [...offsets].map(([key, offset]) => `${key} ${offset}\n`);
  return `0\n${lines.length}\n${lines.join("")}`;
}
