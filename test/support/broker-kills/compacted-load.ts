import type { Random } from "../../../src/base/random.js";
import type { BrokerClient } from "../broker-client.js";
import { batchOf } from "../broker-log.js";
import type { KillLoad } from "./kill-load.js";
import { LatestValues } from "./latest-values.js";
import { contentOf, create, send } from "./topic-requests.js";

/** Transactions write to it, too. */
export const TABLE = "table";
const WRITERS = ["a", "b"];
const KEYS = 8;

/** Producers that set and delete the keys of a topic that is compacted all the time. */
export class CompactedLoad implements KillLoad {
  readonly name = TABLE;
  readonly #writers = WRITERS.map((name) => ({ name, values: new LatestValues() }));
  #written = 0;
  #compacted = 0;

  constructor(private readonly random: Random) {}

  /** Records that compaction has taken away so far. */
  get compacted(): number {
    return this.#compacted;
  }

  prepare(client: BrokerClient): Promise<void> {
    return create(client, TABLE, 1, {
      "cleanup.policy": "compact",
      "segment.bytes": "4000",
      "min.cleanable.dirty.ratio": "0.01",
      "delete.retention.ms": "100",
    });
  }

  work(client: BrokerClient, acted: () => void): Promise<never> {
    return Promise.race(this.#writers.map(({ name, values }) => this.#write(client, name, values, acted)));
  }

  async #write(client: BrokerClient, name: string, values: LatestValues, acted: () => void): Promise<never> {
    for (;;) {
      const entries = Array.from({ length: 1 + this.random.integer(4) }, () => {
        const isDeleted = this.random.next() < 0.15;
        return [`${name}-${this.random.integer(KEYS)}`, isDeleted ? null : values.next()] as const;
      });
      const counts = values.sent(entries);
      const records = entries.map(([key, value]) => ({
        key,
        value: value === null ? null : `${value} ${"x".repeat(50)}`,
      }));
      await send(client, TABLE, 0, batchOf(records));
      this.#written += records.length;
      counts();
      acted();
    }
  }

  async check(client: BrokerClient): Promise<void> {
    const content = await contentOf(client, TABLE, 0);
    for (const { name, values } of this.#writers) {
      values.adopt(values.check(content, (key) => key.startsWith(`${name}-`)));
    }
    const kept = content.filter(({ key }) => WRITERS.some((name) => key?.startsWith(`${name}-`)));
    this.#compacted = Math.max(this.#compacted, this.#written - kept.length);
  }
}
