import {
  type Clock,
  ConfigError,
  invalidValue,
  type Props,
  type Random,
  type TopicReader,
  type TopicToRead,
} from "../../api/index.js";
import { LOGGERS } from "../../base/log/logger-names.js";
import type { NamedLogger } from "../../base/logger.js";
import type { TaskId } from "../../contract/task-id.js";
import type { GroupConsumer, RebalanceListener } from "../../kafka/client/group-consumer.js";
import type { KafkaAdmin } from "../../kafka/client/kafka-admin.js";
import type { KafkaClient, KafkaClientOptions } from "../../kafka/client/kafka-client.js";
import type { Producer, ProducerListener } from "../../kafka/client/producer.js";
import type { TransactionalProducer } from "../../kafka/client/transactional-producer.js";
import { DeadLetterQueue, ensureDeadLetterTopic, parseDeadLetterSettings } from "../sink/dead-letter-queue.js";
import type { SinkClients } from "../sink/sink-task-runner.js";
import type { SourceClients } from "../source/source-task-runner.js";
import { TopicPartitionReader } from "../source/topic-partition-reader.js";
import { configureUnder } from "../task/full-key.js";
import {
  adminProperties,
  type ClientKind,
  type DerivedProperties,
  deadLetterProducerProperties,
  sinkConsumerProperties,
  sourceProducerProperties,
  transactionalIdOf,
  transactionalProperties,
} from "../task/task-client-properties.js";
import type { NewConnectivity } from "../task/task-runner.js";
import { untilAnswered } from "../task/until-answered.js";
import type { TaskMetrics } from "../worker.js";

export type CreateKafkaClient = (options: KafkaClientOptions) => KafkaClient;

export interface TaskClientsParts {
  readonly id: TaskId;
  readonly workerProps: Props;
  readonly connectorProps: Props;
  readonly createKafkaClient: CreateKafkaClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: NamedLogger;
}

/**
 * A task's Kafka clients, each with its own connections as in Java: on a shared connection a consumer's waiting fetch
 * would delay a producer's request.
 */
export class TaskClients implements SourceClients, SinkClients {
  readonly #clients: { readonly kind: ClientKind; readonly client: KafkaClient }[] = [];
  #admin: KafkaAdmin | undefined;
  readonly #producerProperties: DerivedProperties;
  readonly #consumerProperties: ReturnType<typeof sinkConsumerProperties>;
  readonly #adminProperties: DerivedProperties;

  /** Connects to nothing yet. @throws ConfigError for overrides that the worker's policy forbids */
  constructor(private readonly parts: TaskClientsParts) {
    const { id, workerProps, connectorProps } = parts;
    this.#producerProperties = sourceProducerProperties(workerProps, connectorProps, id);
    this.#consumerProperties = sinkConsumerProperties(workerProps, connectorProps, id);
    this.#adminProperties = adminProperties(workerProps, connectorProps, id, "adminclient");
  }

  producer<T>(listener: ProducerListener<T>, connectivity: NewConnectivity): Producer<T> {
    return this.#client("producer", this.#producerProperties, connectivity).producer(
      { onConnectivity: connectivity() },
      listener,
    );
  }

  transactionalProducer<T>(listener: ProducerListener<T>, connectivity: NewConnectivity): TransactionalProducer<T> {
    const { workerProps, id } = this.parts;
    const options = { transactionalId: transactionalIdOf(workerProps, id), onConnectivity: connectivity() };
    const properties = transactionalProperties(this.#producerProperties);
    return this.#client("producer", properties, connectivity).transactionalProducer(options, listener);
  }

  admin(connectivity: NewConnectivity): KafkaAdmin {
    this.#admin ??= this.#client("admin", this.#adminProperties, connectivity).admin;
    return this.#admin;
  }

  consumer(
    topics: readonly string[] | RegExp,
    listener: RebalanceListener,
    connectivity: NewConnectivity,
  ): GroupConsumer {
    const { groupId, properties } = this.#consumerProperties;
    if (groupId.trim() === "") {
      const key = `${spelledPrefix("consumer", "group.id", this.parts.connectorProps, this.parts.workerProps)}group.id`;
      throw new ConfigError(key, invalidValue(key, groupId, "String must be non-empty"));
    }
    const options = { groupId, topics, onConnectivity: connectivity() };
    return this.#client("consumer", properties, connectivity).groupConsumer(options, listener);
  }

  async deadLetters(connectivity: NewConnectivity, signal: AbortSignal): Promise<DeadLetterQueue | undefined> {
    const { id, workerProps, connectorProps, clock, random, logger } = this.parts;
    const settings = parseDeadLetterSettings(connectorProps);
    if (!settings) return undefined;
    const adminSettings = adminProperties(workerProps, connectorProps, id, "dlq-adminclient");
    const admin = this.#client("admin", adminSettings, connectivity).admin;
    const what = `Creating dead letter topic ${settings.topic}`;
    const wait = { what, clock, random, logger, signal, waiting: connectivity() };
    await untilAnswered(() => ensureDeadLetterTopic(admin, settings, signal), wait);
    const producerSettings = deadLetterProducerProperties(workerProps, connectorProps, id);
    const client = this.#client("producer", producerSettings, connectivity);
    return new DeadLetterQueue(id, settings, clock, (listener) =>
      client.producer({ onConnectivity: connectivity() }, listener),
    );
  }

  /** Its waits do not show in the task's status: the source goes on without it. */
  openTopic({ topic, partition, properties, keyPrefix, notBefore }: TopicToRead): TopicReader {
    const { createKafkaClient, clock, random, logger } = this.parts;
    const { "group.id": groupId = "", ...own } = properties;
    const options = { properties: own, clock, random, logger: logger.named(LOGGERS.consumer) };
    const client = configureUnder(keyPrefix, () => createKafkaClient(options));
    const entry = { kind: "consumer" as const, client };
    this.#clients.push(entry);
    const forget = () => {
      const at = this.#clients.indexOf(entry);
      if (at >= 0) this.#clients.splice(at, 1);
    };
    return new TopicPartitionReader(client, groupId, { topic, partition, notBefore }, forget);
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map(({ client }) => client.close()));
  }

  metrics(): TaskMetrics["clients"] {
    return this.#clients.flatMap(({ kind, client }) => (kind === "admin" ? [] : [{ kind, ...client.metrics() }]));
  }

  /** @throws ConfigError with the key as the connector's or the worker's configuration spells it */
  #client(kind: ClientKind, properties: DerivedProperties, connectivity: NewConnectivity): KafkaClient {
    const { createKafkaClient, connectorProps, workerProps, clock, random, logger } = this.parts;
    const onConnectivity = connectivity();
    const prefixOf = (key: string) => spelledPrefix(kind, key, connectorProps, workerProps);
    const options = { properties, clock, random, logger: logger.named(LOGGERS[kind]), onConnectivity };
    const client = configureUnder(prefixOf, () => createKafkaClient(options));
    this.#clients.push({ kind, client });
    return client;
  }
}

/** The prefix of a client's key where it is set. For a key that is set nowhere, that of an override. */
function spelledPrefix(kind: ClientKind, key: string, connector: Props, worker: Props): string {
  const override = `${kind}.override.`;
  if (override + key in connector) return override;
  if (`${kind}.${key}` in worker) return `${kind}.`;
  return key in worker ? "" : override;
}
