import type { Random } from "../../../src/base/random.js";
import { deleteTopics } from "../../../src/protocol/apis/delete-topics.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import type { BrokerClient } from "../broker-client.js";
import { batchOf } from "../broker-log.js";
import { AcknowledgedRecords } from "./acknowledged-records.js";
import type { KillLoad } from "./kill-load.js";
import { accepted, contentOf, create, send } from "./topic-requests.js";

interface Topic {
  readonly name: string;
  state: "absent" | "creating" | "present" | "deleting";
  /** How often it was created. Its records begin with it. */
  generation: number;
  records: AcknowledgedRecords;
}

/** Topics that are created, written to and deleted under the same few names. */
export class TopicsLoad implements KillLoad {
  readonly name = "topics";
  readonly #topics: readonly Topic[] = ["now-0", "now-1"].map((name) => ({
    name,
    state: "absent",
    generation: 0,
    records: new AcknowledgedRecords(),
  }));
  #deleted = 0;

  constructor(private readonly random: Random) {}

  /** Deletions that were acknowledged. */
  get deleted(): number {
    return this.#deleted;
  }

  async prepare(): Promise<void> {}

  work(client: BrokerClient, acted: () => void): Promise<never> {
    return Promise.race(this.#topics.map((topic) => this.#live(client, topic, acted)));
  }

  async #live(client: BrokerClient, topic: Topic, acted: () => void): Promise<never> {
    for (;;) {
      if (topic.state === "absent") await this.#create(client, topic);
      else if (this.random.next() < 0.03) await this.#delete(client, topic);
      else await this.#write(client, topic);
      acted();
    }
  }

  async #create(client: BrokerClient, topic: Topic): Promise<void> {
    topic.state = "creating";
    topic.generation++;
    topic.records = new AcknowledgedRecords();
    await create(client, topic.name, 2);
    topic.state = "present";
  }

  async #delete(client: BrokerClient, topic: Topic): Promise<void> {
    topic.state = "deleting";
    const { responses } = await client.request(deleteTopics, 4, { topicNames: [topic.name], timeoutMs: 10_000 });
    accepted(responses[0]!.errorCode, `DeleteTopics of ${topic.name}`);
    topic.state = "absent";
    this.#deleted++;
  }

  async #write(client: BrokerClient, { name, generation, records }: Topic): Promise<void> {
    const numbers = records.take(1 + this.random.integer(3));
    const batch = batchOf(numbers.map((number) => ({ key: String(generation), value: String(number) })));
    records.acknowledged(await send(client, name, 0, batch), numbers);
  }

  async check(client: BrokerClient): Promise<void> {
    const asked = this.#topics.map(({ name }) => ({ name }));
    const { topics } = await client.request(metadata, 9, { topics: asked, allowAutoTopicCreation: false });
    for (const topic of this.#topics) {
      const { name, state, generation, records } = topic;
      const { errorCode } = topics.find((each) => each.name === name)!;
      const exists = errorCode !== ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION;
      if (exists) accepted(errorCode, `Metadata of ${name}`);
      if (exists ? state === "absent" : state === "present")
        throw new Error(`${name} is ${exists ? "" : "not "}there, but ${state}`);
      topic.state = exists ? "present" : "absent";
      if (!exists) continue;
      const content = await contentOf(client, name, 0);
      const stray = content.find(({ key }) => key !== String(generation));
      if (stray) throw new Error(`${name} of generation ${generation} has a record of ${stray.key} at ${stray.offset}`);
      records.check(content);
    }
  }
}
