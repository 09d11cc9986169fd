import type { ClientProperties } from "./client/client-options.js";
import type { KafkaClient, KafkaClientOptions } from "./client/kafka-client.js";
import type { ProducerListener, ProducerOptions } from "./client/producer.js";
import {
  type ConnectionConfig,
  connectionConfig,
  consumerConfig,
  groupConfig,
  idempotentConfig,
  producerConfig,
  transactionTimeoutMs,
} from "./client-properties.js";
import { Cluster } from "./cluster/cluster.js";
import { ClusterAdmin } from "./cluster-admin.js";
import { FetchConsumer } from "./consumer/fetch-consumer.js";
import { CoordinatedMember } from "./group/coordinated-member.js";
import { GroupFetchConsumer } from "./group/group-fetch-consumer.js";
import { ignoredSettings, unknownKeys } from "./idle-properties.js";
import { BatchingProducer } from "./producer/batching-producer.js";
import { CoordinatedProducer } from "./producer/coordinated-producer.js";
import { IdempotentAuthor } from "./producer/idempotent-author.js";
import { securityConfig } from "./security-config.js";
import { KafkajsTransport } from "./transport/kafkajs-transport.js";
import type { Transport } from "./transport/transport.js";

/**
 * Creates a client. Checks all properties but does not connect.
 * @throws ConfigError naming the key.
 */
export function createKafkaClient(options: KafkaClientOptions): KafkaClient {
  const config = connectionConfig(options.properties);
  const transport = new KafkajsTransport(config, securityConfig(options.properties), options.clock, options.logger);
  return createClientOver(transport, config, options);
}

/** Creates a client over any transport; for tests with a scripted broker. */
export function createClientOver(
  transport: Transport,
  config: ConnectionConfig,
  options: KafkaClientOptions,
): KafkaClient {
  const { properties, clock, random, logger } = options;
  const cluster = new Cluster({ config, transport, clock, random, logger, onConnectivity: options.onConnectivity });
  const merged = (overrides: ClientProperties | undefined): ClientProperties => ({ ...properties, ...overrides });
  // The client's properties may hold settings of each role: a bad one must fail now, not when the role is first used.
  const { acks } = producerConfig(properties);
  if (acks !== -1) logger.warn("A record may be lost although it counts as written: acks is not all", { acks });
  consumerConfig(properties);
  groupConfig(properties);
  for (const key of unknownKeys(properties)) logger.warn("A client property is not known and has no effect", { key });
  for (const each of ignoredSettings(properties))
    logger.warn("A client property is not supported and has no effect", each);
  return {
    admin: new ClusterAdmin(cluster),
    producer<T>({ properties: own, onConnectivity, isIdempotent }: ProducerOptions, listener: ProducerListener<T>) {
      const all = merged(own);
      if (!isIdempotent) return new BatchingProducer<T>(cluster, producerConfig(all), listener, onConnectivity);
      const author = new IdempotentAuthor(cluster, () => idempotent.wake());
      const idempotent = new BatchingProducer<T>(cluster, idempotentConfig(all), listener, onConnectivity, author);
      return idempotent;
    },
    transactionalProducer(producerOptions, listener) {
      const all = merged(producerOptions.properties);
      return new CoordinatedProducer(cluster, idempotentConfig(all), transactionTimeoutMs(all), {
        ...producerOptions,
        listener,
      });
    },
    consumer: (consumerOptions) =>
      new FetchConsumer(cluster, consumerConfig(merged(consumerOptions.properties)), consumerOptions.onConnectivity),
    groupConsumer(groupOptions, listener) {
      const all = merged(groupOptions.properties);
      return new GroupFetchConsumer(cluster, groupOptions, consumerConfig(all), groupConfig(all), listener);
    },
    groupMember: (memberOptions, callbacks) => new CoordinatedMember(cluster, memberOptions, callbacks),
    metrics: () => cluster.meter.metrics(),
    close() {
      cluster.close();
      return Promise.resolve();
    },
  };
}
