import type { Random } from "../../../src/base/random.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import type { ProducerStamp } from "../../../src/protocol/records/record-batch-writer.js";
import type { BrokerClient } from "../broker-client.js";
import { batchOf } from "../broker-log.js";
import type { KillLoad } from "./kill-load.js";
import { accepted, contentOf, create, send } from "./topic-requests.js";

const TOPIC = "idempotent";
const IN_FLIGHT = 5;

interface Sent {
  /** Of its first record: its sequence, and, since nothing is lost or repeated, its offset. */
  readonly first: number;
  readonly batch: Buffer;
}

/** An idempotent producer: it sends again what was unanswered, so that each record is there once, at its own number. */
export class IdempotentLoad implements KillLoad {
  readonly name = TOPIC;
  #session: Pick<ProducerStamp, "producerId" | "producerEpoch"> | undefined;
  /** In the order of their sending. */
  readonly #unanswered: Sent[] = [];
  #sent = 0;
  #acknowledged = 0;

  constructor(private readonly random: Random) {}

  async prepare(client: BrokerClient): Promise<void> {
    await create(client, TOPIC, 1);
    const anew = { transactionalId: null, transactionTimeoutMs: 0 };
    const { errorCode, producerId, producerEpoch } = await client.request(initProducerId, 4, anew);
    accepted(errorCode, "InitProducerId");
    this.#session = { producerId, producerEpoch };
  }

  async work(client: BrokerClient, acted: () => void): Promise<never> {
    const inFlight = this.#unanswered.map((sent) => this.#send(client, sent));
    for (;;) {
      while (inFlight.length < IN_FLIGHT) {
        const sent = this.#next();
        this.#unanswered.push(sent);
        inFlight.push(this.#send(client, sent));
      }
      // Those behind it fail with it; Promise.all keeps them from failing unheard.
      await Promise.race([inFlight[0]!, Promise.all(inFlight)]);
      inFlight.shift();
      acted();
    }
  }

  #next(): Sent {
    const count = 1 + this.random.integer(3);
    const first = this.#sent;
    this.#sent += count;
    const records = Array.from({ length: count }, (_, at) => ({
      value: `${first + at} ${"x".repeat(this.random.integer(400))}`,
    }));
    return { first, batch: batchOf(records, { ...this.#session!, baseSequence: first }) };
  }

  async #send(client: BrokerClient, sent: Sent): Promise<void> {
    const baseOffset = await send(client, TOPIC, 0, sent.batch);
    if (baseOffset !== sent.first) throw new Error(`the batch of sequence ${sent.first} is at offset ${baseOffset}`);
    this.#unanswered.splice(this.#unanswered.indexOf(sent), 1);
    this.#acknowledged = Math.max(this.#acknowledged, this.#unanswered[0]?.first ?? this.#sent);
  }

  async check(client: BrokerClient): Promise<void> {
    const content = await contentOf(client, TOPIC, 0);
    for (const [at, { offset, value }] of content.entries()) {
      const number = Number.parseInt(value ?? "", 10);
      if (offset !== at || number !== at) throw new Error(`offset ${offset} holds ${number} instead of ${at}`);
    }
    if (content.length < this.#acknowledged || content.length > this.#sent) {
      throw new Error(`${content.length} records; ${this.#acknowledged} were acknowledged, ${this.#sent} sent`);
    }
  }
}
