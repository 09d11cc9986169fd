import { SimClock } from "../../src/base/clock.js";
import { type Logger, silentLogger } from "../../src/base/logger.js";
import type { Random } from "../../src/base/random.js";
import { BrokerProperties } from "../../src/broker/broker-properties.js";
import { SealedFiles } from "../../src/broker/log/segments/sealed-files.js";
import { BrokerState } from "../../src/broker/metadata/broker-state.js";
import { MetadataLog } from "../../src/broker/metadata/metadata-log.js";
import { OffsetCheckpoint } from "../../src/broker/offset-checkpoint.js";
import { TopicRegistry } from "../../src/broker/topics/topic-registry.js";
import type { MemoryDisk } from "./memory-disk.js";

/** The broker's data folder, which must exist on the disk. */
export const DATA_FOLDER = "/data";

interface TopicsOptions {
  readonly random: Random;
  readonly clock?: SimClock;
  readonly logger?: Logger;
  readonly properties?: BrokerProperties;
}

/**
 * Opens the metadata and the topics of a broker as its start does.
 *
 * @throws the disk's error.
 */
export async function openTopicsOn(
  disk: MemoryDisk,
  { random, clock = new SimClock(), logger = silentLogger, properties = new BrokerProperties({}) }: TopicsOptions,
): Promise<{ readonly topics: TopicRegistry; readonly state: BrokerState }> {
  const metadata = new MetadataLog(DATA_FOLDER, disk, () => undefined, logger);
  const state = BrokerState.open(metadata, random, () => clock.turn());
  properties.setDynamic(state.metadata.nodeConfigs, state.metadata.defaultConfigs);
  const checkpoint = (name: string) => new OffsetCheckpoint(`${DATA_FOLDER}/${name}`, disk, logger);
  const topics = await TopicRegistry.open({
    folder: DATA_FOLDER,
    state,
    properties,
    files: new SealedFiles(disk),
    startOffsets: checkpoint("log-start-offset-checkpoint"),
    cleanerOffsets: checkpoint("cleaner-offset-checkpoint"),
    recoveryPoints: checkpoint("recovery-point-offset-checkpoint"),
    clock,
    random,
    logger,
    checkFolder: () => undefined,
    onOpenLog: () => undefined,
  });
  return { topics, state };
}
