import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { type Disk, SYSTEM_DISK } from "../../../src/base/files/disk.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { type RunningBroker, startBroker } from "../../../src/broker/start-broker.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { listOffsets } from "../../../src/protocol/apis/list-offsets.js";
import { offsetCommit } from "../../../src/protocol/apis/offset-commit.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

let folder: string;
let broker: RunningBroker;
let client: BrokerClient;
/** Decides the fate of a sync of a segment. */
let onSync: (path: string) => Promise<void>;

let onWrite: (path: string) => void;

beforeEach(async () => {
  onWrite = () => undefined;
  onSync = async () => undefined;
  folder = mkdtempSync(join(tmpdir(), "millrace-durability-"));
  await start();
});

async function start(properties: Readonly<Record<string, string>> = {}): Promise<void> {
  broker = await startBroker({
    dataDir: folder,
    listen: "127.0.0.1:0",
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
    properties: { "log.flush.interval.messages": "1", ...properties },
    disk: diskThat((path) => onSync(path)),
  });
  client = await BrokerClient.connect(broker.port);
}

afterEach(async () => {
  client.close();
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

function diskThat(syncs: (path: string) => Promise<void>): Disk {
  const paths = new Map<number, string>();
  return {
    ...SYSTEM_DISK,
    open(path, mode) {
      const fd = SYSTEM_DISK.open(path, mode);
      paths.set(fd, path);
      return fd;
    },
    write(fd, ...rest) {
      onWrite(paths.get(fd)!);
      return SYSTEM_DISK.write(fd, ...rest);
    },
    async syncLater(fd) {
      await syncs(paths.get(fd)!);
      await SYSTEM_DISK.syncLater(fd);
    },
  };
}

async function create(...names: string[]): Promise<void> {
  const topics = names.map((name) => ({ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }));
  await client.request(createTopics, 5, { topics, timeoutMs: 1000, validateOnly: false });
}

async function send(...names: string[]) {
  const topicData = names.map((name) => ({
    name,
    partitionData: [{ index: 0, records: batchOf([{ value: "v" }]) }],
  }));
  const { responses } = await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
  return responses.map(({ partitionResponses }) => partitionResponses[0]!.errorCode);
}

async function lastOffset(reader: BrokerClient, name: string): Promise<number> {
  const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1 }];
  const request = { replicaId: -1, isolationLevel: 0, topics: [{ name, partitions }] };
  const { topics } = await reader.request(listOffsets, 6, request);
  return topics[0]!.partitions[0]!.offset;
}

test("a record is neither acknowledged nor read until it is on disk", async () => {
  await create("t");
  const gate = deferred();
  const asked = deferred();
  onSync = (path) => {
    asked.resolve();
    return path.includes("t-0") ? gate.promise : Promise.resolve();
  };
  const sent = send("t");
  await asked.promise;
  const reader = await BrokerClient.connect(broker.port);
  expect(await lastOffset(reader, "t")).toBe(0);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
  const request = {
    maxWaitMs: 60_000,
    minBytes: 1,
    maxBytes: 1000,
    isolationLevel: 0,
    topics: [{ topic: "t", partitions }],
  };
  const fetched = reader.request(fetch, 11, request);
  gate.resolve();
  expect(await sent).toEqual([ErrorCodes.NONE]);
  const answer = (await fetched).responses[0]!.partitions[0]!;
  expect([answer.highWatermark, answer.records!.length > 0]).toEqual([1, true]);
  reader.close();
});

test("batches that a client sends while the disk works share the next sync, and other requests wait their turn", async () => {
  await create("t");
  const gate = deferred();
  const asked = deferred();
  let syncs = 0;
  onSync = (path) => {
    if (!path.includes("t-0")) return Promise.resolve();
    syncs++;
    asked.resolve();
    return gate.promise;
  };
  const appended = deferred();
  let appends = 0;
  onWrite = (path) => {
    if (path.endsWith(".log") && ++appends === 4) appended.resolve();
  };
  const sends = [send("t")];
  await asked.promise;
  sends.push(send("t"), send("t"), send("t"));
  const last = lastOffset(client, "t");
  await appended.promise;
  const before = client.answered.length;
  gate.resolve();
  expect(await Promise.all(sends)).toEqual(sends.map(() => [ErrorCodes.NONE]));
  expect(await last).toBe(4);
  expect(syncs).toBe(2);
  const order = client.answered.slice(before);
  expect(order).toEqual(order.toSorted((a, b) => a - b));
});

test("a clean stop answers the producers that wait for the disk", async () => {
  await create("t");
  const gate = deferred();
  const asked = deferred();
  onSync = () => {
    asked.resolve();
    return gate.promise;
  };
  const sent = send("t");
  await asked.promise;
  const closed = broker.close();
  gate.resolve();
  expect(await sent).toEqual([ErrorCodes.NONE]);
  await closed;
});

test("a partition whose sync fails answers 56 from then on, and the others are served", async () => {
  await create("bad", "good");
  onSync = async (path) => {
    if (path.includes("bad-0")) throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  expect(await send("bad", "good")).toEqual([ErrorCodes.KAFKA_STORAGE_ERROR, ErrorCodes.NONE]);
  onSync = async () => undefined;
  expect(await send("bad", "good")).toEqual([ErrorCodes.KAFKA_STORAGE_ERROR, ErrorCodes.NONE]);
  await broker.close();
  expect(readdirSync(join(folder, "bad-0")).filter((name) => name.includes("index"))).toEqual([]);
  expect(readdirSync(join(folder, "good-0")).filter((name) => name.endsWith(".index-snapshot"))).toHaveLength(1);
});

test("below the floor of free space only Produce is refused", async () => {
  await create("t");
  expect(await send("t")).toEqual([ErrorCodes.NONE]);
  client.close();
  await broker.close();
  await start({ "millrace.log.free.bytes.min": String(Number.MAX_SAFE_INTEGER) });
  expect(await send("t")).toEqual([ErrorCodes.KAFKA_STORAGE_ERROR]);
  expect(await lastOffset(client, "t")).toBe(1);
  await create("u");
  expect(await lastOffset(client, "u")).toBe(0);
});

test("a commit whose sync fails is refused, and the group's offsets are no longer answered", async () => {
  await create("t");
  const commit = async (groupId: string) => {
    const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: null }];
    const topics = [{ name: "t", partitions }];
    const answer = await client.request(offsetCommit, 8, {
      groupId,
      generationIdOrMemberEpoch: -1,
      memberId: "",
      topics,
    });
    return answer.topics[0]!.partitions[0]!.errorCode;
  };
  const fetchOffsets = async () => {
    const topics = [{ name: "t", partitionIndexes: [0] }];
    return client.request(offsetFetch, 7, { groupId: "g", topics });
  };
  expect(await commit("g")).toBe(ErrorCodes.NONE);
  expect((await fetchOffsets()).topics[0]!.partitions[0]!.committedOffset).toBe(5);
  onSync = async () => {
    throw Object.assign(new Error("EIO"), { code: "EIO" });
  };
  expect(await commit("g")).toBe(ErrorCodes.COORDINATOR_NOT_AVAILABLE);
  onSync = async () => undefined;
  expect(await commit("g")).toBe(ErrorCodes.NOT_COORDINATOR);
  expect((await fetchOffsets()).errorCode).toBe(ErrorCodes.NOT_COORDINATOR);
});
