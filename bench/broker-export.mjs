// `millrace broker export` from one bundled broker to another, both of them processes of this machine: rate, CPU and
// peak memory of the export, of one topic of 1 KiB records and of one four times as large; and the time that filling up
// a partition takes, whose first records are deleted. Compared with producing the same records to the source.
//   node bench/broker-export.mjs [--records 200000] [--deleted 5000000] [--partitions 4]
import { SystemClock } from "../dist/src/base/clock.js";
import { silentLogger } from "../dist/src/base/logger.js";
import { SystemRandom } from "../dist/src/base/random.js";
import { createKafkaClient } from "../dist/src/kafka/create-kafka-client.js";
import { atEnd, load, measured, options, report, temporaryFolder } from "./measurement.mjs";
import { cpuSeconds, residentMib, startMillrace } from "./processes.mjs";

const { records, deleted, partitions } = options({ records: 200_000, deleted: 5_000_000, partitions: 4 });
const RECORD_BYTES = 1024;
const LOOK_MS = 50;

async function startBroker() {
  const args = ["broker", "--data", temporaryFolder(), "--listen", "127.0.0.1:0"];
  const { line } = startMillrace(args, { MILLRACE_LOG_LEVEL: "warn" });
  const [, address] = await line(/^Kafka broker: (\S+:\d+)/);
  return address;
}

/** Produces records of `bytes` bytes over all partitions; returns records per second. */
async function fill(client, topic, parts, count, bytes) {
  await client.admin.createTopics([{ name: topic, partitions: parts, replicationFactor: 1 }]);
  const value = Buffer.alloc(bytes, "x");
  let failure;
  const producer = client.producer(
    { properties: { "batch.size": "1000000" } },
    {
      acknowledged() {},
      failed: (_token, _count, error) => {
        failure ??= error;
      },
    },
  );
  const began = performance.now();
  for (let at = 0; at < count; at++) {
    producer.append({ topic, partition: at % parts, key: null, value, timestampMs: Date.now(), headers: [] });
    if (producer.full) await producer.drained();
  }
  await producer.flush();
  if (failure) throw failure;
  const rate = count / ((performance.now() - began) / 1000);
  await producer.close(0);
  return rate;
}

/** Exports one topic; returns seconds, CPU seconds and peak MiB. The start of the process is within the seconds. */
async function exportTopic(from, to, topic) {
  const began = performance.now();
  const args = ["broker", "export", "--from", from, "--to", to, "--topics", topic];
  const { pid, line } = startMillrace(args, { MILLRACE_LOG_LEVEL: "warn" });
  const figures = { cpu: 0, mib: 0 };
  const timer = setInterval(() => {
    try {
      Object.assign(figures, { cpu: cpuSeconds(pid), mib: residentMib(pid, "VmHWM") });
    } catch {
      // It has ended: the last look counts.
    }
  }, LOOK_MS);
  const [text] = await line(/^export: .*/);
  clearInterval(timer);
  if (!text.endsWith(": complete")) throw new Error(text);
  return { seconds: (performance.now() - began) / 1000, ...figures };
}

await measured(async () => {
  const [from, to] = [await startBroker(), await startBroker()];
  const client = createKafkaClient({
    properties: { "bootstrap.servers": from },
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
  });
  atEnd(() => client.close());
  for (const [topic, count] of [
    ["warm", Math.ceil(records / 10)],
    ["small", records],
    ["large", 4 * records],
  ]) {
    const produced = await fill(client, topic, partitions, count, RECORD_BYTES);
    const { seconds, cpu, mib } = await exportTopic(from, to, topic);
    if (topic === "warm") continue;
    report({
      what: "export",
      topic,
      records: count,
      mib: Math.round((count * RECORD_BYTES) / 2 ** 20),
      records_per_s: Math.round(count / seconds),
      produced_per_s: Math.round(produced),
      ratio: Number((count / seconds / produced).toFixed(2)),
      cpu_s_per_million: Number(((cpu / count) * 1e6).toFixed(1)),
      peak_mib: mib,
      load1: load(),
    });
  }
  await fill(client, "cut", 1, deleted + 1, 1);
  await client.admin.deleteRecords([{ topic: "cut", partition: 0, offset: deleted }]);
  const { seconds, cpu, mib } = await exportTopic(from, to, "cut");
  report({
    what: "fill up",
    deleted_offsets: deleted,
    seconds: Number(seconds.toFixed(1)),
    cpu_s_per_million: Number(((cpu / deleted) * 1e6).toFixed(2)),
    peak_mib: mib,
    load1: load(),
  });
});
