import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { BrokerState } from "../../../../src/broker/broker-state.js";
import { SealedFiles } from "../../../../src/broker/log/segments/log-files.js";
import { MetadataFile } from "../../../../src/broker/metadata-file.js";
import { OffsetCheckpoint } from "../../../../src/broker/offset-checkpoint.js";
import { TopicRegistry } from "../../../../src/broker/topics/topic-registry.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { append, batchOf, readAll } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

const FOLDER = "/data";
const STORAGE = { code: ErrorCodes.KAFKA_STORAGE_ERROR };
const PLAN = { kind: "create", name: "t", partitions: 2, replicationFactor: 1, configs: {} } as const;

let disk: MemoryDisk;
let errors: LogFields[];
beforeEach(() => {
  disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder(FOLDER);
  disk.syncFolder("/");
  errors = [];
});

function start(properties: Readonly<Record<string, string>> = { "log.flush.interval.messages": "1" }): TopicRegistry {
  const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void errors.push(fields) };
  const random = new SeededRandom(2);
  const checkpoint = (name: string) => new OffsetCheckpoint(`${FOLDER}/${name}`, disk, logger);
  return new TopicRegistry({
    folder: FOLDER,
    state: BrokerState.open(new MetadataFile(FOLDER, disk, () => undefined), random),
    properties: new BrokerProperties(properties),
    files: new SealedFiles(disk),
    startOffsets: checkpoint("log-start-offset-checkpoint"),
    cleanerOffsets: checkpoint("cleaner-offset-checkpoint"),
    clock: new SimClock(),
    random,
    logger,
    checkFolder: () => undefined,
    onOpenLog: () => undefined,
  });
}

/** Bytes in the files of the data folder. */
function usedBytes(): number {
  const folders = [
    FOLDER,
    ...disk
      .list(FOLDER)
      .filter(({ isFolder }) => isFolder)
      .map(({ name }) => `${FOLDER}/${name}`),
  ];
  const paths = folders.flatMap((folder) => disk.list(folder).map(({ name }) => `${folder}/${name}`));
  return paths.reduce((sum, path) => sum + (disk.readFile(path)?.length ?? 0), 0);
}

const batch = (value: string) => batchOf([{ value }]);

test("a topic and its first record survive a power cut once they are acknowledged", async () => {
  const { logs } = start().create(PLAN);
  append(logs[1]!, batch("first"));
  await logs[1]!.settled(1);
  disk.restart();
  expect(readAll(start().log("t", 1)!)).toHaveLength(1);
});

test("a log that cannot be opened is offline, and the others are served", async () => {
  const { logs } = start().create(PLAN);
  for (const log of logs) append(log, batch("first"));
  await Promise.all(logs.map((log) => log.settled(1)));
  disk.kill();
  disk.broken = { call: "sync", path: /t-0\//, code: "EIO" };
  const topics = start();
  expect(errors).toEqual([{ folder: "/data/t-0" }]);
  expect(() => append(topics.log("t", 0)!, batch("next"))).toThrow(expect.objectContaining(STORAGE));
  expect(append(topics.log("t", 1)!, batch("next"))).toBe(1);
  disk.broken = undefined;
  disk.kill();
  expect(readAll(start().log("t", 0)!)).toHaveLength(1);
});

describe("deleting", () => {
  test("a topic of which a folder cannot be moved closes all its logs, and the next start removes the rest", () => {
    const topics = start();
    topics.create(PLAN);
    disk.broken = { call: "write", path: /t-0\..*-delete$/, code: "EIO" };
    topics.delete("t");
    disk.broken = undefined;
    expect(errors).toEqual([{ topic: "t" }]);
    expect(disk.openFiles).toEqual([]);
    start();
    expect(disk.list(FOLDER).filter(({ name, isFolder }) => isFolder && !name.endsWith(".stray"))).toEqual([]);
  });

  test("a topic frees a full disk, on which nothing else can be written", () => {
    const topics = start();
    const [log] = topics.create(PLAN).logs;
    append(log!, batch("x".repeat(5000)));
    disk.capacityBytes = usedBytes();
    expect(() => append(log!, batch("more"))).toThrow(expect.objectContaining(STORAGE));
    topics.delete("t");
    expect(errors).toEqual([]);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    disk.restart();
    expect(start().names()).toEqual(new Set());
  });

  test("records: the new start is on disk only after the records below it, which it would hide if it came first", async () => {
    const topics = start({});
    const [log] = topics.create(PLAN).logs;
    append(log!, batch("first"));
    await topics.deleteRecords("t", 0, 1);
    disk.restart();
    const again = start({}).log("t", 0)!;
    expect([again.logStartOffset, again.logEndOffset]).toEqual([1, 1]);
    expect(again.segments[0]!.size).toBeGreaterThan(0);
  });

  test("a topic of which the log start stays on a full disk costs a new topic of its name nothing", async () => {
    const topics = start();
    const [old] = topics.create(PLAN).logs;
    for (const value of ["a", "b", "c"]) append(old!, batch(value));
    await old!.settled(3);
    await topics.deleteRecords("t", 0, 3);
    disk.broken = { call: "write", path: /log-start-offset-checkpoint/, code: "ENOSPC" };
    topics.delete("t");
    expect(errors).toContainEqual({ topic: "t" });
    expect(() => topics.create(PLAN)).toThrow("ENOSPC");
    disk.broken = undefined;
    const [fresh] = topics.create(PLAN).logs;
    expect(append(fresh!, batch("new"))).toBe(0);
    await fresh!.settled(1);
    disk.restart();
    expect(readAll(start().log("t", 0)!)).toHaveLength(1);
  });

  test("records on a full disk that refuses it deletes none, not even when it writes the start of another log", async () => {
    const topics = start({});
    const { logs } = topics.create(PLAN);
    for (const log of logs) append(log, batch("first"));
    disk.broken = { call: "write", path: /log-start-offset-checkpoint/, code: "ENOSPC" };
    await expect(topics.deleteRecords("t", 0, 1)).rejects.toThrow("ENOSPC");
    disk.broken = undefined;
    await topics.deleteRecords("t", 1, 1);
    disk.kill();
    expect(start({}).log("t", 0)!.logStartOffset).toBe(0);
  });

  test("a topic while its records are to be deleted leaves no start to a new topic of that name", async () => {
    const topics = start({});
    append(topics.create(PLAN).logs[0]!, batch("first"));
    const deleted = topics.deleteRecords("t", 0, 1);
    topics.delete("t");
    topics.create(PLAN);
    await expect(deleted).rejects.toMatchObject(STORAGE);
    disk.kill();
    expect(start({}).log("t", 0)!.logStartOffset).toBe(0);
  });

  test("a topic on a disk that fails at the last step leaves it as it was, also for the next start", async () => {
    const topics = start();
    const [log] = topics.create(PLAN).logs;
    disk.broken = { call: "sync", path: /^\/data$/, code: "EIO" };
    expect(() => topics.delete("t")).toThrow("EIO");
    append(log!, batch("first"));
    await log!.settled(1);
    disk.broken = undefined;
    disk.kill();
    expect(readAll(start().log("t", 0)!)).toHaveLength(1);
  });
});
