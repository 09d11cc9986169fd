import { SimClock } from "../../../src/base/clock.js";
import { makeFolderDurably } from "../../../src/base/files/durable-files.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { BrokerState } from "../../../src/broker/metadata/broker-state.js";
import { MetadataInDoubtError } from "../../../src/broker/metadata/metadata-log.js";
import type { Topic, TopicRegistry } from "../../../src/broker/topics/topic-registry.js";
import { append, batchOf, readAll } from "../broker-log.js";
import { type DiskFault, MemoryDisk } from "../memory-disk.js";
import { DATA_FOLDER, openTopicsOn } from "../topics-on-disk.js";
import { folderOrderOf } from "./disk-life.js";

const FAULTS: readonly DiskFault["kind"][] = ["cut", "EIO", "ENOSPC", "EIO"];
const NAMES = ["t", "u", "v"];
/** A setting that the histories change, and that has no effect on them. */
const SETTING = "max.message.bytes";

/** What a topic must hold. `maybe`: its creation or deletion was not acknowledged. */
interface Expected {
  exists: "yes" | "no" | "maybe";
  /** Only the next start tells whether it exists. */
  isInDoubt: boolean;
  /** Undefined until the creation is acknowledged. */
  id: string | undefined;
  readonly attempted: Set<string>;
  readonly acknowledged: Map<number, string>;
  endOffset: number;
  /** The log's start lies between these: it was asked for or acknowledged. */
  lowestStart: number;
  highestStart: number;
  /** The values that the setting may have: the last acknowledged one, and those that are in doubt. */
  settings: Set<string>;
  partitions: number;
  mostPartitions: number;
}

const expecting = (exists: Expected["exists"]): Expected => ({
  exists,
  isInDoubt: false,
  id: undefined,
  attempted: new Set(),
  acknowledged: new Map(),
  endOffset: 0,
  lowestStart: 0,
  highestStart: 0,
  settings: new Set(["1000"]),
  partitions: 1,
  mostPartitions: 1,
});

interface Life {
  readonly topics: TopicRegistry;
  readonly state: BrokerState;
}

/**
 * Runs a history of three topics, drawn from `seed`: they are created, written, configured, given partitions, shortened
 * by DeleteRecords and by retention, and deleted, several at the same time, on a disk that cuts the power, fails and
 * fills up at any call. After each start a topic must be there if that was acknowledged, under its id and with its
 * settings, begin where it may, hold every acknowledged record at its offset, and none of an earlier topic of its name.
 *
 * @throws an error that names the seed.
 */
export async function runTopicHistory(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const disk = new MemoryDisk(new SeededRandom(seed ^ 0x5bd1e995), folderOrderOf(seed));
  const clock = new SimClock();
  const expectations = new Map(NAMES.map((name) => [name, expecting("no")]));
  let next = 0;
  let producerIds = -1;

  /** One step of a client, or of the broker's maintenance; rejects when the disk fails. */
  const step = async ({ topics, state }: Life, name: string): Promise<void> => {
    const choice = random.integer(24);
    const log = topics.log(name, 0);
    const expected = expectations.get(name)!;
    if (!log) {
      const fresh = expecting("maybe");
      expectations.set(name, fresh);
      fresh.id = (await topics.create(planOf(name, choice < 10 ? "600" : "-1"))).id;
      fresh.exists = "yes";
    } else if (choice === 0) {
      expected.exists = "maybe";
      await topics.delete(name);
      expectations.set(name, expecting("no"));
    } else if (choice <= 3) {
      const target = log.logStartOffset + random.integer(log.highWatermark - log.logStartOffset + 1);
      expected.highestStart = Math.max(expected.highestStart, target);
      await topics.deleteRecords(name, 0, target);
      expected.lowestStart = Math.max(expected.lowestStart, target);
    } else if (choice <= 6) {
      expected.highestStart = Math.max(expected.highestStart, log.highWatermark);
      await log.applyRetention(clock.nowMs());
    } else if (choice <= 8) {
      const value = String(1001 + next++);
      const before = new Set(expected.settings);
      expected.settings.add(value);
      const change = topics.configure(name, { ...topics.get(name)!.configs, [SETTING]: value });
      await change.catch((cause: unknown) => {
        if (!disk.isCut && !(cause instanceof MetadataInDoubtError)) expected.settings = before;
        throw cause;
      });
      expected.settings = new Set([value]);
    } else if (choice === 9) {
      expected.mostPartitions = topics.get(name)!.logs.length + 1;
      await topics.addPartitions(name, expected.mostPartitions);
      expected.partitions = expected.mostPartitions;
    } else if (choice === 11) {
      await topics.checkpoint();
    } else if (choice === 10) {
      const id = await state.takeProducerId();
      if (id <= producerIds) throw new Error(`producer id ${id} was handed out twice`);
      producerIds = id;
    } else {
      const value = `${name}${next++}${"x".repeat(random.integer(150))}`;
      expected.attempted.add(value);
      const offset = append(log, batchOf([{ value }]));
      await log.settled(offset + 1);
      expected.acknowledged.set(offset, value);
      expected.endOffset = offset + 1;
    }
  };

  /** Carries out a step, and corrects the expectations after a refused one. */
  const tryStep = async (life: Life, name: string): Promise<void> => {
    try {
      await step(life, name);
    } catch (cause) {
      if (disk.fault === undefined) throw cause;
      const expected = expectations.get(name)!;
      // A refused change must not have happened, at the next start neither, unless it is in doubt.
      expected.isInDoubt ||= cause instanceof MetadataInDoubtError && expected.exists === "maybe";
      if (disk.isCut || expected.isInDoubt || expected.exists !== "maybe") return;
      if (life.topics.get(name)) expected.exists = "yes";
    }
  };

  try {
    makeFolderDurably(disk, DATA_FOLDER);
    const lives = 4 + random.integer(4);
    for (let life = 0; life <= lives; life++) {
      if (life < lives && random.integer(3) > 0) {
        const lasts = 1 + random.integer(2) * random.integer(8);
        disk.fault = { at: disk.calls + 1 + random.integer(120), lasts, kind: FAULTS[random.integer(FAULTS.length)]! };
      }
      const started = await start(disk, clock);
      if (!started) continue;
      for (const name of disk.isCut ? [] : NAMES) {
        const topic = started.topics.get(name);
        const expected = expectations.get(name)!;
        if (expected.exists === "maybe")
          expectations.set(name, topic ? { ...expected, exists: "yes", isInDoubt: false } : expecting("no"));
        check(name, topic, expectations.get(name)!);
      }
      for (let left = random.integer(40); left > 0 && !disk.isCut; left--) {
        const first = random.integer(NAMES.length);
        const together = random.integer(4) === 0 ? NAMES.length : 1;
        const names = Array.from({ length: together }, (_, at) => NAMES[(first + at) % NAMES.length]!);
        await Promise.all(names.map((name) => tryStep(started, name)));
      }
      await end(started, disk, random);
    }
  } catch (cause) {
    throw new Error(`The topic history of seed ${seed} failed: ${(cause as Error).message}`, { cause });
  }
}

function planOf(name: string, retentionBytes: string) {
  const configs = {
    "segment.bytes": "400",
    "index.interval.bytes": "100",
    "flush.messages": "1",
    "retention.ms": "-1",
    "retention.bytes": retentionBytes,
    [SETTING]: "1000",
  };
  return { kind: "create", name, partitions: 1, replicationFactor: 1, configs } as const;
}

/** Opens the topics as the broker does; undefined if the disk fails meanwhile, which the next life mends. */
async function start(disk: MemoryDisk, clock: SimClock): Promise<Life | undefined> {
  try {
    const life = await openTopicsOn(disk, { random: new SeededRandom(disk.calls), clock });
    if (!disk.isCut) return life;
    life.topics.abandon();
    disk.restart();
    return undefined;
  } catch (cause) {
    if (disk.fault === undefined) throw cause;
    disk.restart();
    return undefined;
  }
}

async function end({ topics, state }: Life, disk: MemoryDisk, random: SeededRandom): Promise<void> {
  const how = random.integer(3);
  if (how === 0 && !disk.isCut) await topics.close();
  else topics.abandon();
  await state.close();
  if (how === 1 || disk.isCut) disk.restart();
  else disk.kill();
}

function check(name: string, topic: Topic | undefined, expected: Expected): void {
  const isThere = topic !== undefined;
  if (isThere !== (expected.exists === "yes")) {
    throw new Error(isThere ? `topic ${name} is back` : `topic ${name} is gone`);
  }
  if (!topic) return;
  const { id, settings, partitions, mostPartitions } = expected;
  if (id !== undefined && topic.id !== id) throw new Error(`topic ${name} has id ${topic.id}, not ${id}`);
  const setting = topic.configs[SETTING]!;
  if (!settings.has(setting)) throw new Error(`${SETTING} of ${name} is ${setting}, not one of ${[...settings]}`);
  if (topic.logs.length < partitions || topic.logs.length > mostPartitions) {
    throw new Error(`topic ${name} has ${topic.logs.length} partitions, not ${partitions} to ${mostPartitions}`);
  }
  const log = topic.logs[0]!;
  if (log.offline) return;
  const { logStartOffset, logEndOffset } = log;
  const { lowestStart, highestStart, endOffset, acknowledged, attempted } = expected;
  if (logStartOffset < lowestStart || logStartOffset > highestStart) {
    throw new Error(`the log of ${name} starts at ${logStartOffset}, not in [${lowestStart}, ${highestStart}]`);
  }
  if (logEndOffset < endOffset) throw new Error(`${name} ends at ${logEndOffset}, acknowledged are ${endOffset}`);
  const found = new Map(readAll(log).map(({ offset, value }) => [offset, value!.toString()]));
  for (const value of found.values())
    if (!attempted.has(value)) throw new Error(`${value} of an earlier ${name} is back`);
  for (const [offset, value] of acknowledged) {
    if (offset >= logStartOffset && found.get(offset) !== value) throw new Error(`offset ${offset} of ${name} is lost`);
  }
}
