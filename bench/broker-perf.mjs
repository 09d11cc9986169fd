// Kafka's own performance tools on the bundled broker and on Apache Kafka, in turns: rates of producing and consuming, the
// broker's CPU and memory, latency at a steady rate; also small requests of many clients, the start, and many topics.
//   MILLRACE_PEERS=… node bench/broker-perf.mjs [--records 1000000] [--runs 3] [--acknowledge disk,cache]
//     [--only produce,limit,consume,latency,clients,topics,start] [--before DIST] [--kafka cache,disk]
// Ours takes part once as it is by default, which acknowledges from disk, and once as Kafka does, from the page cache. With
// `--before` another build of ours takes part; with `--kafka no` only that. `--kafka cache,disk` also has Kafka acknowledge from
// disk (flush.messages=1). Each figure is a median of the runs; `ratio` is to the first side's. `limit` is the tool's own rate:
// it waits for no answer (acks=0).
import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { apiVersions } from "../dist/src/protocol/apis/api-versions.js";
import { createTopics } from "../dist/src/protocol/apis/create-topics.js";
import { produce } from "../dist/src/protocol/apis/produce.js";
import { RecordBatchWriter } from "../dist/src/protocol/records/record-batch-writer.js";
import { BrokerConnection } from "./broker-connection.mjs";
import { atEnd, load, measured, median, options, report, temporaryFolder } from "./measurement.mjs";
import { peersHome } from "./peers.mjs";
import { cpuSeconds, freePort, pairOfFreePorts, ROOT, residentMib } from "./processes.mjs";

const { records, runs, acknowledge, only, before, kafka } = options({
  records: 1_000_000,
  runs: 3,
  acknowledge: "disk,cache",
  only: "produce,consume,latency,clients,topics,start",
  before: "",
  kafka: "cache",
});
const TOOLS = "org.apache.kafka.tools";
const CLIENTS = 50;
const CLIENT_MS = 5000;
const TOPICS = 1000;
const FLUSH = { disk: "1", cache: "9223372036854775807" };

/** A broker that can be started again on its data; `command` starts it, unless it is the process of `shared`. */
class Side {
  #pid;
  #child;
  constructor(label, flushMessages, port, command, shared) {
    Object.assign(this, { label, flushMessages, port, command, shared });
    atEnd(() => this.#child?.kill("SIGKILL"));
  }

  get pid() {
    return this.shared?.pid ?? this.#pid;
  }

  get bootstrap() {
    return `127.0.0.1:${this.port}`;
  }

  /** Resolves with the time to its first answer. */
  async start() {
    const began = performance.now();
    const [file, ...args] = this.command;
    this.#child = spawn(file, args, { stdio: "ignore", env: { ...process.env, MILLRACE_LOG_LEVEL: "warn" } });
    this.#pid = this.#child.pid;
    for (;;) {
      if (this.#child.exitCode !== null) throw new Error(`${this.label} ended with ${this.#child.exitCode}`);
      const client = await BrokerConnection.open(this.port).catch(() => undefined);
      const answer = await client?.send(apiVersions, 0, {}).catch(() => undefined);
      client?.close();
      if (answer) return performance.now() - began;
      await delay(5);
    }
  }

  async stop() {
    const ended = new Promise((done) => this.#child.once("close", done));
    this.#child.kill("SIGTERM");
    await ended;
  }
}

/** The first is that to which the others are compared. */
async function sidesOf() {
  const port = await pairOfFreePorts();
  const home = peersHome({ PEER_KAFKA_PORT: String(port) }, ["stop"]);
  const sides = [];
  if (kafka !== "no") {
    // It writes the properties and formats the folder; then it is started without the shell around it.
    home.start("kafka");
    home.peers(["kafka", "stop"]);
    const java = ["java", "-Xmx1g", "-XX:+UseG1GC", "-cp", join(home.folder, "libs", "*"), "kafka.Kafka"];
    const command = [...java, join(home.folder, "run", "server.properties")];
    for (const from of kafka.split(",")) {
      sides.push(new Side(from === "cache" ? "kafka" : "kafka, from disk", FLUSH[from], port, command, sides[0]));
    }
  }
  const builds = before === "" ? [] : [["before", before]];
  builds.push(["ours", join(ROOT, "dist")]);
  for (const [label, dist] of builds) {
    for (const from of acknowledge.split(",")) {
      const port = await freePort();
      const command = [process.execPath, join(dist, "src", "main.js"), "broker", "--data", temporaryFolder()];
      const address = ["--listen", `127.0.0.1:${port}`];
      sides.push(new Side(`${label}, from ${from}`, FLUSH[from], port, [...command, ...address]));
    }
  }
  return { sides, tool: (mainClass, args) => home.peers(["tool", `${TOOLS}.${mainClass}`, ...args]) };
}

async function withClient(side, use) {
  const client = await BrokerConnection.open(side.port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

let made = 0;
/** A new topic. Returns its name. */
async function topicOn(side, partitions) {
  const name = `perf-${made++}`;
  await withClient(side, (client) => client.createTopic(name, partitions, side.flushMessages));
  return name;
}

/** Calls `once` for each side in turns; reports the medians of what it returns, and their ratios to those of the first. */
async function inTurns(what, sides, once, fields) {
  const found = new Map(sides.map((side) => [side.label, []]));
  for (let run = 0; run < runs; run++) {
    for (const side of run % 2 === 0 ? sides : sides.toReversed()) found.get(side.label).push(await once(side));
  }
  const of = (label, field) => median(found.get(label).map((each) => each[field]));
  for (const { label } of sides) {
    const figures = fields.map((field) => [field, Number(of(label, field).toPrecision(4))]);
    const ratios = fields.map((field) => [
      `${field}_ratio`,
      Number((of(label, field) / of(sides[0].label, field)).toFixed(2)),
    ]);
    const more = label === sides[0].label ? [] : ratios;
    report({ what, label, ...Object.fromEntries([...figures, ...more]), load1: load() });
  }
}

/** What `work` has cost the broker, with what it returns. */
async function costed(side, count, work) {
  const from = cpuSeconds(side.pid);
  const result = await work();
  return { ...result, cpu_s_per_million: ((cpuSeconds(side.pid) - from) / count) * 1e6 };
}

function produceWith(tool, side, topic, { size, acks, count, throughput = -1 }) {
  const load = ["--num-records", String(count), "--record-size", String(size), "--throughput", String(throughput)];
  const props = ["--producer-props", `bootstrap.servers=${side.bootstrap}`, `acks=${acks}`];
  const printed = tool("ProducerPerformance", ["--topic", topic, ...load, ...props]);
  const last = printed.trim().split("\n").at(-1);
  const [, rate] = /([\d.]+) records\/sec/.exec(last);
  const [, p99, p999] = /(\d+) ms 99th, (\d+) ms 99.9th/.exec(last);
  return { rate: Number(rate), p99_ms: Number(p99), p999_ms: Number(p999) };
}

function consumeWith(tool, side, topic, count) {
  const args = ["--bootstrap-server", side.bootstrap, "--topic", topic, "--num-records", String(count)];
  const printed = tool("ConsumerPerformance", [...args, "--timeout", "60000"]);
  const fields = printed.trim().split("\n").at(-1).split(", ");
  if (Number(fields[4]) < count) throw new Error(`${side.label}: only ${fields[4]} of ${count} records were read`);
  // Without the time in which the consumer joins its group.
  return { rate: Number(fields[9]) };
}

const BATCH = (() => {
  const writer = new RecordBatchWriter();
  writer.append(Date.now(), null, Buffer.alloc(100, "x"), []);
  return Buffer.from(writer.finish({ codec: "none" }));
})();

/** Clients that each have one request of one record under way. */
async function smallRequests(side) {
  const name = await topicOn(side, 12);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => BrokerConnection.open(side.port)));
  const took = [];
  const end = performance.now() + CLIENT_MS;
  await Promise.all(
    clients.map(async (client, at) => {
      while (performance.now() < end) {
        const began = performance.now();
        const partitionData = [{ index: at % 12, records: Buffer.from(BATCH) }];
        await client.send(produce, 9, { acks: -1, timeoutMs: 30_000, topicData: [{ name, partitionData }] });
        took.push(performance.now() - began);
      }
    }),
  );
  for (const client of clients) client.close();
  took.sort((a, b) => a - b);
  return { count: took.length, rate: took.length / (CLIENT_MS / 1000), p99_ms: took[Math.floor(took.length * 0.99)] };
}

async function manyTopics(side) {
  const run = made++;
  const topics = Array.from({ length: TOPICS }, (_, at) => ({
    name: `many-${run}-${at}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }));
  const began = performance.now();
  await withClient(side, (client) => client.send(createTopics, 5, { topics, timeoutMs: 120_000, validateOnly: false }));
  return { create_ms: performance.now() - began };
}

await measured(async () => {
  const { sides, tool } = await sidesOf();
  const chosen = new Set(only.split(","));
  const processes = sides.filter(({ shared }) => !shared);
  for (const side of processes) await side.start();
  // Kafka's code is compiled by then.
  for (const side of sides)
    produceWith(tool, side, await topicOn(side, 12), { size: 100, acks: "all", count: records });
  const full = new Map();
  for (const size of [100, 1024]) {
    for (const acks of ["1", "all", "0"]) {
      for (const partitions of [1, 12]) {
        if (!chosen.has(acks === "0" ? "limit" : "produce")) continue;
        const count = size === 100 ? records : Math.ceil(records / 4);
        const once = async (side) => {
          const topic = await topicOn(side, partitions);
          full.set(`${side.label} ${size} ${partitions}`, { topic, count });
          return costed(side, count, () => produceWith(tool, side, topic, { size, acks, count }));
        };
        const what = `produce ${size} B, acks=${acks}, ${partitions} partitions`;
        await inTurns(what, sides, once, ["rate", "cpu_s_per_million"]);
      }
    }
  }
  for (const [size, partitions] of [
    [100, 1],
    [100, 12],
    [1024, 1],
    [1024, 12],
  ]) {
    if (!chosen.has("consume")) continue;
    const once = async (side) => {
      const { topic, count } = full.get(`${side.label} ${size} ${partitions}`);
      return costed(side, count, () => consumeWith(tool, side, topic, count));
    };
    await inTurns(`consume ${size} B, ${partitions} partitions`, sides, once, ["rate", "cpu_s_per_million"]);
  }
  if (chosen.has("latency")) {
    const once = async (side) => {
      const topic = await topicOn(side, 12);
      return costed(side, 100_000, () =>
        produceWith(tool, side, topic, { size: 100, acks: "all", count: 100_000, throughput: 10_000 }),
      );
    };
    await inTurns("10,000 records of 100 B a second, acks=all", sides, once, [
      "p99_ms",
      "p999_ms",
      "cpu_s_per_million",
    ]);
  }
  if (chosen.has("clients")) {
    const once = async (side) => {
      const from = cpuSeconds(side.pid);
      const result = await smallRequests(side);
      return { ...result, cpu_s_per_million: ((cpuSeconds(side.pid) - from) / result.count) * 1e6 };
    };
    await inTurns(`${CLIENTS} clients, one record a request`, sides, once, ["rate", "p99_ms", "cpu_s_per_million"]);
  }
  const memory = (what) => {
    const mib = processes.map(({ pid }) => residentMib(pid, "VmHWM"));
    for (const [at, { label }] of processes.entries()) {
      const ratio = at > 0 && { peak_mib_ratio: Number((mib[at] / mib[0]).toFixed(3)) };
      report({ what, label, peak_mib: mib[at], ...ratio });
    }
  };
  memory("peak memory so far");
  if (chosen.has("topics")) {
    await inTurns(`${TOPICS} topics created by one request`, sides, manyTopics, ["create_ms"]);
    memory(`peak memory with ${runs * TOPICS} topics more`);
  }
  if (chosen.has("start")) {
    const once = async (side) => {
      await side.stop();
      return { ready_ms: await side.start() };
    };
    await inTurns("start on this data, after a clean stop", processes, once, ["ready_ms"]);
  }
});
