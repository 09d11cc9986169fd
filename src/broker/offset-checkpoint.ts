import { existsSync, readFileSync } from "node:fs";
import { replaceFile } from "../base/durable-files.js";

/** One offset per partition in Kafka's checkpoint format: `0`, the count, then `topic partition offset` lines. */
export class OffsetCheckpoint {
  readonly #offsets = new Map<string, number>();

  constructor(private readonly path: string) {
    if (!existsSync(path)) return;
    for (const line of readFileSync(path, "utf8").split("\n").slice(2)) {
      const [topic, partition, offset] = line.split(" ");
      if (topic && partition !== undefined && Number.isSafeInteger(Number(offset))) {
        this.#offsets.set(`${topic} ${partition}`, Number(offset));
      }
    }
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
    replaceFile(this.path, `0\n${lines.length}\n${lines.join("")}`);
  }
}
