import type pg from "pg";
import type { Clock, Logger, Timer } from "../../../src/api/index.js";
import { queryRows } from "../server/query-rows.js";

export interface SlotXminParts {
  readonly slotName: string;
  /** xmin.fetch.interval.ms */
  readonly intervalMs: number;
  readonly catalog: () => Promise<pg.Client>;
  /** Called with each new value. */
  readonly changed: (xmin: number | null) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The oldest transaction of which a slot keeps the catalog's rows, asked for again and again in the background. */
export class SlotXmin {
  #value: number | null = null;
  #timer: Timer | undefined;
  #isStopped = false;
  #hasFailed = false;

  constructor(private readonly parts: SlotXminParts) {}

  /** Resolves once it is known. @throws the server's error; later ones are only logged. */
  async start(): Promise<void> {
    await this.#read();
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    const { clock, intervalMs } = this.parts;
    if (!this.#isStopped) this.#timer = clock.schedule(intervalMs, () => void this.#again());
  }

  /** Never rejects. */
  async #again(): Promise<void> {
    try {
      await this.#read();
      this.#hasFailed = false;
    } catch (error) {
      // A stop cuts the connection: that error is expected.
      if (!this.#isStopped && !this.#hasFailed)
        this.parts.logger.warn("The slot's xmin cannot be read; events keep the last one", {}, error);
      this.#hasFailed = true;
    }
    this.#schedule();
  }

  async #read(): Promise<void> {
    const { catalog, slotName, changed } = this.parts;
    const sql = "SELECT catalog_xmin AS xmin FROM pg_replication_slots WHERE slot_name = $1";
    const [row] = await queryRows(await catalog(), sql, [slotName]);
    const xmin = row?.["xmin"] ?? null;
    const value = xmin === null ? null : Number(xmin);
    if (value === this.#value || this.#isStopped) return;
    this.#value = value;
    changed(value);
  }
}
