import { ConfigError, RetriableError } from "../api/index.js";
import type { KafkaAdmin } from "../kafka/client/kafka-admin.js";

/** The topic of a registry's records. */
export interface RegistryTopic {
  readonly name: string;
  /** At most; fewer where there are fewer brokers. */
  readonly replicationFactor: number;
  /** `kafkastore.topic.config.*` */
  readonly configs: Readonly<Record<string, string>>;
  readonly skipsValidation: boolean;
}

const TOPIC_KEY = "kafkastore.topic";

/**
 * Makes sure that the topic exists, and that it loses nothing.
 *
 * @throws ConfigError for an existing topic with several partitions, or that deletes records
 * @throws RetriableError STORE_UNREADABLE when it cannot be created
 */
export async function ensureRegistryTopic(topic: RegistryTopic, admin: KafkaAdmin): Promise<void> {
  const { topics } = await admin.describeTopics([topic.name]);
  const found = topics.get(topic.name);
  if (!found) return createTopic(topic, admin);
  if (topic.skipsValidation) return;
  if (found.partitions.length !== 1) {
    throw new ConfigError(
      TOPIC_KEY,
      `The schema topic ${topic.name} should have only 1 partition but has ${found.partitions.length}: name another topic with ${TOPIC_KEY}, or let the registry create it`,
    );
  }
  const policy = (await admin.describeTopicConfigs(topic.name)).get("cleanup.policy")?.value;
  if (policy === undefined || policy === "compact") return;
  throw new ConfigError(
    TOPIC_KEY,
    `The retention policy of the schema topic ${topic.name} is incorrect. Expected cleanup.policy to be 'compact' but it is ${policy}: set cleanup.policy=compact on the topic, or schemas will be lost`,
  );
}

async function createTopic({ name, replicationFactor, configs }: RegistryTopic, admin: KafkaAdmin): Promise<void> {
  for (let factor = replicationFactor; ; factor--) {
    const [result] = await admin.createTopics([
      { name, partitions: 1, replicationFactor: factor, configs: { ...configs, "cleanup.policy": "compact" } },
    ]);
    const code = result?.error?.codeName;
    // Another registry may have been faster.
    if (code === undefined || code === "TOPIC_ALREADY_EXISTS") return;
    if (code === "INVALID_REPLICATION_FACTOR" && factor > 1) continue;
    throw new RetriableError(
      "STORE_UNREADABLE",
      `The schema topic ${name} could not be created: ${result?.error?.message}; create it with one partition and cleanup.policy=compact, or name another with ${TOPIC_KEY}`,
      { cause: result?.error },
    );
  }
}
