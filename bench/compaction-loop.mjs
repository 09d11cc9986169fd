// Delays of the event loop that serves, in the broker's thread: under produce load alone, and while a large topic is
// compacted, and while retention deletes it. The delays include the 1 ms at which they are sampled.
//   node bench/compaction-loop.mjs [--mib 512] [--record 200] [--keys 200000] [--codec none] [--segment 67108864]
//     [--seconds 10] [--before DIST]
// `--before` measures another build of Millrace in the same run.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { createTopics } from "../dist/src/protocol/apis/create-topics.js";
import { incrementalAlterConfigs } from "../dist/src/protocol/apis/incremental-alter-configs.js";
import { produce } from "../dist/src/protocol/apis/produce.js";
import { ByteReader } from "../dist/src/protocol/byte-reader.js";
import { RecordBatchWriter } from "../dist/src/protocol/records/record-batch-writer.js";
import { BrokerConnection } from "./broker-connection.mjs";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";
import { ROOT } from "./processes.mjs";

const { mib, record, keys, codec, segment, seconds, before } = options({
  mib: 512,
  record: 200,
  keys: 200_000,
  codec: "none",
  segment: 64 * 1024 * 1024,
  seconds: 10,
  before: "",
});
const BATCH_RECORDS = Math.max(1, Math.floor(900_000 / record));
const PROPERTIES = {
  "log.flush.interval.messages": "1",
  "log.cleaner.backoff.ms": "200",
  "log.retention.check.interval.ms": "200",
};

function batchOf(count, firstKey) {
  const writer = new RecordBatchWriter();
  for (let at = 0; at < count; at++) {
    const key = Buffer.from(`key-${((firstKey + at) * 7919) % keys}`);
    const value = Buffer.alloc(Math.max(0, record - key.length), `${firstKey + at} `);
    writer.append(Date.now(), key, value, []);
  }
  return Buffer.from(writer.finish({ codec }));
}

async function started(dist) {
  const dataDir = temporaryFolder();
  const workerData = { dist, dataDir, properties: PROPERTIES };
  const thread = new Worker(new URL("./broker-loop-thread.mjs", import.meta.url), { workerData });
  atEnd(() => thread.terminate());
  const waiting = [];
  thread.on("message", (message) => {
    if (message.failed) throw new Error(message.failed);
    for (const [at, [field, resolve]] of waiting.entries()) {
      if (!(field in message)) continue;
      waiting.splice(at, 1);
      resolve(message);
      return;
    }
  });
  const next = (field) => new Promise((resolve) => waiting.push([field, resolve]));
  const { port } = await next("port");
  return { thread, next, port };
}

/** Sends a request, and reads the answer behind its size and correlation id. */
async function asked(client, api, version, request) {
  return api.decodeResponse(version, new ByteReader(await client.send(api, version, request), 8));
}

async function create(client, name, configs) {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  await asked(client, createTopics, 5, { topics: [topic], timeoutMs: 60_000, validateOnly: false });
}

async function append(client, name, records) {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await asked(client, produce, 9, { acks: -1, timeoutMs: 60_000, topicData });
  const { errorCode, errorMessage } = responses[0].partitionResponses[0];
  if (errorCode !== 0) throw new Error(`Produce was answered ${errorCode} ${errorMessage}`);
}

async function alter(client, name, configs) {
  const changes = Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: 0, value }));
  await asked(client, incrementalAlterConfigs, 1, {
    resources: [{ resourceType: 2, resourceName: name, configs: changes }],
    validateOnly: false,
  });
}

const percentile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** Runs `work` under load, and reports the delays meanwhile. */
async function underLoad(build, what, { thread, next, port }, work) {
  const client = await BrokerConnection.open(port);
  const latencies = [];
  let isOver = false;
  const small = batchOf(50, 0);
  const sending = (async () => {
    while (!isOver) {
      const from = performance.now();
      await append(client, "load", Buffer.from(small));
      latencies.push(performance.now() - from);
      await delay(2);
    }
  })();
  await delay(1000);
  latencies.length = 0;
  thread.postMessage("begin");
  const from = performance.now();
  const found = await work();
  const ms = performance.now() - from;
  const answer = next("delays");
  thread.postMessage("end");
  const [p50, p99, p999, max] = (await answer).delays;
  isOver = true;
  await sending;
  client.close();
  latencies.sort((a, b) => a - b);
  report({
    build,
    what,
    ms: Math.round(ms),
    loop_p50_ms: p50,
    loop_p99_ms: p99,
    loop_p999_ms: p999,
    loop_max_ms: max,
    produce_p50_ms: Number(percentile(latencies, 0.5).toFixed(1)),
    produce_p99_ms: Number(percentile(latencies, 0.99).toFixed(1)),
    requests: latencies.length,
    ...found,
    load1: load(),
  });
}

async function measure(build, dist) {
  const broker = await started(dist);
  const client = await BrokerConnection.open(broker.port);
  await create(client, "load", []);
  // Not compacted yet, and the last segment not sealed: the whole topic is cleaned at once, later.
  await create(client, "large", [
    { name: "cleanup.policy", value: "delete" },
    { name: "segment.bytes", value: String(segment) },
    { name: "min.cleanable.dirty.ratio", value: "0" },
    { name: "retention.ms", value: "-1" },
  ]);
  const records = Math.floor((mib * 1024 * 1024) / record);
  for (let at = 0; at < records; at += BATCH_RECORDS) await append(client, "large", batchOf(BATCH_RECORDS, at));
  await underLoad(build, "load alone", broker, async () => {
    await delay(seconds * 1000);
    return {};
  });
  await underLoad(build, "compaction", broker, async () => {
    const done = broker.next("message");
    await alter(client, "large", { "cleanup.policy": "compact" });
    const { bytesBefore, bytesAfter } = (await done).fields;
    const mibOf = (bytes) => Math.round(bytes / 1024 / 1024);
    return { records, mib_before: mibOf(bytesBefore), mib_after: mibOf(bytesAfter) };
  });
  await underLoad(build, "retention", broker, async () => {
    const done = broker.next("message");
    await alter(client, "large", { "cleanup.policy": "delete", "retention.bytes": "1" });
    return { segments: (await done).fields.count };
  });
  client.close();
  const closed = broker.next("closed");
  broker.thread.postMessage("close");
  await closed;
}

await measured(async () => {
  const builds = [["now", join(ROOT, "dist")]];
  if (before !== "") builds.unshift(["before", before]);
  for (const [build, dist] of builds) await measure(build, dist);
});
