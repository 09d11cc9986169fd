import type { Clock, Props, Random } from "../api/index.js";
import { LOGGERS } from "../base/log/logger-names.js";
import type { NamedLogger } from "../base/logger.js";
import { createKafkaClient } from "../kafka/create-kafka-client.js";
import { CompactedLog, type LogFold } from "../stores/compacted-log.js";
import { ensureInternalTopics, type InternalTopic } from "../stores/internal-topic.js";
import { KafkaLogTransport } from "../stores/log-transport.js";
import type { OpenedOffsetsTopic, OwnOffsetsParts } from "../stores/offset-store.js";
import { type OwnOffsetsPlan, ownOffsetsTopic, requireOneCluster } from "../worker/source/own-offsets-topic.js";

/** How to create a topic of offsets: as the worker's own; a standalone worker leaves it to the broker's defaults. */
export type OffsetsTopicSettings = Pick<InternalTopic, "partitions" | "replicationFactor" | "configs">;

/** The worker's own offsets topic. */
export interface WorkerOffsets {
  readonly topic: string;
  clusterId(signal: AbortSignal): Promise<string>;
}

interface Wiring {
  readonly stack: { readonly clock: Clock; readonly random: Random; readonly logger: NamedLogger };
  readonly props: Props;
}

/**
 * The offsets topics of connectors that have one of their own, with the clients that their overrides describe.
 *
 * @param ofWorker undefined: the worker keeps its offsets in a file.
 */
export function ownOffsets(
  { stack, props }: Wiring,
  settings: OffsetsTopicSettings,
  ofWorker?: WorkerOffsets,
): OwnOffsetsParts {
  const { clock, logger } = stack;
  return {
    clock,
    logger: logger.named(LOGGERS.stores),
    find(connector, config) {
      const plan = ownOffsetsTopic(props, config, connector);
      return (
        plan && {
          identity: JSON.stringify(plan),
          open: (signal) => open(connector, stack, plan, settings, ofWorker, signal),
        }
      );
    },
  };
}

async function open(
  connector: string,
  { clock, random, logger }: Wiring["stack"],
  plan: OwnOffsetsPlan,
  settings: OffsetsTopicSettings,
  ofWorker: WorkerOffsets | undefined,
  signal: AbortSignal,
): Promise<OpenedOffsetsTopic | undefined> {
  const { topic, producer, consumer, admin } = plan;
  const storeLogger = logger.named(LOGGERS.stores, { connector });
  const common = { clock, random };
  const creator = createKafkaClient({
    ...common,
    properties: admin,
    logger: logger.named(LOGGERS.admin, { connector }),
  });
  const reader = createKafkaClient({
    ...common,
    properties: consumer,
    logger: logger.named(LOGGERS.consumer, { connector }),
  });
  const writer = createKafkaClient({
    ...common,
    properties: producer,
    logger: logger.named(LOGGERS.producer, { connector }),
  });
  const close = async () => {
    await Promise.all([reader.close(), writer.close()]);
  };
  try {
    const [ofProducer, ofConsumer, ofAdmin] = await Promise.all(
      [writer, reader, creator].map((client) => client.admin.clusterId(signal)),
    );
    requireOneCluster(plan, { producer: ofProducer!, consumer: ofConsumer!, admin: ofAdmin! });
    if (ofWorker?.topic === topic && ofProducer !== "" && (await ofWorker.clusterId(signal)) === ofProducer) {
      await close();
      return undefined;
    }
    const wanted = {
      ...settings,
      name: topic,
      purpose: "source connector offsets",
      property: "offsets.storage.topic",
      replicationProperty: "offset.storage.replication.factor",
    };
    await ensureInternalTopics([wanted], { ...common, admin: creator.admin, logger: storeLogger }, signal);
  } catch (error) {
    await close();
    throw error;
  } finally {
    await creator.close();
  }
  return {
    // Committed records alone: tasks that deliver exactly once write here in transactions.
    openLog: (fold: LogFold) =>
      new CompactedLog({
        ...common,
        topic,
        transport: new KafkaLogTransport(reader, topic, clock, true, writer),
        logger: storeLogger,
        fold,
      }),
    close,
  };
}
