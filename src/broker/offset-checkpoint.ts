import type { Disk } from "../base/files/disk.js";
import { replaceFile } from "../base/files/durable-files.js";
import type { Logger } from "../base/logger.js";

/** One offset per partition in Kafka's checkpoint format: `0`, the count, then `topic partition offset` lines. */
export class OffsetCheckpoint {
  readonly #offsets = new Map<string, number>();

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

  /** Sets an offset; it is on disk when this returns. */
  set(topic: string, partition: number, offset: number): void {
    this.#offsets.set(`${topic} ${partition}`, offset);
    this.#write();
  }

  /** Removes all partitions of a topic. */
  drop(topic: string): void {
    let dropped = false;
    for (const key of this.#offsets.keys()) {
      if (key.startsWith(`${topic} `)) dropped = this.#offsets.delete(key) || dropped;
    }
    if (dropped) this.#write();
  }

  #write(): void {
    const lines = [...this.#offsets].map(([key, offset]) => `${key} ${offset}\n`);
    replaceFile(this.disk, this.path, `0\n${lines.length}\n${lines.join("")}`);
  }
}
