// The cost of acknowledging from disk: the same batches to two topics of one `millrace broker`, in turns. One is
// acknowledged by group commit (flush.messages=1), the other from the page cache (Kafka's default).
//   node bench/acknowledge.mjs [--seconds 2] [--rounds 5]
// fdatasync_per_s: one sync at a time, of 16 KiB each, without a broker. CPU is the broker's.
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { produce } from "../dist/src/protocol/apis/produce.js";
import { RecordBatchWriter } from "../dist/src/protocol/records/record-batch-writer.js";
import { BrokerConnection } from "./broker-connection.mjs";
import { load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { cpuSeconds, startMillrace } from "./processes.mjs";

const { seconds, rounds } = options({ seconds: 2, rounds: 5 });
const MODES = { disk: "1", cache: "9223372036854775807" };
const RECORD_BYTES = 600;
// The worker's producer has one request in flight, Java's five.
const CASES = [
  { records: 1, connections: 1, inFlight: 1 },
  { records: 1, connections: 16, inFlight: 1 },
  { records: 27, connections: 1, inFlight: 1 },
  { records: 27, connections: 1, inFlight: 5 },
  { records: 27, connections: 4, inFlight: 5 },
  { records: 400, connections: 1, inFlight: 5 },
  { records: 1700, connections: 1, inFlight: 1 },
];

await measured(async () => {
  const folder = temporaryFolder();
  const broker = startMillrace(["broker", "--data", folder, "--listen", "127.0.0.1:0"], { MILLRACE_LOG_LEVEL: "warn" });
  const [, port] = await broker.line(/127\.0\.0\.1:(\d+)/);
  const admin = await BrokerConnection.open(port);
  report({ what: "fdatasync", fdatasync_per_s: Math.round(syncsPerSecond(folder)), load1: load() });
  for (const one of CASES) {
    const name = `t-${one.records}-${one.connections}-${one.inFlight}`;
    for (const [mode, messages] of Object.entries(MODES)) await admin.createTopic(`${name}-${mode}`, 1, messages);
    const rates = { disk: [], cache: [] };
    const cpu = { disk: 0, cache: 0 };
    const batches = { disk: 0, cache: 0 };
    for (let round = 0; round <= rounds; round++) {
      for (const mode of Object.keys(MODES)) {
        const before = cpuSeconds(broker.pid);
        const rate = await run(port, `${name}-${mode}`, one);
        if (round === 0) continue;
        rates[mode].push(rate);
        cpu[mode] += cpuSeconds(broker.pid) - before;
        batches[mode] += rate * seconds;
      }
    }
    const ratios = rates.disk.map((rate, at) => rate / rates.cache[at]);
    report({
      what: "acknowledge",
      ...one,
      batch_bytes: one.records * RECORD_BYTES,
      disk_batches_per_s: Math.round(median(rates.disk)),
      cache_batches_per_s: Math.round(median(rates.cache)),
      ratio: Number(median(ratios).toFixed(2)),
      disk_cpu_us_per_batch: Math.round((cpu.disk / batches.disk) * 1e6),
      cache_cpu_us_per_batch: Math.round((cpu.cache / batches.cache) * 1e6),
      load1: load(),
    });
  }
});

/** Batches per second over all connections. */
async function run(port, topic, { records, connections, inFlight }) {
  const writer = new RecordBatchWriter();
  for (let at = 0; at < records; at++) writer.append(Date.now(), null, Buffer.alloc(RECORD_BYTES, "x"), []);
  const batch = Buffer.from(writer.finish({ codec: "none" }));
  const topicData = [{ name: topic, partitionData: [{ index: 0, records: batch }] }];
  const frame = Buffer.concat(produce.encodeRequest(8, 1, "bench", { acks: -1, timeoutMs: 10_000, topicData }));
  const opened = await Promise.all(Array.from({ length: connections }, () => BrokerConnection.open(port)));
  const began = performance.now();
  const counts = await Promise.all(
    opened.map(async (connection) => {
      let count = 0;
      const send = async () => {
        for (; performance.now() - began < seconds * 1000; count++) await connection.request([frame]);
      };
      await Promise.all(Array.from({ length: inFlight }, send));
      connection.close();
      return count;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - began) / 1000);
}

function syncsPerSecond(folder) {
  const fd = openSync(join(folder, "sync"), "w");
  const began = performance.now();
  let count = 0;
  for (; performance.now() - began < 1000; count++) {
    writeSync(fd, Buffer.alloc(16_384), 0, 16_384, count * 16_384);
    fdatasyncSync(fd);
  }
  closeSync(fd);
  return count;
}
