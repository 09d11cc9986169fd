import { appendFileSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { SourceMap, SourceOffset } from "../../../src/api/index.js";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { sourceMapKey } from "../../../src/base/exact-json.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { createKafkaClient } from "../../../src/kafka/create-kafka-client.js";
import { CODECS } from "../../../src/protocol/compression/compression.js";
import { createWorker } from "../../../src/worker/create-worker.js";
import type { SourceOffsetStore, Worker } from "../../../src/worker/worker.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { WorkerEvents } from "../../support/worker-events.js";

// A worker with the file connectors on a real broker, without a herder, with tasks in this thread and in task hosts'
// threads (which run dist). The tests await statuses, offsets and changes of files.

const STRING = "org.apache.kafka.connect.storage.StringConverter";
const SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector";
const SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector";

class MemoryOffsets implements SourceOffsetStore {
  async records() {
    return { topic: "offsets", records: [], isOverlaid: false };
  }

  async committed() {}

  workerEra() {
    return 1;
  }

  async eras() {
    return { worker: 1 };
  }

  readonly stored = new Map<string, SourceMap | null>();

  async read(connector: string, partitions: readonly SourceMap[]): Promise<SourceOffset[]> {
    return partitions.map((partition) => ({
      partition,
      offset: this.stored.get(`${connector} ${sourceMapKey(partition)}`) ?? null,
    }));
  }

  async flush(connector: string, entries: readonly SourceOffset[]): Promise<void> {
    for (const { partition, offset } of entries) this.stored.set(`${connector} ${sourceMapKey(partition)}`, offset);
  }
}

const folder = mkdtempSync(join(tmpdir(), "millrace-worker-"));
const workers: Worker[] = [];
let broker: TestBroker;

beforeAll(async () => {
  broker = await startTestBroker();
});

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.close();
});

afterAll(async () => {
  await broker.close();
  rmSync(folder, { recursive: true, force: true });
});

async function start(
  isolation: string,
  listener: WorkerEvents,
  offsets: MemoryOffsets,
  more: Record<string, string> = {},
) {
  const worker = await createWorker({
    workerProps: {
      "bootstrap.servers": broker.bootstrap,
      "key.converter": STRING,
      "value.converter": STRING,
      "task.isolation": isolation,
      "offset.flush.interval.ms": "500",
      ...more,
    },
    offsets,
    listener,
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
    levels: new LogLevels("error"),
    createKafkaClient,
  });
  workers.push(worker);
  return worker;
}

/** Starts a connector and its tasks, as a herder would. */
async function run(worker: Worker, name: string, props: Record<string, string>): Promise<void> {
  const connectorProps = { name, ...props };
  expect(await worker.startConnector(name, connectorProps, "STARTED")).toBe("RUNNING");
  const configs = await worker.taskConfigs(name);
  for (const [task, taskProps] of configs.entries())
    await worker.startTask({ connector: name, task }, connectorProps, taskProps, "STARTED", configs.length);
}

/** Resolves once the file holds `count` different lines. */
async function lines(path: string, count: number): Promise<string[]> {
  const read = () => {
    const text = readFileSync(path, "utf8");
    return text.slice(0, text.lastIndexOf("\n")).split("\n");
  };
  const enough = deferred();
  const look = () => {
    if (new Set(read()).size >= count) enough.resolve();
  };
  const watcher = watch(path, look);
  look();
  await enough.promise;
  watcher.close();
  return read();
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => `line ${from + at}`);

describe.each(["none", "shared", "dedicated"])("with task.isolation=%s", (isolation) => {
  const topic = `lines-${isolation}`;
  const input = join(folder, `in-${isolation}.txt`);
  const output = join(folder, `out-${isolation}.txt`);
  const offsets = new MemoryOffsets();

  test("lines pass from a file through a topic to a file, in order, and continue after a stop and a crash", async () => {
    writeFileSync(output, "");
    writeFileSync(input, `${numbers(1, 3000).join("\n")}\n`);
    let listener = new WorkerEvents();
    let worker = await start(isolation, listener, offsets);
    const running = listener.expect(`in-${isolation}-0 RUNNING`);
    await run(worker, `in-${isolation}`, { "connector.class": SOURCE, file: input, topic });
    await running;
    await run(worker, `out-${isolation}`, { "connector.class": "FileStreamSink", topics: topic, file: output });
    expect(await lines(output, 3000)).toEqual(numbers(1, 3000));
    expect(worker.hosts().map(({ kind }) => kind)).toContain(isolation === "none" ? "in-process" : isolation);
    const metrics = await worker.metrics();
    expect(metrics.find(({ type }) => type === "sink")).toMatchObject({ recordsRead: 3000, recordsFailed: 0 });

    // A clean stop commits everything: nothing is repeated.
    await worker.close();
    expect(listener.lines).toContain(`in-${isolation}-0 UNASSIGNED`);
    expect([...offsets.stored.values()]).toEqual([expect.objectContaining({ position: readFileSync(input).length })]);
    appendFileSync(input, `${numbers(3001, 3500).join("\n")}\n`);
    listener = new WorkerEvents();
    worker = await start(isolation, listener, offsets);
    await run(worker, `in-${isolation}`, { "connector.class": SOURCE, file: input, topic });
    await run(worker, `out-${isolation}`, { "connector.class": SINK, topics: topic, file: output });
    expect(await lines(output, 3500)).toEqual(numbers(1, 3500));

    if (isolation === "none") return; // nothing short of the end of the process is a crash there

    // A crash loses nothing: the source continues at the stored position.
    await worker.abandon();
    appendFileSync(input, `${numbers(3501, 3600).join("\n")}\n`);
    worker = await start(isolation, listener, offsets, { "consumer.session.timeout.ms": "6000" });
    const other = join(folder, `other-${isolation}.txt`);
    writeFileSync(other, "");
    await run(worker, `in-${isolation}`, { "connector.class": SOURCE, file: input, topic });
    await run(worker, `other-${isolation}`, { "connector.class": SINK, topics: topic, file: other });
    const seen = new Set(await lines(other, 3600));
    for (const line of numbers(1, 3600)) expect(seen).toContain(line);
  });
});

test("a task waits for a lost broker: RUNNING with the reason, then nothing lost", async () => {
  const listener = new WorkerEvents();
  const worker = await start("none", listener, new MemoryOffsets());
  const input = join(folder, "away.txt");
  const output = join(folder, "away-out.txt");
  writeFileSync(input, `${numbers(1, 10).join("\n")}\n`);
  writeFileSync(output, "");
  await run(worker, "away", { "connector.class": SOURCE, file: input, topic: "away" });
  await run(worker, "away-out", { "connector.class": SINK, topics: "away", file: output });
  await lines(output, 10);
  const waiting = listener.expect("away-0 RUNNING waiting for");
  await broker.crash();
  appendFileSync(input, `${numbers(11, 20).join("\n")}\n`);
  expect(await waiting).toContain(broker.bootstrap);
  await broker.restart();
  await lines(output, 20);
  const seen = new Set(readFileSync(output, "utf8").trim().split("\n"));
  for (const line of numbers(1, 20)) expect(seen).toContain(line);
  expect(worker.tasks().map(({ state }) => state)).toEqual(["RUNNING", "RUNNING"]);
  expect(listener.lines.filter((line) => line.includes("FAILED"))).toEqual([]);
});

test("a sink reads every codec, and a source writes the configured one", async () => {
  const listener = new WorkerEvents();
  const worker = await start("none", listener, new MemoryOffsets());
  const output = join(folder, "codecs-out.txt");
  writeFileSync(output, "");
  for (const [at, codec] of CODECS.entries()) {
    const input = join(folder, `codecs-${codec}.txt`);
    writeFileSync(input, `${numbers(100 * at + 1, 100 * at + 100).join("\n")}\n`);
    const source = { "connector.class": SOURCE, file: input, topic: `codecs-${codec}` };
    await run(worker, `codecs-${codec}`, { ...source, "producer.override.compression.type": codec });
  }
  const topics = CODECS.map((codec) => `codecs-${codec}`).join();
  await run(worker, "codecs-out", { "connector.class": SINK, topics, file: output });
  const written = await lines(output, 100 * CODECS.length);
  expect(new Set(written)).toEqual(new Set(numbers(1, 100 * CODECS.length)));
});

test("sink tasks that start and stop share the partitions: every line once", async () => {
  const listener = new WorkerEvents();
  const worker = await start("none", listener, new MemoryOffsets(), { "offset.flush.interval.ms": "60000" });
  const input = join(folder, "shared-in.txt");
  const output = join(folder, "shared-out.txt");
  writeFileSync(input, "");
  writeFileSync(output, "");
  await run(worker, "spread", {
    "connector.class": SOURCE,
    file: input,
    topic: "spread",
    "topic.creation.default.partitions": "4",
    "topic.creation.default.replication.factor": "1",
  });
  const sink = { name: "gather", "connector.class": SINK, topics: "spread", file: output, "tasks.max": "3" };
  const startTask = (task: number) => worker.startTask({ connector: "gather", task }, sink, sink, "STARTED", 3);
  let written = 0;
  const more = async (count: number) => {
    appendFileSync(input, `${numbers(written + 1, written + count).join("\n")}\n`);
    written += count;
    await lines(output, written);
  };
  await startTask(0);
  await more(2000);
  await startTask(1);
  await more(2000);
  await startTask(2);
  await more(2000);
  await worker.stopTasks([{ connector: "gather", task: 0 }]);
  await more(2000);
  await worker.close();
  // Nothing is lost or repeated: each partition was committed before it changed its owner.
  const all = readFileSync(output, "utf8").trim().split("\n");
  expect(all.length).toBe(written);
  expect(new Set(all).size).toBe(written);
});

test("bad records go to the dead letter queue with their errors; good ones are delivered", async () => {
  const listener = new WorkerEvents();
  const worker = await start("none", listener, new MemoryOffsets());
  const input = join(folder, "mixed-in.txt");
  const output = join(folder, "mixed-out.txt");
  const letters = join(folder, "letters.txt");
  writeFileSync(output, "");
  writeFileSync(letters, "");
  writeFileSync(input, '{"a":1}\nnot JSON\n{"a":2}\nneither {\n{"a":3}\n');
  await run(worker, "mixed", { "connector.class": SOURCE, file: input, topic: "mixed" });
  await run(worker, "reader", {
    "connector.class": SINK,
    topics: "mixed",
    file: output,
    "value.converter": "JsonConverter",
    "value.converter.schemas.enable": "false",
    "errors.tolerance": "all",
    "errors.deadletterqueue.topic.name": "mixed-letters",
    "errors.deadletterqueue.topic.replication.factor": "1",
    "errors.deadletterqueue.context.headers.enable": "true",
  });
  await run(worker, "letters", { "connector.class": SINK, topics: "mixed-letters", file: letters });
  expect(await lines(letters, 2)).toEqual(["not JSON", "neither {"]);
  expect(await lines(output, 3)).toEqual(["{a=1}", "{a=2}", "{a=3}"]);
  expect(worker.tasks().map(({ state }) => state)).toEqual(["RUNNING", "RUNNING", "RUNNING"]);

  // Without tolerance the same record fails the task, which names its position.
  const failed = listener.expect("strict-0 FAILED");
  await run(worker, "strict", {
    "connector.class": SINK,
    topics: "mixed",
    file: output,
    "value.converter": "JsonConverter",
    "value.converter.schemas.enable": "false",
  });
  expect(await failed).toContain("VALUE_CONVERTER");
});
