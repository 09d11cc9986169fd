import type { Logger } from "../../api/index.js";
import { Turns } from "../../base/turns.js";
import type { CompactedLog } from "../../stores/compacted-log.js";
import type { StoreRecord } from "../../stores/log-transport.js";
import { REFUSALS, RegistryError } from "../operations/registry-error.js";
import type { LeaderPlace } from "./leadership.js";

/** The texts of the failures of one kind of write, as clients know them. */
export interface WriteTexts {
  readonly forward: string;
  readonly noLeader: string;
  readonly timeout: string;
  readonly store: string;
}

export interface LeaderWritesOptions {
  readonly log: Pick<CompactedLog, "send" | "readToEnd">;
  readonly place: () => LeaderPlace | undefined;
  readonly logger: Logger;
  /** `kafkastore.timeout.ms` */
  readonly timeoutMs: number;
  /** `kafkastore.init.timeout.ms` */
  readonly catchUpMs: number;
}

/** The leader's writes: one at a time, each decided on a state that has everything that was written before. */
export class LeaderWrites {
  readonly #turns = new Turns();
  /** The term in which the state is known to be complete. */
  #caughtUp: object | undefined;

  constructor(private readonly options: LeaderWritesOptions) {}

  /**
   * Decides and writes. Resolves once the state has what was written.
   *
   * @param plan decides on the present state; it may be called only once
   * @throws RegistryError of the decision, 42209, 50001, 50002 or 50004
   */
  run<P extends { readonly records: readonly StoreRecord[] }>(texts: WriteTexts, plan: () => P): Promise<P> {
    return this.#turns.take("write", async () => {
      const term = this.#term(texts);
      if (this.#caughtUp !== term) {
        // Another leader's last writes may have arrived after its successor was elected.
        await this.#readToEnd(this.options.catchUpMs, texts);
        this.#caughtUp = term;
      }
      const planned = plan();
      if (planned.records.length === 0) return planned;
      await this.#send(planned.records, texts, term);
      await this.#readToEnd(this.options.timeoutMs, texts);
      return planned;
    });
  }

  /** Writes back what a refused record would have changed, if this registry leads. */
  restore(record: StoreRecord): void {
    const texts = { forward: "", noLeader: "", timeout: "timed out", store: "failed" };
    this.run(texts, () => ({ records: [record] })).catch((error: unknown) => {
      if (error instanceof RegistryError && error.code === 50004) return;
      this.options.logger.warn("A schema that a refused record has hidden could not be written again", {}, error);
    });
  }

  #term(texts: WriteTexts): object {
    const term = this.options.place()?.term;
    if (!term) throw REFUSALS.noLeader(texts.noLeader);
    return term;
  }

  async #send(records: readonly StoreRecord[], texts: WriteTexts, term: object): Promise<void> {
    const permit = () => {
      if (this.#term(texts) !== term) throw REFUSALS.noLeader(texts.noLeader);
    };
    try {
      await this.options.log.send(records, permit);
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      // What was written in part must not be built upon unseen.
      this.#caughtUp = undefined;
      throw isTooLarge(error) ? REFUSALS.tooLarge(error) : REFUSALS.store(texts.store, error);
    }
  }

  async #readToEnd(timeoutMs: number, texts: WriteTexts): Promise<void> {
    try {
      await this.options.log.readToEnd(timeoutMs);
    } catch (error) {
      this.#caughtUp = undefined;
      throw REFUSALS.timeout(texts.timeout, error);
    }
  }
}

function isTooLarge(error: unknown): boolean {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    const code = "codeName" in inner ? inner.codeName : undefined;
    if (code === "MESSAGE_TOO_LARGE" || code === "RECORD_LIST_TOO_LARGE" || code === "RECORD_TOO_LARGE") return true;
  }
  return false;
}
