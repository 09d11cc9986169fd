import type { Clock } from "../../api/clock.js";
import type { Logger } from "../../api/logger.js";
import type { Random } from "../../api/random.js";
import type { ClientMetrics } from "./client-metrics.js";
import type { ClientProperties, OnConnectivity } from "./client-options.js";
import type { Consumer, ConsumerOptions } from "./consumer.js";
import type { GroupConsumer, GroupConsumerOptions, RebalanceListener } from "./group-consumer.js";
import type { GroupMember, GroupMemberCallbacks, GroupMemberOptions } from "./group-member.js";
import type { KafkaAdmin } from "./kafka-admin.js";
import type { Producer, ProducerListener, ProducerOptions } from "./producer.js";
import type { TransactionalProducer, TransactionalProducerOptions } from "./transactional-producer.js";

export interface KafkaClientOptions {
  /**
   * Connection properties (`bootstrap.servers`, `client.id`, `security.protocol`, `sasl.*`, `ssl.*`, …) and the
   * defaults of all producers, consumers and members of this client. Unknown keys cause a warning, as in Java.
   */
  readonly properties: ClientProperties;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onConnectivity?: OnConnectivity;
}

/**
 * A client of one Kafka cluster. Created by `createKafkaClient(options)` (create-kafka-client.ts), which checks the
 * properties and throws a ConfigError naming the key, but does not connect. Connections open on first use, and calls
 * wait for a broker that is down. A task whose overrides change connection properties has its own client.
 */
export interface KafkaClient {
  readonly admin: KafkaAdmin;

  /** Creates a producer. @throws ConfigError naming the key of an invalid property. */
  producer<T>(options: ProducerOptions, listener: ProducerListener<T>): Producer<T>;

  /** Creates a producer for transactions (KIP-98). @throws ConfigError naming the key of an invalid property. */
  transactionalProducer<T>(
    options: TransactionalProducerOptions,
    listener: ProducerListener<T>,
  ): TransactionalProducer<T>;

  /** Creates a consumer without a group. @throws ConfigError naming the key of an invalid property. */
  consumer(options: ConsumerOptions): Consumer;

  /** Creates a consumer in the group `options.groupId`. @throws ConfigError naming the key of an invalid property. */
  groupConsumer(options: GroupConsumerOptions, listener: RebalanceListener): GroupConsumer;

  /** Creates a member of a group of any protocol type; it joins at `start()`. */
  groupMember(options: GroupMemberOptions, callbacks: GroupMemberCallbacks): GroupMember;

  /** What it has done so far. */
  metrics(): ClientMetrics;

  /**
   * Closes all producers, consumers and members of this client, without waiting for undelivered records, and then its
   * connections. Later calls to any of them fail with a ClientClosedError.
   */
  close(): Promise<void>;
}
