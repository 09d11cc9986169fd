// Start of `millrace broker` → first answer of ApiVersions, on a folder of many partitions, and on one large log: after
// a clean stop and after `kill -9`. Each partition has records since the last start, so that none is known to be whole.
//   node bench/broker-start.mjs [--partitions 2000] [--mib 2048] [--batch 900] [--runs 3] [--before DIST]
// `--batch`: records of 1,000 bytes in each batch of the large log; few make its indexes as large as they get, an entry of
// 20 bytes for each 4 KiB. `--before` measures another build of Millrace in the same run. first_append_ms: the first append to each partition
// after a start, 500 in a request. stop_ms: the clean stop.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { apiVersions } from "../dist/src/protocol/apis/api-versions.js";
import { produce } from "../dist/src/protocol/apis/produce.js";
import { RecordBatchWriter } from "../dist/src/protocol/records/record-batch-writer.js";
import { BrokerConnection } from "./broker-connection.mjs";
import { atEnd, load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { cpuSeconds, freePort, ROOT, residentMib } from "./processes.mjs";

const { partitions, mib, batch, runs, before } = options({
  partitions: 2000,
  mib: 2048,
  batch: 900,
  runs: 3,
  before: "",
});
const BATCH = batchOf(batch, 1000);
/** Requests on their way while the log is filled: enough for small batches to share a sync. */
const IN_FLIGHT = Math.ceil(900 / batch);
const MIB = 1024 * 1024;

function batchOf(records, bytes) {
  const writer = new RecordBatchWriter();
  const value = Buffer.alloc(bytes, "x");
  for (let count = 0; count < records; count++) writer.append(Date.now(), null, value, []);
  return Buffer.from(writer.finish({ codec: "none" }));
}

/** Starts a broker; resolves with the time to its first answer. */
async function started(dist, data, port) {
  const args = [join(dist, "src", "main.js"), "broker", "--data", data, "--listen", `127.0.0.1:${port}`];
  const env = { ...process.env, MILLRACE_LOG_LEVEL: "warn" };
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"], env });
  const ended = once(child, "close");
  atEnd(() => child.kill("SIGKILL"));
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The broker ended with status ${child.exitCode}`);
    const client = await BrokerConnection.open(port).catch(() => undefined);
    if (client) {
      await client.send(apiVersions, 0, {});
      const ms = performance.now() - began;
      const end = async (signal) => {
        const from = performance.now();
        child.kill(signal);
        await ended;
        return performance.now() - from;
      };
      return { ms, client, end, cpu: cpuSeconds(child.pid), rss: residentMib(child.pid) };
    }
    await delay(5);
  }
}

/** Appends `records` to each of the partitions. */
async function append(client, name, count, records) {
  for (let from = 0; from < count; from += 500) {
    const indexes = Array.from({ length: Math.min(500, count - from) }, (_, at) => from + at);
    const partitionData = indexes.map((index) => ({ index, records: Buffer.from(records) }));
    await client.send(produce, 9, { acks: -1, timeoutMs: 60_000, topicData: [{ name, partitionData }] });
  }
}

async function fill(client) {
  let left = mib * MIB;
  const sender = async () => {
    while (left > 0) {
      left -= BATCH.length;
      await append(client, "large", 1, BATCH);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
}

/** Builds take turns, each on a folder of its own. `work` appends what the next start has to check. */
async function measure(what, builds, prepare, work) {
  const sides = [];
  for (const [label, dist] of builds) {
    const side = { label, dist, data: temporaryFolder(), port: await freePort() };
    side.broker = await started(dist, side.data, side.port);
    await prepare(side.broker.client);
    sides.push(side);
  }
  for (const how of ["SIGTERM", "SIGKILL"]) {
    for (const side of sides) Object.assign(side, { starts: [], stops: [], appends: [] });
    for (let run = 0; run < runs; run++) {
      for (const side of sides) {
        const from = performance.now();
        await work(side.broker.client);
        side.appends.push(performance.now() - from);
        side.stops.push(await side.broker.end(how));
        side.broker = await started(side.dist, side.data, side.port);
        side.starts.push(side.broker);
      }
    }
    for (const { label, starts, stops, appends } of sides) {
      const of = (field) => median(starts.map(field));
      report({
        what,
        after: how === "SIGKILL" ? "kill -9" : "clean stop",
        build: label,
        ms: Math.round(of(({ ms }) => ms)),
        cpu_s: Number(of(({ cpu }) => cpu).toFixed(2)),
        rss_mib: of(({ rss }) => rss),
        first_append_ms: Math.round(median(appends)),
        ...(how === "SIGTERM" && { stop_ms: Math.round(median(stops)) }),
        load1: load(),
      });
    }
  }
  for (const { broker } of sides) await broker.end("SIGKILL");
}

await measured(async () => {
  const builds = [["now", join(ROOT, "dist")]];
  if (before !== "") builds.unshift(["before", before]);
  const small = batchOf(1, 100);
  if (partitions > 0) {
    const touch = (client) => append(client, "many", partitions, small);
    await measure(`${partitions} partitions`, builds, (client) => client.createTopic("many", partitions, "1"), touch);
  }
  if (mib > 0) {
    const prepare = async (client) => {
      await client.createTopic("large", 1, "1");
      await fill(client);
    };
    await measure(`a log of ${mib} MiB in batches of ${batch} records`, builds, prepare, (client) =>
      append(client, "large", 1, small),
    );
  }
});
