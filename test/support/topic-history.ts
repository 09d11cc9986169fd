import { SimClock } from "../../src/base/clock.js";
import { silentLogger } from "../../src/base/logger.js";
import { SeededRandom } from "../../src/base/random.js";
import { BrokerProperties } from "../../src/broker/broker-properties.js";
import { BrokerState } from "../../src/broker/broker-state.js";
import type { PartitionLog } from "../../src/broker/log/partition-log.js";
import { SealedFiles } from "../../src/broker/log/segments/log-files.js";
import { MetadataFile } from "../../src/broker/metadata-file.js";
import { OffsetCheckpoint } from "../../src/broker/offset-checkpoint.js";
import { TopicRegistry } from "../../src/broker/topics/topic-registry.js";
import { append, batchOf, readAll } from "./broker-log.js";
import { type DiskFault, MemoryDisk } from "./memory-disk.js";

const FOLDER = "/data";
const FAULTS: readonly DiskFault["kind"][] = ["cut", "EIO", "ENOSPC", "EIO"];

/** What the topic must hold. `maybe`: its creation or deletion was not acknowledged. */
interface Expected {
  exists: "yes" | "no" | "maybe";
  readonly acknowledged: Map<number, string>;
  endOffset: number;
  /** The log's start lies between these: it was asked for or acknowledged. */
  lowestStart: number;
  highestStart: number;
}

const expecting = (exists: Expected["exists"]): Expected => {
  return { exists, acknowledged: new Map(), endOffset: 0, lowestStart: 0, highestStart: 0 };
};

/**
 * Runs a history of one topic, drawn from `seed`: it is created, written, shortened by DeleteRecords and by retention,
 * and deleted, several times, on a disk that cuts the power, fails and fills up at any call. After each start it must
 * be there if that was acknowledged, begin where it may, and hold every acknowledged record at its offset.
 *
 * @throws an error that names the seed.
 */
export async function runTopicHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995));
  const clock = new SimClock();
  let expected = expecting("no");
  let next = 0;

  /** One step of a client, or of the broker's maintenance; rejects when the disk fails. */
  const step = async (topics: TopicRegistry): Promise<void> => {
    const choice = random.integer(20);
    const log = topics.log("t", 0);
    if (!log) {
      expected = expecting("maybe");
      topics.create(planOf(choice < 10 ? "600" : "-1"));
      expected.exists = "yes";
    } else if (choice === 0) {
      expected.exists = "maybe";
      topics.delete("t");
      expected = expecting("no");
    } else if (choice <= 3) {
      const target = log.logStartOffset + random.integer(log.highWatermark - log.logStartOffset + 1);
      expected.highestStart = Math.max(expected.highestStart, target);
      await topics.deleteRecords("t", 0, target);
      expected.lowestStart = Math.max(expected.lowestStart, target);
    } else if (choice <= 6) {
      expected.highestStart = Math.max(expected.highestStart, log.highWatermark);
      log.applyRetention(clock.nowMs());
    } else {
      const value = `${next++}${"x".repeat(random.integer(150))}`;
      const offset = append(log, batchOf([{ value }]));
      await log.settled(offset + 1);
      expected.acknowledged.set(offset, value);
      expected.endOffset = offset + 1;
    }
  };

  try {
    disk.makeFolder(FOLDER);
    disk.syncFolder("/");
    const lives = 4 + random.integer(4);
    for (let life = 0; life <= lives; life++) {
      if (life < lives && random.integer(3) > 0) {
        disk.fault = { at: disk.calls + 1 + random.integer(90), kind: FAULTS[random.integer(FAULTS.length)]! };
      }
      const topics = start(disk, clock);
      if (!topics) continue;
      const log = topics.log("t", 0);
      if (expected.exists === "maybe") expected = log ? { ...expected, exists: "yes" } : expecting("no");
      check(log, expected);
      for (let left = random.integer(40); left > 0 && !disk.isCut; left--) {
        await step(topics).catch((cause: unknown) => {
          if (disk.fault === undefined) throw cause;
        });
        // A refused change must not have happened, at the next start neither.
        if (!disk.isCut && expected.exists === "maybe") expected.exists = topics.get("t") ? "yes" : "maybe";
      }
      await end(topics, disk, random);
    }
  } catch (cause) {
    throw new Error(`The topic history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

function planOf(retentionBytes: string) {
  const configs = {
    "segment.bytes": "400",
    "index.interval.bytes": "100",
    "flush.messages": "1",
    "retention.ms": "-1",
    "retention.bytes": retentionBytes,
  };
  return { kind: "create", name: "t", partitions: 1, replicationFactor: 1, configs } as const;
}

/** Opens the topics as the broker does; undefined if the disk fails meanwhile, which the next life mends. */
function start(disk: MemoryDisk, clock: SimClock): TopicRegistry | undefined {
  const random = new SeededRandom(2);
  const checkpoint = (name: string) => new OffsetCheckpoint(`${FOLDER}/${name}`, disk, silentLogger);
  try {
    return new TopicRegistry({
      folder: FOLDER,
      state: BrokerState.open(new MetadataFile(FOLDER, disk, () => undefined), random),
      properties: new BrokerProperties({}),
      files: new SealedFiles(disk),
      startOffsets: checkpoint("log-start-offset-checkpoint"),
      cleanerOffsets: checkpoint("cleaner-offset-checkpoint"),
      clock,
      random,
      logger: silentLogger,
      checkFolder: () => undefined,
      onOpenLog: () => undefined,
    });
  } catch (cause) {
    if (disk.fault === undefined) throw cause;
    disk.restart();
    return undefined;
  }
}

async function end(topics: TopicRegistry, disk: MemoryDisk, random: SeededRandom): Promise<void> {
  const how = random.integer(3);
  if (how === 0 && !disk.isCut) await topics.close();
  else topics.abandon();
  if (how === 1 || disk.isCut) disk.restart();
  else disk.kill();
}

function check(log: PartitionLog | undefined, expected: Expected): void {
  const isThere = log !== undefined;
  if (isThere !== (expected.exists === "yes")) throw new Error(isThere ? "the topic is back" : "the topic is gone");
  if (!log || log.offline) return;
  const { logStartOffset, logEndOffset } = log;
  const { lowestStart, highestStart, endOffset, acknowledged } = expected;
  if (logStartOffset < lowestStart || logStartOffset > highestStart) {
    throw new Error(`the log starts at ${logStartOffset}, not in [${lowestStart}, ${highestStart}]`);
  }
  if (logEndOffset < endOffset) throw new Error(`the log ends at ${logEndOffset}, acknowledged are ${endOffset}`);
  const found = new Map(readAll(log).map(({ offset, value }) => [offset, value!.toString()]));
  for (const [offset, value] of acknowledged) {
    if (offset >= logStartOffset && found.get(offset) !== value) throw new Error(`offset ${offset} is lost`);
  }
}
