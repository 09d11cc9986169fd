import { mustRun } from "../../base/command-loop.js";
import { initProducerId } from "../../protocol/apis/init-producer-id.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { ProducerStamp } from "../../protocol/records/record-batch-writer.js";
import type { Cluster } from "../cluster/cluster.js";
import { retrying } from "../cluster/retry.js";
import type { BatchAuthor } from "./batch-author.js";
import { BatchSequences } from "./batch-sequences.js";
import type { ProducerIdentity } from "./transaction-coordinator-client.js";

/** An idempotent producer without transactions (KIP-98). It asks for its producer id before its first batch. */
export class IdempotentAuthor implements BatchAuthor {
  readonly transactionalId = null;
  readonly #sequences = new BatchSequences();
  #identity: ProducerIdentity | undefined;
  #failure: Error | undefined;
  #isAsking = false;

  /** @param wake lets the producer look again. */
  constructor(
    private readonly cluster: Cluster,
    private readonly wake: () => void,
  ) {}

  get failure(): Error | undefined {
    return this.#failure;
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }

  admits(): boolean {
    if (this.#identity) return true;
    if (!this.#isAsking) {
      this.#isAsking = true;
      mustRun("The producer id of an idempotent producer", this.#ask());
    }
    return false;
  }

  stamp(topic: string, partition: number, count: number): ProducerStamp {
    return { ...this.#identity!, baseSequence: this.#sequences.take(topic, partition, count) };
  }

  async #ask(): Promise<void> {
    const { cluster } = this;
    const request = { transactionalId: null, transactionTimeoutMs: cluster.config.requestTimeoutMs };
    try {
      this.#identity = await retrying(cluster, { timeoutMs: cluster.config.apiTimeoutMs }, async () => {
        const { errorCode, producerId, producerEpoch } = await cluster.sendToAny(initProducerId, request);
        if (errorCode !== 0) throw new KafkaError(errorCode, "Asking for a producer id");
        return { producerId, producerEpoch };
      });
      this.wake();
    } catch (error) {
      this.fail(error as Error);
    }
  }
}
