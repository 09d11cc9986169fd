import type { Random } from "../../../src/base/random.js";
import type { BrokerClient } from "../broker-client.js";
import { batchOf } from "../broker-log.js";
import { AcknowledgedRecords } from "./acknowledged-records.js";
import type { KillLoad } from "./kill-load.js";
import { contentOf, create, send } from "./topic-requests.js";

const TOPIC = "plain";
const IN_FLIGHT = 3;

/** A producer with acks=all that sends nothing twice: what was unanswered may be there, or not. */
export class PlainLoad implements KillLoad {
  readonly name = TOPIC;
  readonly #partitions = [new AcknowledgedRecords(), new AcknowledgedRecords()];

  constructor(private readonly random: Random) {}

  prepare(client: BrokerClient): Promise<void> {
    return create(client, TOPIC, this.#partitions.length);
  }

  async work(client: BrokerClient, acted: () => void): Promise<never> {
    return Promise.race(Array.from({ length: IN_FLIGHT }, () => this.#send(client, acted)));
  }

  async #send(client: BrokerClient, acted: () => void): Promise<never> {
    for (;;) {
      const partition = this.random.integer(this.#partitions.length);
      const records = this.#partitions[partition]!;
      const numbers = records.take(1 + this.random.integer(3));
      const batch = batchOf(numbers.map((number) => ({ value: `${number} ${"x".repeat(this.random.integer(400))}` })));
      records.acknowledged(await send(client, TOPIC, partition, batch), numbers);
      acted();
    }
  }

  async check(client: BrokerClient): Promise<void> {
    for (const [partition, records] of this.#partitions.entries()) {
      records.check(await contentOf(client, TOPIC, partition));
    }
  }
}
