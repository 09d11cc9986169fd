import { appendFileSync, closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { Patience } from "../patience.js";

const LINES_EVERY_MS = 20;
const LOOK_EVERY_MS = 200;
const CHUNK_BYTES = 256 * 1024;

/** Files that grow by numbered lines, `s0 17`, and the file in which a sink gathers them all. */
export class ChaosLoad {
  readonly #written: Map<string, number>;
  readonly #arrived = new Set<string>();
  /** All lines of a source before this one have arrived. */
  readonly #complete: Map<string, number>;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  #readBytes = 0;
  #rest = "";
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly files: ReadonlyMap<string, string>,
    private readonly out: string,
  ) {
    this.#written = new Map([...files.keys()].map((source) => [source, 0]));
    this.#complete = new Map(this.#written);
    for (const file of [...files.values(), out]) writeFileSync(file, "");
  }

  /** One line in each file every 20 ms, until `end`. */
  start(): void {
    this.#timer = setInterval(() => this.#write(), LINES_EVERY_MS);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The lines written to a source's file, in order. */
  lines(source: string): string[] {
    return Array.from({ length: this.#written.get(source) ?? 0 }, (_, at) => `${source} ${at}`);
  }

  /** Whether the sink's file holds that line. */
  has(line: string): boolean {
    if (!this.#arrived.has(line)) this.#look();
    return this.#arrived.has(line);
  }

  /**
   * Resolves once the sink's file has all lines written so far, and so many more of each source while the load lasts.
   *
   * @throws Error naming a missing line once none of what is due has arrived for `stuckMs` of the patience that `Patience` measures.
   */
  async delivered(more: number, stuckMs: number): Promise<void> {
    const due = [...this.#written].map(([source, count]) => [source, count + (this.#timer ? more : 0)] as const);
    let isStuck = false;
    const patience = new Patience(stuckMs, () => {
      isStuck = true;
    });
    try {
      for (let reached = -1; ; ) {
        this.#look();
        const missing = due.find(([source, count]) => this.#completeOf(source) < count);
        if (!missing) return;
        // Of what is due: one stuck source must not hide behind the others.
        const reach = due.reduce((sum, [source, count]) => sum + Math.min(count, this.#completeOf(source)), 0);
        if (reach > reached) patience.renew();
        reached = reach;
        if (isStuck) throw new Error(`${missing[0]} ${this.#completeOf(missing[0])} does not arrive`);
        await new Promise((next) => setTimeout(next, LOOK_EVERY_MS));
      }
    } finally {
      patience.end();
    }
  }

  #completeOf(source: string): number {
    let count = this.#complete.get(source)!;
    while (this.#arrived.has(`${source} ${count}`)) count++;
    this.#complete.set(source, count);
    return count;
  }

  #write(): void {
    for (const [source, count] of this.#written) {
      appendFileSync(this.files.get(source)!, `${source} ${count}\n`);
      this.#written.set(source, count + 1);
    }
  }

  /** Reads on in the sink's file. */
  #look(): void {
    const file = openSync(this.out, "r");
    try {
      for (;;) {
        const count = readSync(file, this.#chunk, 0, CHUNK_BYTES, this.#readBytes);
        if (count === 0) return;
        this.#readBytes += count;
        const lines = (this.#rest + this.#chunk.toString("latin1", 0, count)).split("\n");
        this.#rest = lines.pop()!;
        for (const line of lines) this.#arrived.add(line);
      }
    } finally {
      closeSync(file);
    }
  }
}
