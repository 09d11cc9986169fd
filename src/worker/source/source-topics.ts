import { type Clock, type Logger, NotFoundError, type Random } from "../../api/index.js";
import type { OnConnectivity } from "../../kafka/client/client-options.js";
import type { KafkaAdmin } from "../../kafka/client/kafka-admin.js";
import { untilAnswered } from "../task/until-answered.js";
import { planTopic, type TopicCreation } from "./topic-creation.js";

/** The topics that a source task has written to. Missing ones are created by the connector's rules (KIP-158). */
export class SourceTopics {
  /** Known to exist. */
  readonly #met = new Set<string>();
  readonly #reported = new Set<string>();

  constructor(
    /** Undefined: the broker's auto-creation handles missing topics. */
    private readonly creation: TopicCreation | undefined,
    private readonly admin: () => KafkaAdmin,
    private readonly used: (topic: string) => void,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
    private readonly waiting: OnConnectivity,
  ) {}

  /** Called before the first record: a client that refuses its settings must fail the task at its start. @throws ConfigError */
  open(): void {
    if (this.creation) this.admin();
  }

  /** Checked for every record; `meet` follows if false. */
  has(topic: string): boolean {
    return this.#reported.has(topic);
  }

  /** Each topic's next record is reported as its first. */
  forget(): void {
    this.#reported.clear();
  }

  /**
   * Call before the first record for a topic.
   *
   * @throws NotFoundError TOPIC_NOT_CREATED, or the KafkaError of a refusal
   */
  async meet(topic: string, signal: AbortSignal): Promise<void> {
    const { creation, clock, random, logger, waiting } = this;
    if (creation && !this.#met.has(topic)) {
      const what = `Creating topic ${topic}`;
      const wait = { what, clock, random, logger, signal, waiting };
      await untilAnswered(() => this.#ensure(creation, topic, signal), wait);
    }
    this.#met.add(topic);
    this.#reported.add(topic);
    this.used(topic);
  }

  async #ensure(creation: TopicCreation, topic: string, signal: AbortSignal): Promise<void> {
    const admin = this.admin();
    const { missing } = await admin.describeTopics([topic], signal);
    if (missing.length === 0) return;
    const [result] = await admin.createTopics([planTopic(creation, topic)], signal);
    if (!result?.error || result.error.codeName === "TOPIC_ALREADY_EXISTS") return;
    const message = `Task failed to create new topic ${topic}: see its topic.creation.* keys`;
    throw new NotFoundError("TOPIC_NOT_CREATED", message, { cause: result.error });
  }
}
