import { describe, expect, test } from "vitest";
import {
  ConfigError,
  type ConnectorPlugin,
  DataError,
  type Logger,
  type SourceRecord,
} from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { DEFAULT_HEADER_CONVERTER } from "../../../../src/contract/connector-keys.js";
import type { KafkaClient, KafkaClientOptions } from "../../../../src/kafka/client/kafka-client.js";
import type { ProducerListener, ProducerOptions } from "../../../../src/kafka/client/producer.js";
import { ClientMeter } from "../../../../src/kafka/client-meter.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { TaskHost } from "../../../../src/worker/host/task-host.js";
import type { HostReport } from "../../../../src/worker/host/task-host-messages.js";
import { ensureDeadLetterTopic, parseDeadLetterSettings } from "../../../../src/worker/sink/dead-letter-queue.js";
import { describeConsumed } from "../../../../src/worker/sink/sink-record-decoder.js";
import { describeSource } from "../../../../src/worker/source/source-record-encoder.js";
import { LogReporter } from "../../../../src/worker/task/record-errors.js";
import { FakeAdmin, FakeProducer } from "../fake-kafka.js";
import { FedSource, FILE, ID, records, registryOf, textConverters } from "../source-harness.js";

function rig(task = new FedSource()) {
  const reports: HostReport[] = [];
  let refused = "";
  const refuse = (key: string) => {
    refused = key;
  };
  const clients: KafkaClientOptions[] = [];
  const clock = new SimClock();
  const producer = deferred<FakeProducer<unknown>>();
  const plugin = {
    type: "source",
    className: "test.Source",
    taskClassName: "test.SourceTask",
    version: "9",
    connector() {},
    task: async () => task,
  } as unknown as ConnectorPlugin;
  const host = new TaskHost({
    workerProps: { "bootstrap.servers": "kafka:9092", "key.converter": "k", "value.converter": "v" },
    plugins: registryOf(
      plugin,
      { className: "k", version: "1", converter: () => textConverters().key },
      { className: "v", version: "1", converter: () => textConverters().value },
      { className: DEFAULT_HEADER_CONVERTER, version: "1", headerConverter: () => textConverters().header },
    ),
    createKafkaClient: (options) => {
      clients.push(options);
      const value = options.properties[refused];
      if (value !== undefined)
        throw new ConfigError(refused, `Invalid value ${value} for configuration ${refused}: no`);
      return {
        producer: <T>(_options: ProducerOptions, listener: ProducerListener<T>) => {
          const made = new FakeProducer<T>(listener);
          producer.resolve(made as unknown as FakeProducer<unknown>);
          return made;
        },
        metrics: () => new ClientMeter("connector-producer-shop-0", clock).metrics(),
        close: async () => {},
      } as unknown as KafkaClient;
    },
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    within: (_run, work) => work(),
    send: (report) => reports.push(report),
  });
  const start = (connectorProps: Record<string, string> = {}, taskCount = 1) =>
    host.receive({
      type: "start",
      run: 1,
      id: ID,
      connectorProps: { "connector.class": "test.Source", ...connectorProps },
      taskProps: {},
      targetState: "STARTED",
      taskCount,
    });
  return { host, reports, refuse, clients, clock, task, producer: producer.promise, start };
}

describe("a task host", () => {
  test("fails a task at its uncaught error, but ends the run only when its code has returned", async () => {
    const { host, reports, clock, task, producer, start } = rig();
    task.stubborn = true;
    start();
    await producer;
    await clock.settled();
    const types = () => reports.map(({ type }) => type);
    expect(host.uncaught(1, new Error("stray"))).toBe(true);
    await clock.advance(60_000);
    // Another run of it would work beside the poll that has not returned.
    expect(types().filter((type) => type === "failed" || type === "ended")).toEqual(["failed"]);
    const told = reports.length;
    expect(host.uncaught(1, new Error("stray again"))).toBe(true);
    task.feed(records(1, 1));
    await clock.settled();
    expect(types().slice(told)).toEqual(["ended"]);
    expect(task.stopped).toBe(1);
    // A timer of its code goes on; the other tasks of the host must not end with it.
    expect(host.uncaught(1, new Error("stray to the end"))).toBe(true);
    expect(host.uncaught(0, new Error("ours"))).toBe(false);
    expect(types().slice(told)).toEqual(["ended"]);
  });

  test("a client that refuses an override fails the task, by the connector's key", async () => {
    const { reports, start, refuse, clock } = rig();
    refuse("acks");
    start({ "producer.override.acks": "nonsense" });
    await clock.settled();
    const message = "Invalid value nonsense for configuration producer.override.acks: no";
    expect(reports).toContainEqual(
      expect.objectContaining({ type: "failed", failure: expect.objectContaining({ message }) }),
    );
  });

  test("runs a task: status, offsets from the worker, metrics, stop, end", async () => {
    const { host, reports, clients, clock, task, producer, start } = rig();
    start({ "producer.override.linger.ms": "3" });
    const made = await producer;
    expect(clients[0]?.properties).toMatchObject({ "linger.ms": "3", "client.id": "connector-producer-shop-0" });
    await clock.settled();
    const read = task.context.readOffsets([FILE]);
    expect(reports.at(-1)).toEqual({ type: "readOffsets", run: 1, request: 1, partitions: [FILE] });
    host.receive({ type: "offsets", request: 1, offsets: [{ partition: FILE, offset: null }] });
    expect(await read).toEqual([{ partition: FILE, offset: null }]);
    made.auto = true;
    task.feed(records(1, 2));
    await made.arrived(2);
    host.receive({ type: "metrics", request: 5 });
    const ofClients = [{ kind: "producer", clientId: "connector-producer-shop-0", recordsSent: 0 }];
    const tasks = [{ id: ID, recordsRead: 2, clients: ofClients }];
    expect(reports.at(-1)).toMatchObject({ type: "metrics", request: 5, tasks });
    await clock.advance(60_000);
    const flush = reports.at(-1);
    expect(flush).toMatchObject({
      type: "flushOffsets",
      run: 1,
      entries: [{ partition: FILE, offset: { position: 2 } }],
    });
    host.receive({ type: "offsets", request: flush?.type === "flushOffsets" ? flush.request : -1, offsets: [] });
    host.receive({ type: "stop", run: 1, cancel: false });
    await clock.settled();
    expect(reports.filter(({ type }) => type === "status" || type === "ended")).toEqual([
      { type: "status", run: 1, state: "RUNNING", waitingFor: null, version: "9" },
      { type: "status", run: 1, state: "UNASSIGNED", waitingFor: null, version: "9" },
      { type: "ended", run: 1 },
    ]);
    expect(task.committed).toHaveLength(1);
  });

  test("pauses and resumes; once cancelled it reports nothing more, but the plugin is stopped when its call returns", async () => {
    const { host, reports, clock, task, producer, start } = rig();
    task.stubborn = true;
    start();
    await producer;
    await clock.settled();
    host.receive({ type: "pause", run: 1, paused: true });
    task.feed([] as SourceRecord[]);
    await clock.advance(5);
    expect(reports.at(-1)).toMatchObject({ state: "PAUSED" });
    host.receive({ type: "pause", run: 1, paused: false });
    await clock.settled();
    expect(reports.at(-1)).toMatchObject({ state: "RUNNING" });
    const { length } = reports;
    host.receive({ type: "stop", run: 1, cancel: true });
    await clock.settled();
    expect(task.stopped).toBe(0);
    task.feed([]);
    await clock.settled();
    expect([task.stopped, reports.length]).toEqual([1, length]);
  });

  test.each([
    [{ "connector.class": "Oops" }, 1, "which name matches Oops"],
    [{ transforms: "mask", "transforms.mask.type": "Mask" }, 1, "which name matches Mask"],
    [{ "exactly.once.support": "REQUIRED" }, 1, "This worker does not have exactly-once source support enabled"],
    [{ "tasks.max": "1" }, 2, "greater than tasks.max=1"],
    [{ "errors.tolerance": "some" }, 1, "errors.tolerance"],
    [{ "topic.creation.default.partitions": "x" }, 1, "topic.creation.default.replication.factor"],
  ])("%j: FAILED before anything starts", async (props, taskCount, message) => {
    const { reports, clients, start } = rig();
    start(props, taskCount);
    expect(reports.map(({ type }) => type)).toEqual(["failed", "ended"]);
    expect(reports[0]).toMatchObject({ failure: { message: expect.stringContaining(message) } });
    expect(clients).toEqual([]);
  });

  test("an abandoned host is silent", async () => {
    const { clock, host, reports, task, producer, start } = rig();
    start();
    await producer;
    await clock.settled();
    const { length } = reports;
    host.abandon();
    await clock.settled();
    expect([reports.length, task.stopped]).toEqual([length, 0]);
  });
});

describe("reports of bad records", () => {
  test("the log names task, stage, class and, if configured, the record's position, but never its value", async () => {
    const lines: string[] = [];
    const logger: Logger = { ...silentLogger, error: (message) => lines.push(message) };
    const error = new DataError("VALUE_INVALID", "x");
    const consumed = {
      topic: "orders",
      partition: 1,
      record: {
        offset: 7,
        timestampMs: 5,
        timestampType: "CreateTime" as const,
        key: null,
        value: Buffer.from("secret"),
        headers: [],
      },
    };
    const stage = "VALUE_CONVERTER" as const;
    await new LogReporter(ID, logger, undefined).report({ record: consumed, stage, className: "J", error });
    await new LogReporter(ID, logger, describeConsumed).report({ record: consumed, stage, className: "J", error });
    const source = { topic: "lines", sourcePartition: FILE, sourceOffset: { position: 3n } };
    await new LogReporter(ID, logger, describeSource).report({ record: source, stage, className: "J", error });
    const start = "Error encountered in task shop-0. Executing stage 'VALUE_CONVERTER' with class 'J'";
    expect(lines).toEqual([
      `${start}.`,
      `${start}, where consumed record is {topic='orders', partition=1, offset=7, timestamp=5, timestampType=CreateTime}.`,
      `${start}, where source record is {topic='lines', sourcePartition={"file":"a"}, sourceOffset={"position":"3"}}.`,
    ]);
  });

  test("a missing dead letter topic is created with one partition; a concurrent creation does no harm", async () => {
    const admin = new FakeAdmin();
    expect(parseDeadLetterSettings({})).toBeUndefined();
    const settings = parseDeadLetterSettings({ "errors.deadletterqueue.topic.name": "dlq" })!;
    expect(settings).toEqual({ topic: "dlq", replicationFactor: 3, contextHeaders: false });
    const { signal } = new AbortController();
    await ensureDeadLetterTopic(admin.asAdmin(), settings, signal);
    expect(admin.topics.get("dlq")).toEqual({ name: "dlq", partitions: 1, replicationFactor: 3 });
    const other = new FakeAdmin();
    other.refuse = new KafkaError("TOPIC_ALREADY_EXISTS", "Creating dlq");
    await ensureDeadLetterTopic(other.asAdmin(), settings, signal);
    other.refuse = new KafkaError("INVALID_REPLICATION_FACTOR", "Creating dlq");
    await expect(ensureDeadLetterTopic(other.asAdmin(), settings, signal)).rejects.toThrow("topic=dlq");
  });
});
