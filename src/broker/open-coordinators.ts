import type { Clock } from "../base/clock.js";
import type { Logger } from "../base/logger.js";
import type { Random } from "../base/random.js";
import type { BrokerProperties } from "./broker-properties.js";
import type { TopicsView } from "./groups/consumer/assignment/topics-view.js";
import { GroupCoordinator } from "./groups/group-coordinator.js";
import { GroupLog, OFFSETS_TOPIC } from "./groups/group-log.js";
import type { Broker } from "./handler.js";
import type { BrokerState } from "./metadata/broker-state.js";
import type { TopicRegistry } from "./topics/topic-registry.js";
import { MarkerWriter } from "./transactions/marker-writer.js";
import { TransactionCoordinator } from "./transactions/transaction-coordinator.js";
import { openTransactionLog, TRANSACTIONS_TOPIC } from "./transactions/transaction-log.js";

interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Opens the coordinators of groups and of transactions, and folds their topics; `__consumer_offsets` is created if it
 * does not exist. Called once by each start of a broker, before it listens.
 */
export async function openCoordinators(
  topics: TopicRegistry,
  state: BrokerState,
  surroundings: Surroundings,
  properties: BrokerProperties,
): Promise<Pick<Broker, "groups" | "markers" | "transactions">> {
  const groups = await openGroups(topics, state, surroundings, properties);
  const markers = new MarkerWriter({
    logOf: (topic, partition) => topics.log(topic, partition),
    onOffsetsMarker: (...end) => groups.offsets.endTransaction(...end),
    offsetsTopic: OFFSETS_TOPIC,
  });
  const transactions = openTransactions(topics, state, surroundings, properties, markers);
  return { groups, markers, transactions };
}

async function openGroups(
  topics: TopicRegistry,
  state: BrokerState,
  { clock, random, logger }: Surroundings,
  properties: BrokerProperties,
) {
  const { logs } =
    topics.get(OFFSETS_TOPIC) ?? (await topics.create(internalTopicPlan(OFFSETS_TOPIC, "offsets.topic", properties)));
  const log = new GroupLog(() => logs, logger);
  const configsOf = (groupId: string) => state.metadata.groupConfigs.get(groupId) ?? {};
  const view = topicsView(topics, clock);
  const groups = new GroupCoordinator(log, properties, clock, random, logger, view, configsOf);
  groups.load();
  topics.onDeleted((name) => groups.forgetTopic(name));
  return groups;
}

/** The topics as the groups see them. */
function topicsView(topics: TopicRegistry, clock: Clock): TopicsView {
  return {
    get version() {
      return topics.version;
    },
    get: (name) => {
      const topic = topics.get(name);
      return topic && { id: topic.id, partitions: topic.logs.length };
    },
    nameOf: (topicId) => topics.byId(topicId)?.name,
    names: () => topics.all().map(({ name }) => name),
    nowMs: () => clock.nowMs(),
  };
}

function openTransactions(
  topics: TopicRegistry,
  state: BrokerState,
  { clock, logger }: Surroundings,
  properties: BrokerProperties,
  markers: MarkerWriter,
) {
  let creating: Promise<unknown> | undefined;
  const transactions = new TransactionCoordinator({
    log: openTransactionLog(() => topics.get(TRANSACTIONS_TOPIC)?.logs ?? [], logger),
    createTopic: async () => {
      if (topics.get(TRANSACTIONS_TOPIC)) return;
      const plan = internalTopicPlan(TRANSACTIONS_TOPIC, "transaction.state.log", properties);
      creating ??= topics.create(plan).finally(() => {
        creating = undefined;
      });
      await creating;
    },
    markers,
    takeProducerId: () => state.takeProducerId(),
    epoch: state.metadata.epoch,
    properties,
    clock,
    logger,
  });
  transactions.load();
  return transactions;
}

/** @param prefix of the broker's properties for the topic. */
function internalTopicPlan(name: string, prefix: string, properties: BrokerProperties) {
  return {
    kind: "create" as const,
    name,
    partitions: properties.number(`${prefix}.num.partitions`),
    replicationFactor: 1,
    configs: {
      "cleanup.policy": "compact",
      "compression.type": "producer",
      "segment.bytes": properties.text(`${prefix}.segment.bytes`)!,
    },
  };
}
