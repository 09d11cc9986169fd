import { basename, dirname } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { deferred } from "../../../../src/base/deferred.js";
import { writeFileDurably } from "../../../../src/base/files/durable-files.js";
import { type LogFields, silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import { MetadataInDoubtError } from "../../../../src/broker/metadata/metadata-log.js";
import { OffsetCheckpoint } from "../../../../src/broker/offset-checkpoint.js";
import type { TopicRegistry } from "../../../../src/broker/topics/topic-registry.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { append, batchOf, readAll } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";
import { DATA_FOLDER, openTopicsOn } from "../../../support/topics-on-disk.js";

const STORAGE = { code: ErrorCodes.KAFKA_STORAGE_ERROR };
const PLAN = { kind: "create", name: "t", partitions: 2, replicationFactor: 1, configs: {} } as const;

let disk: MemoryDisk;
let errors: LogFields[];
beforeEach(() => {
  disk = new MemoryDisk(new SeededRandom(1));
  disk.makeFolder(DATA_FOLDER);
  disk.syncFolder("/");
  errors = [];
});

async function start(
  properties: Readonly<Record<string, string>> = { "log.flush.interval.messages": "1" },
): Promise<TopicRegistry> {
  const logger = { ...silentLogger, error: (_: string, fields: LogFields = {}) => void errors.push(fields) };
  const { topics } = await openTopicsOn(disk, {
    random: new SeededRandom(2),
    logger,
    properties: new BrokerProperties(properties),
  });
  return topics;
}

/** Bytes in the files of the data folder. */
function usedBytes(): number {
  const folders = [
    DATA_FOLDER,
    ...disk
      .list(DATA_FOLDER)
      .filter(({ isFolder }) => isFolder)
      .map(({ name }) => `${DATA_FOLDER}/${name}`),
  ];
  const paths = folders.flatMap((folder) => disk.list(folder).map(({ name }) => `${folder}/${name}`));
  return paths.reduce((sum, path) => sum + (disk.readFile(path)?.length ?? 0), 0);
}

const batch = (value: string) => batchOf([{ value }]);

test("a topic and its first record survive a power cut once they are acknowledged", async () => {
  const { logs } = await (await start()).create(PLAN);
  append(logs[1]!, batch("first"));
  await logs[1]!.settled(1);
  disk.restart();
  expect(readAll((await start()).log("t", 1)!)).toHaveLength(1);
});

test("a start after a clean stop lists each folder once, and asks for nothing that is not there", async () => {
  const before = await start();
  const { logs } = await before.create(PLAN);
  for (const log of logs) append(log, batch("first"));
  await Promise.all(logs.map((log) => log.settled(1)));
  await before.close();
  const listed: string[] = [];
  const missed: string[] = [];
  const { list, readFile, remove, makeFolder } = disk;
  const isThere = (path: string) => list.call(disk, dirname(path)).some(({ name }) => name === basename(path));
  Object.assign(disk, {
    list: (path: string) => {
      listed.push(path);
      return list.call(disk, path);
    },
    readFile: (path: string) => {
      if (!isThere(path)) missed.push(path);
      return readFile.call(disk, path);
    },
    remove: (path: string) => {
      if (!isThere(path)) missed.push(path);
      remove.call(disk, path);
    },
    makeFolder: (path: string) => {
      if (isThere(path)) missed.push(path);
      return makeFolder.call(disk, path);
    },
  });
  const after = await start();
  expect(readAll(after.log("t", 1)!)).toHaveLength(1);
  expect(listed).toEqual([DATA_FOLDER, "/data/t-0", "/data/t-1"]);
  expect(missed.filter((path) => /t-\d/.test(path))).toEqual([]);
});

test("a log that cannot be opened is offline, and the others are served", async () => {
  const { logs } = await (await start()).create(PLAN);
  for (const log of logs) append(log, batch("first"));
  await Promise.all(logs.map((log) => log.settled(1)));
  disk.kill();
  disk.broken = { call: "sync", path: /t-0\//, code: "EIO" };
  const topics = await start();
  expect(errors).toEqual([{ folder: "/data/t-0" }]);
  expect(() => append(topics.log("t", 0)!, batch("next"))).toThrow(expect.objectContaining(STORAGE));
  expect(append(topics.log("t", 1)!, batch("next"))).toBe(1);
  disk.broken = undefined;
  disk.kill();
  expect(readAll((await start()).log("t", 0)!)).toHaveLength(1);
});

test("a log whose cleaner's offset cannot be lowered is served nevertheless, and so are the others", async () => {
  const { logs } = await (await start({})).create({ ...PLAN, configs: { "cleanup.policy": "compact" } });
  for (const log of logs) append(log, batch("first"));
  disk.kill();
  // Behind the end, as when a power cut has taken records that were compacted.
  new OffsetCheckpoint(`${DATA_FOLDER}/cleaner-offset-checkpoint`, disk, silentLogger).set("t", 0, 9);
  disk.broken = { call: "write", path: /cleaner-offset-checkpoint/, code: "ENOSPC" };
  const topics = await start({});
  expect(errors).toContainEqual({ folder: "/data/t-0", logEndOffset: 1 });
  expect([0, 1].map((partition) => topics.log("t", partition)!.offline)).toEqual([undefined, undefined]);
  expect([0, 1].map((partition) => append(topics.log("t", partition)!, batch("next")))).toEqual([1, 1]);
  disk.broken = undefined;
  disk.kill();
});

describe("deleting", () => {
  test("a topic of which a folder cannot be moved closes all its logs, and the next start removes the rest", async () => {
    const topics = await start();
    await topics.create(PLAN);
    disk.broken = { call: "write", path: /t-0\..*-delete$/, code: "EIO" };
    await topics.delete("t");
    disk.broken = undefined;
    expect(errors).toContainEqual({ topic: "t" });
    expect(disk.openFiles).toEqual(["/data/broker-metadata"]);
    await start();
    expect(disk.list(DATA_FOLDER).filter(({ name, isFolder }) => isFolder && !name.endsWith(".stray"))).toEqual([]);
  });

  test("a topic frees a full disk, on which nothing else can be written", async () => {
    const topics = await start();
    const [log] = (await topics.create(PLAN)).logs;
    append(log!, batch("x".repeat(5000)));
    disk.capacityBytes = usedBytes();
    expect(() => append(log!, batch("more"))).toThrow(expect.objectContaining(STORAGE));
    await topics.delete("t");
    expect(errors).toEqual([]);
    disk.capacityBytes = Number.POSITIVE_INFINITY;
    disk.restart();
    expect((await start()).names()).toEqual(new Set());
  });

  test("records: the new start is on disk only after the records below it, which it would hide if it came first", async () => {
    const topics = await start({});
    const [log] = (await topics.create(PLAN)).logs;
    append(log!, batch("first"));
    await topics.deleteRecords("t", 0, 1);
    disk.restart();
    const again = (await start({})).log("t", 0)!;
    expect([again.logStartOffset, again.logEndOffset]).toEqual([1, 1]);
    expect(again.segments[0]!.size).toBeGreaterThan(0);
  });

  test("a topic of which the log start stays on a full disk costs a new topic of its name nothing", async () => {
    const topics = await start();
    const [old] = (await topics.create(PLAN)).logs;
    for (const value of ["a", "b", "c"]) append(old!, batch(value));
    await old!.settled(3);
    await topics.deleteRecords("t", 0, 3);
    disk.broken = { call: "write", path: /log-start-offset-checkpoint/, code: "ENOSPC" };
    await topics.delete("t");
    expect(errors).toContainEqual({ topic: "t" });
    await expect(topics.create(PLAN)).rejects.toThrow("ENOSPC");
    disk.broken = undefined;
    const [fresh] = (await topics.create(PLAN)).logs;
    expect(append(fresh!, batch("new"))).toBe(0);
    await fresh!.settled(1);
    disk.restart();
    expect(readAll((await start()).log("t", 0)!)).toHaveLength(1);
  });

  test("records on a full disk that refuses it deletes none, not even when it writes the start of another log", async () => {
    const topics = await start({});
    const { logs } = await topics.create(PLAN);
    for (const log of logs) append(log, batch("first"));
    disk.broken = { call: "write", path: /log-start-offset-checkpoint/, code: "ENOSPC" };
    await expect(topics.deleteRecords("t", 0, 1)).rejects.toThrow("ENOSPC");
    disk.broken = undefined;
    await topics.deleteRecords("t", 1, 1);
    disk.kill();
    expect((await start({})).log("t", 0)!.logStartOffset).toBe(0);
  });

  test("a topic while its records are to be deleted leaves no start to a new topic of that name", async () => {
    const topics = await start({});
    append((await topics.create(PLAN)).logs[0]!, batch("first"));
    const syncs = deferred();
    disk.gate = syncs.promise;
    const deleted = topics.deleteRecords("t", 0, 1);
    topics.log("t", 0)!.detach(() => undefined);
    syncs.resolve();
    await expect(deleted).rejects.toMatchObject(STORAGE);
    await topics.delete("t");
    await topics.create(PLAN);
    disk.kill();
    expect((await start({})).log("t", 0)!.logStartOffset).toBe(0);
  });

  test("a topic on a disk that fails leaves it as it was, also for the next start", async () => {
    const topics = await start();
    const [log] = (await topics.create(PLAN)).logs;
    disk.fault = { at: disk.calls + 2, kind: "EIO" };
    await expect(topics.delete("t")).rejects.toThrow("EIO");
    append(log!, batch("first"));
    await log!.settled(1);
    disk.restart();
    expect(readAll((await start()).log("t", 0)!)).toHaveLength(1);
  });

  test("a topic that may be gone at the next start acknowledges no record", async () => {
    const topics = await start();
    const [log] = (await topics.create(PLAN)).logs;
    disk.broken = { call: "sync", path: /broker-metadata/, code: "EIO" };
    await expect(topics.delete("t")).rejects.toThrow(MetadataInDoubtError);
    expect(() => append(log!, batch("first"))).toThrow(expect.objectContaining(STORAGE));
    disk.broken = undefined;
    await topics.create({ ...PLAN, name: "other" });
    disk.restart();
    expect((await start()).names()).toEqual(new Set(["t", "other"]));
  });
});

describe("creating", () => {
  test("many topics at a time takes one sync of the metadata, and of the data folder", async () => {
    const topics = await start();
    const syncs: string[] = [];
    disk.onSync = (path) => void syncs.push(path);
    await Promise.all(Array.from({ length: 20 }, (_, at) => topics.create({ ...PLAN, name: `t${at}` })));
    expect(syncs).toEqual(["/data/broker-metadata", DATA_FOLDER]);
  });

  test("a topic twice at the same time creates one, and refuses the other", async () => {
    const topics = await start();
    const [first, second] = await Promise.allSettled([topics.create(PLAN), topics.create(PLAN)]);
    expect([first.status, second.status]).toEqual(["fulfilled", "rejected"]);
    expect(second).toMatchObject({ reason: { code: ErrorCodes.TOPIC_ALREADY_EXISTS } });
  });

  test("a topic waits until what a deleted one of its name left is deleted on disk", async () => {
    const topics = await start();
    let isForgotten = false;
    topics.onDeleted(async () => isForgotten);
    await expect(topics.create(PLAN)).rejects.toMatchObject(STORAGE);
    expect(topics.names()).toEqual(new Set());
    isForgotten = true;
    await topics.create(PLAN);
    expect(topics.names()).toEqual(new Set(["t"]));
  });
});

describe("the folder of a partition", () => {
  test("holds the id of its topic, as in Kafka", async () => {
    const { id } = await (await start()).create(PLAN);
    disk.kill();
    expect(disk.readFile("/data/t-1/partition.metadata")?.toString()).toBe(`version: 0\ntopic_id: ${id}`);
  });

  test("of another topic id is put aside, and the partition begins empty", async () => {
    const topics = await start();
    const [log] = (await topics.create(PLAN)).logs;
    append(log!, batch("of another topic"));
    await log!.settled(1);
    await topics.close();
    const text = "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA";
    writeFileDurably(disk, "/data/t-0/partition.metadata", text);
    const again = await start();
    expect(errors).toMatchObject([{ from: "/data/t-0", to: "/data/t-0.stray", found: "AAAAAAAAAAAAAAAAAAAAAA" }]);
    expect(readAll(again.log("t", 0)!)).toEqual([]);
    expect(disk.readFile("/data/t-0.stray/partition.metadata")?.toString()).toBe(text);
  });

  test("with a damaged id takes the partition offline, and says what to do", async () => {
    await (await start()).create(PLAN);
    writeFileDurably(disk, "/data/t-0/partition.metadata", "version: 0\ntopic_id: ?");
    const log = (await start()).log("t", 0)!;
    expect(String(log.offline?.cause)).toMatch(/partition\.metadata is damaged.*delete that file/);
  });

  test("with a part of its id, as after a power cut, gets the whole one", async () => {
    const { id } = await (await start()).create(PLAN);
    writeFileDurably(disk, "/data/t-0/partition.metadata", `version: 0\ntopic_id: ${id.slice(0, 5)}`);
    expect((await start()).log("t", 0)?.offline).toBeUndefined();
    expect(disk.readFile("/data/t-0/partition.metadata")?.toString()).toContain(id);
  });

  test("without an id, as before there were ids, gets one", async () => {
    const topics = await start();
    const { id, logs } = await topics.create(PLAN);
    append(logs[0]!, batch("first"));
    await logs[0]!.settled(1);
    disk.remove("/data/t-0/partition.metadata");
    disk.kill();
    expect(readAll((await start()).log("t", 0)!)).toHaveLength(1);
    expect(disk.readFile("/data/t-0/partition.metadata")?.toString()).toContain(id);
  });
});
