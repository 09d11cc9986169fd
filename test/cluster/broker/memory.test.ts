import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { type RunningBroker, startBroker } from "../../../src/broker/start-broker.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

const KIB = 1024;
const BATCH = batchOf([{ value: "x".repeat(300 * KIB) }]);

let clock: SimClock;
let broker: RunningBroker;
let folder: string;
let warnings: LogFields[];
/** Resolves with the next warning. */
let warned = deferred<void>();
const sockets: Socket[] = [];
const clients: BrokerClient[] = [];

async function start(properties: Readonly<Record<string, string>>): Promise<void> {
  clock = new SimClock();
  folder = mkdtempSync(join(tmpdir(), "millrace-memory-"));
  warnings = [];
  const warn = (_: string, fields: LogFields = {}) => {
    warnings.push(fields);
    warned.resolve();
    warned = deferred();
  };
  const logger = { ...silentLogger, warn };
  const random = new SeededRandom(1);
  broker = await startBroker({ dataDir: folder, listen: "127.0.0.1:0", clock, random, logger, properties });
}

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const client of clients.splice(0)) client.close();
  await broker.abandon();
  rmSync(folder, { recursive: true, force: true });
});

async function client(): Promise<BrokerClient> {
  const connected = await BrokerClient.connect(broker.port);
  clients.push(connected);
  return connected;
}

/** A client that sends bytes and reads nothing. Its end resolves with whether the broker has closed it. */
async function deaf(...bytes: Buffer[]): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port: broker.port });
  sockets.push(socket);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  for (const each of bytes) await new Promise((sent) => socket.write(each, sent));
  return socket;
}

function closed(socket: Socket): Promise<unknown> {
  socket.resume();
  return socket.closed ? Promise.resolve() : once(socket, "close");
}

async function createTopic(admin: BrokerClient): Promise<void> {
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await admin.request(createTopics, 7, { topics: [topic], validateOnly: false });
}

function produceRequest(records: Buffer) {
  return { acks: -1, timeoutMs: 1000, topicData: [{ name: "t", partitionData: [{ index: 0, records }] }] };
}

const FETCH = {
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 8 * 1024 * KIB,
  isolationLevel: 0,
  topics: [{ topic: "t", partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 8 * 1024 * KIB }] }],
};

test("clients that send only a part of a request keep no other from sending, and the one whose turn it is is closed", async () => {
  await start({ "queued.max.request.bytes": String(1024 * KIB) });
  const good = await client();
  await createTopic(good);
  const whole = Buffer.concat(produce.encodeRequest(9, 1, "slow", produceRequest(BATCH)));
  const slow = await Promise.all(Array.from({ length: 8 }, () => deaf(whole.subarray(0, 200 * KIB))));
  // Small requests do not wait. This one also shows that the broker has read the others as far as it does.
  await good.request(metadata, 12, { topics: null });
  const produced = good.request(produce, 9, produceRequest(BATCH));
  const gone = Promise.race(slow.map((socket) => closed(socket)));
  let isProduced = false;
  void produced.then(() => {
    isProduced = true;
  });
  // Each of the slow ones may have the turn before the good one.
  for (let round = 0; round < slow.length && !isProduced; round++) {
    const next = Promise.race([warned.promise, produced]);
    await clock.advance(7000);
    await next;
  }
  expect((await produced).responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
  if (warnings.length > 0) await gone;
});

test("clients that do not take their answers are closed once others wait, and those are answered", async () => {
  await start({ "queued.max.request.bytes": String(8 * 1024 * KIB) });
  const good = await client();
  await createTopic(good);
  for (let count = 0; count < 20; count++) await good.request(produce, 9, produceRequest(BATCH));
  const asks = Buffer.concat(Array.from({ length: 20 }, (_, id) => fetch.encodeRequest(12, id, "deaf", FETCH)).flat());
  const silent = await Promise.all(Array.from({ length: 6 }, () => deaf(asks)));
  await good.request(metadata, 12, { topics: null });
  const fetched = good.request(fetch, 12, FETCH);
  let isAnswered = false;
  void fetched.then(() => {
    isAnswered = true;
  });
  while (!isAnswered) {
    await good.request.call(await client(), metadata, 12, { topics: null });
    await clock.advance(5000);
  }
  expect((await fetched).responses[0]!.partitions[0]!.records!.length).toBeGreaterThanOrEqual(BATCH.length);
  for (const socket of silent) socket.destroy();
});

test("a request that only Produce may be as large as, or that is not served, is refused by its first bytes", async () => {
  await start({});
  for (const [key, version, bytes] of [
    [metadata.key, 12, 17 * 1024 * KIB],
    [apiVersions.key, 3, 65 * KIB],
    [999, 0, 65 * KIB],
    [produce.key, 9, 101 * 1024 * KIB],
  ] as const) {
    const head = Buffer.alloc(8);
    head.writeInt32BE(bytes, 0);
    head.writeInt16BE(key, 4);
    head.writeInt16BE(version, 6);
    await closed(await deaf(head));
  }
});

test("as many connections are served as max.connections and max.connections.per.ip allow", async () => {
  for (const property of ["max.connections", "max.connections.per.ip"]) {
    await start({ [property]: "2" });
    const [first, second] = [await client(), await client()];
    for (const each of [first, second]) await each.request(apiVersions, 0, {});
    await closed(await deaf());
    await closed(await deaf());
    expect(warnings).toEqual([{ property, limit: 2, address: "127.0.0.1" }]);
    const left = first.closed;
    first.close();
    await left;
    // The broker may learn of it later: the second's answer comes after that.
    await second.request(apiVersions, 0, {});
    let next: BrokerClient;
    do {
      next = await client();
      await Promise.race([next.request(apiVersions, 0, {}).catch(() => undefined), next.closed]);
    } while (await isClosed(next));
    await broker.abandon();
  }
});

async function isClosed(candidate: BrokerClient): Promise<boolean> {
  return candidate.request(apiVersions, 0, {}).then(
    () => false,
    () => true,
  );
}

test("a client that sends its request byte by byte, with long pauses, is closed after connections.max.idle.ms", async () => {
  await start({ "connections.max.idle.ms": "60000" });
  const head = Buffer.alloc(1000);
  head.writeInt32BE(100_000, 0);
  head.writeInt16BE(metadata.key, 4);
  head.writeInt16BE(12, 6);
  const slow = await deaf(head);
  const good = await client();
  for (let round = 0; round < 3; round++) {
    await new Promise((sent) => slow.write("x", sent));
    await good.request(apiVersions, 0, {});
    await clock.advance(30_000);
  }
  await clock.advance(31_000);
  await closed(slow);
  expect(await isClosed(good)).toBe(false);
});
