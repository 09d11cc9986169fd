import { type Clock, ConfigError, type Logger, type Random, RetriableError } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import type { KafkaAdmin, TopicResult } from "../kafka/client/kafka-admin.js";

/** A topic in which a worker keeps state. */
export interface InternalTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Topic configs from the worker's properties; the cleanup policy is always `compact`. */
  readonly configs: Readonly<Record<string, string>>;
  /** The property that names the topic, and the worker's for its replication factor, for error messages. */
  readonly property: string;
  readonly replicationProperty: string;
  /** "source offsets", for error messages. */
  readonly purpose: string;
}

export interface TopicEnvironment {
  readonly admin: KafkaAdmin;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Creation is retried for this long, because some brokers of a starting cluster may still be missing. */
const CREATE_TIMEOUT_MS = 60_000;
const EXISTS = "TOPIC_ALREADY_EXISTS";
const TRY_AGAIN: ReadonlySet<string> = new Set([
  "REQUEST_TIMED_OUT",
  "INVALID_REPLICATION_FACTOR",
  "NOT_CONTROLLER",
  "COORDINATOR_NOT_AVAILABLE",
]);
/** The broker does not let us describe or create: its operator is responsible for the topic. */
const NOT_OURS: ReadonlySet<string> = new Set([
  "TOPIC_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "UNSUPPORTED_VERSION",
  "POLICY_VIOLATION",
]);

/**
 * Makes sure that the topics exist and are compacted; creates missing ones.
 *
 * @throws ConfigError naming topic, property and remedy, if an existing topic would lose state.
 * @throws RetriableError STORE_UNREADABLE when creation failed for good.
 */
export async function ensureInternalTopics(
  topics: readonly InternalTopic[],
  environment: TopicEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const { topics: known, missing } = await environment.admin.describeTopics(
    topics.map(({ name }) => name),
    signal,
  );
  const absent = topics.filter(({ name }) => missing.includes(name));
  const created = await createTopics(absent, environment, signal);
  const existing = topics.filter(({ name }) => !created.has(name));
  for (const topic of existing) {
    const count = known.get(topic.name)?.partitions.length;
    if (topic.partitions === 1 && count !== undefined && count > 1) {
      throw new ConfigError(
        topic.property,
        `Topic '${topic.name}' supplied via the '${topic.property}' property is required to have a single partition in order to guarantee consistency of ${topic.purpose}, but found ${count} partitions: name another topic, or delete this one and let the worker create it`,
      );
    }
  }
  await Promise.all(existing.map((topic) => requireCompaction(topic, environment, signal)));
}

async function createTopics(
  topics: readonly InternalTopic[],
  { admin, clock, random, logger }: TopicEnvironment,
  signal: AbortSignal,
): Promise<Set<string>> {
  const created = new Set<string>();
  const backoff = new Backoff({ initialMs: 100, maxMs: 1_000 }, random);
  const deadlineMs = clock.monotonicMs() + CREATE_TIMEOUT_MS;
  let left = topics;
  while (left.length > 0) {
    const results = await admin.createTopics(
      left.map(({ name, partitions, replicationFactor, configs }) => ({
        name,
        partitions,
        replicationFactor,
        configs: { ...configs, "cleanup.policy": "compact" },
      })),
      signal,
    );
    const again = new Set<string>();
    for (const result of results) {
      const code = result.error?.codeName ?? "";
      if (!result.error) created.add(result.name);
      else if (code === EXISTS) logger.debug("Another worker created an internal topic", { topic: result.name });
      else if (NOT_OURS.has(code)) {
        logger.warn(
          "The broker refuses to create an internal topic; assuming that it exists",
          { topic: result.name },
          result.error,
        );
      } else if (TRY_AGAIN.has(code) && clock.monotonicMs() < deadlineMs && !signal.aborted) again.add(result.name);
      else
        throw creationFailed(
          left.find(({ name }) => name === result.name),
          result,
        );
    }
    left = left.filter(({ name }) => again.has(name));
    if (left.length > 0) await clock.delay(backoff.nextMs(), signal);
  }
  return created;
}

function creationFailed(topic: InternalTopic | undefined, { name, error }: TopicResult): RetriableError {
  const advice =
    error?.codeName === "INVALID_REPLICATION_FACTOR" && topic
      ? `; set ${topic.replicationProperty} (now ${topic.replicationFactor}) to no more than the number of brokers`
      : "";
  return new RetriableError(
    "STORE_UNREADABLE",
    `Topic '${name}' for ${topic?.purpose} could not be created: ${error?.message}${advice}`,
    { cause: error },
  );
}

async function requireCompaction(
  topic: InternalTopic,
  { admin, logger }: TopicEnvironment,
  signal: AbortSignal,
): Promise<void> {
  let policy: string | null | undefined;
  try {
    policy = (await admin.describeTopicConfigs(topic.name, signal)).get("cleanup.policy")?.value;
  } catch (error) {
    if (!NOT_OURS.has(codeName(error))) throw error;
    logger.warn(
      "The broker refuses to show the cleanup.policy of an internal topic; assuming compact",
      { topic: topic.name },
      error,
    );
    return;
  }
  if (policy == null || policy === "compact") return;
  throw new ConfigError(
    topic.property,
    `Topic '${topic.name}' supplied via the '${topic.property}' property is required to have 'cleanup.policy=compact' to guarantee consistency and durability of ${topic.purpose}, but found the topic currently has 'cleanup.policy=${policy}': set cleanup.policy=compact on the topic, or name another one. Continuing would likely result in eventually losing ${topic.purpose} and problems restarting this Connect cluster in the future`,
  );
}

function codeName(error: unknown): string {
  return error instanceof Error && "codeName" in error && typeof error.codeName === "string" ? error.codeName : "";
}
