import type { TopicMessage, TopicReader, TopicToRead } from "../../api/index.js";
import type { Consumer } from "../../kafka/client/consumer.js";
import type { KafkaClient } from "../../kafka/client/kafka-client.js";

/** Reads a partition for a plugin, over a client of its own. */
export class TopicPartitionReader implements TopicReader {
  #consumer: Consumer | undefined;

  /** @param groupId "" if nothing is ever committed. */
  constructor(
    private readonly client: KafkaClient,
    private readonly groupId: string,
    private readonly what: Pick<TopicToRead, "topic" | "partition" | "notBefore">,
    private readonly closed: () => void,
  ) {}

  async poll(maxWaitMs: number): Promise<readonly TopicMessage[]> {
    this.#consumer ??= await this.#open();
    const fetched = await this.#consumer.poll(maxWaitMs);
    return fetched.flatMap(({ records }) =>
      records.map(({ offset, key, value }) => ({
        offset,
        key: key && Buffer.from(key),
        value: value && Buffer.from(value),
      })),
    );
  }

  async commit(nextOffset: number): Promise<void> {
    const { topic, partition } = this.what;
    if (this.groupId !== "")
      await this.client.admin.alterGroupOffsets(this.groupId, [{ topic, partition, offset: nextOffset }]);
  }

  async close(): Promise<void> {
    this.closed();
    await this.client.close();
  }

  async #open(): Promise<Consumer> {
    const { topic, partition, notBefore = 0 } = this.what;
    const committed = this.groupId === "" ? [] : await this.client.admin.listGroupOffsets(this.groupId);
    const own = committed.find((each) => each.topic === topic && each.partition === partition);
    const consumer = this.client.consumer({});
    consumer.assign([{ topic, partition }]);
    // An offset that the topic does not have, because it was made anew, ends at `auto.offset.reset`.
    if (own || notBefore > 0) consumer.seek({ topic, partition }, Math.max(own?.offset ?? 0, notBefore));
    return consumer;
  }
}
