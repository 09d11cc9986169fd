import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DataError,
  type Logger,
  RetriableError,
  type SourceMap,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  type Transformation,
} from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { parseTopicCreation } from "../../../../src/worker/source/topic-creation.js";
import { TransformationChain } from "../../../../src/worker/task/transformation-chain.js";
import {
  FakeOffsets,
  FedSource,
  FILE,
  record,
  records,
  sourcePlugin,
  sourceRig,
  strict,
  textConverters,
} from "../source-harness.js";

const stored = (offsets: FakeOffsets) => [...offsets.stored.values()];

describe("a source task", () => {
  test("produces polled records, stores offsets at the interval once acknowledged, and calls the task's commit", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 3));
    await producer.arrived(3);
    expect(
      producer.appended.map(({ record: { topic, value, timestampMs } }) => [topic, String(value), timestampMs]),
    ).toEqual([
      ["lines", "v1", 5000],
      ["lines", "v2", 5000],
      ["lines", "v3", 5000],
    ]);
    producer.ack(2);
    await rig.clock.advance(60_000);
    expect(rig.offsets.flushes).toEqual([]);
    producer.ack();
    await rig.clock.advance(60_000);
    expect(stored(rig.offsets)).toEqual([{ position: 3 }]);
    expect(rig.task.committed).toEqual([[{ partition: FILE, offset: { position: 3 } }]]);
    expect(rig.status.states).toEqual(["RUNNING"]);
    expect(rig.topics).toEqual(["lines"]);
    rig.runner.stop();
    await ended;
    expect(rig.status.states).toEqual(["RUNNING", "UNASSIGNED"]);
    expect([rig.task.stopped, rig.clientsClosed(), rig.clock.pendingTimers]).toEqual([1, 1, 0]);
  });

  test.each([
    ["a figure", () => ({ lagBytes: 7 }), { lagBytes: 7 }],
    ["a negative one", () => ({ lagBytes: -7 }), { lagBytes: 0 }],
    ["none", () => ({}), undefined],
    ["a promise", async () => ({ lagBytes: 7 }), undefined],
    ["a bigint", () => ({ lagBytes: 7n }), undefined],
    ["no number", () => ({ lagBytes: Number.NaN }), undefined],
    ["nothing", () => undefined, undefined],
    [
      "an error",
      () => {
        throw new Error("no lag");
      },
      undefined,
    ],
  ])("whose lag is %s has metrics that pass between threads", async (_what, lag, expected) => {
    const task = Object.assign(new FedSource(), { lag: lag as NonNullable<SourceTask["lag"]> });
    const rig = sourceRig({}, undefined, task);
    const running = rig.status.next("RUNNING");
    const ended = rig.runner.run("STARTED");
    await running;
    expect(structuredClone(rig.runner.metrics()).source).toEqual(expected);
    rig.runner.stop();
    await ended;
  });

  test("that reads its offsets while Kafka is away waits for them, and does not fail", async () => {
    const rig = sourceRig();
    rig.offsets.failReads.push(new RetriableError("OFFSETS_UNANSWERED", "no broker answered"));
    void rig.runner.run("STARTED");
    await rig.producer;
    await rig.clock.settled();
    let found: unknown;
    const reading = rig.task.context.readOffsets([FILE]).then((offsets) => {
      found = offsets;
    });
    await rig.clock.settled();
    expect(found).toBeUndefined();
    await rig.clock.advance(10_000);
    await reading;
    expect(found).toEqual([{ partition: FILE, offset: null }]);
    const reason = "Reading the stored offsets is tried again until Kafka answers: no broker answered";
    expect(new Set(rig.status.states)).toEqual(new Set(["RUNNING"]));
    expect(rig.status.traces).toEqual([null, reason, null]);
    rig.offsets.failReads.push(new Error("damaged"));
    await expect(rig.task.context.readOffsets([FILE])).rejects.toThrow("damaged");
    rig.runner.stop();
  });

  test("commits on request, once all records submitted before it are acknowledged", async () => {
    const rig = sourceRig();
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2));
    await producer.arrived(2);
    rig.task.context.requestCommit();
    rig.task.feed(records(3, 3));
    await producer.arrived(3);
    producer.ack(1);
    await rig.clock.settled();
    expect(rig.offsets.flushes).toEqual([]);
    const flushed = rig.offsets.flushed(1);
    producer.ack(1);
    await flushed;
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
    rig.runner.abandon();
  });

  test("a stop waits for acknowledgements, then commits a last time", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 3));
    await producer.arrived(3);
    rig.runner.stop();
    await rig.clock.settled();
    producer.ack();
    await ended;
    expect(stored(rig.offsets)).toEqual([{ position: 3 }]);
    expect(rig.task.committed).toHaveLength(1);
  });

  test("a stop waits for acknowledgements only until the flush timeout, and stores the acknowledged offsets", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2), records(3, 4));
    await producer.arrived(4);
    producer.ack(3);
    rig.runner.stop();
    await rig.clock.settled();
    await rig.clock.advance(5000);
    await ended;
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
    expect(rig.status.states).toEqual(["RUNNING", "UNASSIGNED"]);
  });

  test("a batch returned while the task stops is still delivered", async () => {
    const rig = sourceRig();
    rig.task.stubborn = true;
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    await rig.clock.settled();
    rig.runner.stop();
    rig.task.feed(records(1, 2));
    await ended;
    expect(producer.written).toHaveLength(2);
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
  });

  test.each(["stop", "cancel"] as const)("a %s while the task is being created keeps it from starting", async (end) => {
    const created = deferred();
    const task = new FedSource();
    const plugin = { ...sourcePlugin(task), task: () => created.promise.then(() => task) };
    const rig = sourceRig({ plugin }, undefined, task);
    const ended = rig.runner.run("STARTED");
    await rig.clock.settled();
    rig.runner[end]();
    created.resolve();
    await ended;
    expect(task.context).toBeUndefined();
  });

  test("a full producer blocks the task, but not a stop", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.limit = 2;
    rig.task.feed(records(1, 5));
    await producer.arrived(2);
    await rig.clock.settled();
    expect(producer.appended).toHaveLength(2);
    producer.ack(1);
    await producer.arrived(3);
    rig.runner.stop();
    await rig.clock.settled();
    producer.ack();
    await ended;
    expect(producer.written.map(({ value }) => String(value))).toEqual(["v1", "v2", "v3"]);
    expect(stored(rig.offsets)).toEqual([{ position: 3 }]);
  });

  test("a record that cannot be converted fails the task, after the records before it are delivered", async () => {
    const explode = (value: unknown) => {
      if (value === "v3") throw new DataError("VALUE_INVALID", "field a: expected a string");
    };
    const rig = sourceRig({ converters: textConverters(explode) });
    const failed = rig.status.next("FAILED");
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    rig.task.feed(records(1, 5));
    const trace = await failed;
    await ended;
    expect(trace).toContain("stage VALUE_CONVERTER of test.Value failed");
    expect(trace).toContain("Caused by: DataError: field a: expected a string");
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
    expect(rig.status.states).toEqual(["RUNNING", "FAILED"]);
    expect(rig.task.stopped).toBe(1);
  });

  test("with errors.tolerance=all a record that cannot be converted is dropped and its offset passed", async () => {
    const explode = (value: unknown) => {
      if (value === "v2" || value === "v3") throw new DataError("VALUE_INVALID", "bad");
    };
    const rig = sourceRig({ converters: textConverters(explode), policy: { ...strict, tolerance: "all" } });
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    rig.task.feed(records(1, 3));
    await producer.arrived(1);
    rig.runner.stop();
    await ended;
    expect(producer.written).toHaveLength(1);
    expect(stored(rig.offsets)).toEqual([{ position: 3 }]);
    expect(rig.runner.metrics()).toMatchObject({
      recordsRead: 3,
      recordsWritten: 1,
      recordsSkipped: 2,
      recordsFailed: 2,
      recordErrors: 2,
      errorsLogged: 0,
      lastErrorMs: expect.any(Number),
      retries: 0,
      calls: 1,
    });
  });

  test("a timestamp before 1970 fails the task under any tolerance, even after a retried conversion", async () => {
    let attempts = 0;
    const explode = () => {
      if (++attempts === 1) throw new RetriableError("VALUE_INVALID", "registry away");
    };
    const policy = { ...strict, tolerance: "all", retryTimeoutMs: 10_000 } as const;
    const rig = sourceRig({ converters: textConverters(explode), policy });
    const failed = rig.status.next("FAILED", "timestamp -5");
    const ended = rig.runner.run("STARTED");
    await rig.producer;
    rig.task.feed([new SourceRecord(FILE, { position: 1 }, "lines", null, null, null, null, "v1", -5)]);
    await rig.clock.settled();
    await rig.clock.advance(300);
    await failed;
    await ended;
    expect(stored(rig.offsets)).toEqual([]);
  });

  test("records dropped by errors.tolerance=all without any report cause a warning: the 1st, 10th, 100th", async () => {
    const explode = (value: unknown) => {
      if (value !== null) throw new DataError("VALUE_INVALID", "bad");
    };
    const told: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_message, fields) => told.push(fields?.["droppedSoFar"]) };
    const rig = sourceRig({ converters: textConverters(explode), policy: { ...strict, tolerance: "all" }, logger });
    const ended = rig.runner.run("STARTED");
    await rig.producer;
    rig.task.feed(records(1, 120));
    await rig.clock.settled();
    rig.runner.stop();
    await ended;
    expect(told).toEqual([1, 10, 100]);
  });

  test("records dropped without any report cause a warning, however many a transformation has dropped before", async () => {
    const explode = (value: unknown) => {
      if (value === "v30") throw new DataError("VALUE_INVALID", "bad");
    };
    const told: unknown[] = [];
    const logger: Logger = { ...silentLogger, warn: (_message, fields) => told.push(fields?.["droppedSoFar"]) };
    const chain = new TransformationChain([
      {
        transformation: {
          config: {},
          configure() {},
          apply: (given) => (given.value === "v30" ? given : null),
        } as Transformation,
        className: "test.Filter",
        predicate: undefined,
        negate: false,
      },
    ]);
    const policy = { ...strict, tolerance: "all" as const };
    const rig = sourceRig({ converters: textConverters(explode), policy, chain, logger });
    const ended = rig.runner.run("STARTED");
    await rig.producer;
    rig.task.feed(records(1, 30));
    await rig.clock.settled();
    rig.runner.stop();
    await ended;
    expect(told).toEqual([1]);
  });

  test("a retriable conversion is retried until errors.retry.timeout", async () => {
    let attempts = 0;
    const explode = (value: unknown) => {
      if (value === "v1" && ++attempts < 3) throw new RetriableError("VALUE_INVALID", "registry away");
    };
    const rig = sourceRig({ converters: textConverters(explode), policy: { ...strict, retryTimeoutMs: 10_000 } });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2));
    await rig.clock.settled();
    await rig.clock.advance(300);
    expect(attempts).toBe(2);
    await rig.clock.advance(600);
    await producer.arrived(2);
    expect(producer.appended.map(({ record: { value } }) => String(value))).toEqual(["v1", "v2"]);
    rig.runner.abandon();
  });

  test("a produce failure fails the task at once, though poll waits, and no later offset is stored", async () => {
    const rig = sourceRig();
    const failed = rig.status.next("FAILED");
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 1), records(2, 2), records(3, 3));
    await producer.arrived(3);
    producer.fail(new Error("MESSAGE_TOO_LARGE"), 1);
    expect(await failed).toContain("MESSAGE_TOO_LARGE");
    producer.ack();
    await ended;
    expect(stored(rig.offsets)).toEqual([{ position: 1 }]);
  });

  test("with errors.tolerance=all a produce failure drops the record", async () => {
    const rig = sourceRig({ policy: { ...strict, tolerance: "all" } });
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 3));
    await producer.arrived(3);
    producer.fail(new Error("MESSAGE_TOO_LARGE"), 1);
    producer.ack();
    rig.runner.stop();
    await ended;
    expect(stored(rig.offsets)).toEqual([{ position: 3 }]);
    expect(rig.runner.metrics()).toMatchObject({ recordsWritten: 2, recordsSkipped: 1 });
  });

  test("a RetriableError from poll is retried and shown meanwhile; any other error fails the task", async () => {
    const rig = sourceRig();
    const waiting = rig.status.next("RUNNING", "connection refused");
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(new RetriableError("VALUE_INVALID", "connection refused"));
    await waiting;
    rig.task.feed(records(1, 1));
    await rig.clock.advance(1000);
    await producer.arrived(1);
    producer.ack();
    const failed = rig.status.next("FAILED");
    rig.task.feed(new Error("wrong password"));
    expect(await failed).toContain("wrong password");
    await ended;
    expect(rig.status.traces[2]).toBe(null);
    expect(stored(rig.offsets)).toEqual([{ position: 1 }]);
  });

  test("pausing stops polling but not delivery; resuming continues", async () => {
    const rig = sourceRig();
    const paused = rig.status.next("PAUSED");
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    await rig.clock.settled();
    rig.runner.setTargetState("PAUSED");
    rig.task.feed(records(1, 2));
    await paused;
    expect(producer.appended).toHaveLength(2);
    const polls = rig.task.polls;
    rig.task.feed(records(3, 3));
    await rig.clock.settled();
    expect(rig.task.polls).toBe(polls);
    producer.ack();
    await rig.clock.advance(60_000);
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
    rig.runner.setTargetState("STARTED");
    await producer.arrived(3);
    expect(rig.status.states).toEqual(["RUNNING", "PAUSED", "RUNNING"]);
    rig.runner.abandon();
  });

  test("a task that starts out PAUSED is created only when it resumes, and can be stopped before", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("PAUSED");
    await rig.clock.settled();
    expect(rig.status.states).toEqual(["PAUSED"]);
    expect(rig.task.context).toBeUndefined();
    rig.runner.stop();
    await ended;
    expect(rig.status.states).toEqual(["PAUSED", "UNASSIGNED"]);
  });

  test("that starts after a pause shows the reason why its start waits, and logs it once", async () => {
    class Resuming extends FedSource {
      override async start(context: SourceTaskContext): Promise<void> {
        await super.start(context);
        await context.readOffsets([FILE]);
      }
    }
    const warned: string[] = [];
    const logger = { ...silentLogger, warn: (message: string) => warned.push(message) };
    const rig = sourceRig({ logger }, new FakeOffsets(), new Resuming());
    const away = () => new RetriableError("STORE_UNREADABLE", "topic offsets cannot be read");
    rig.offsets.failReads.push(away(), away());
    void rig.runner.run("PAUSED");
    await rig.clock.settled();
    rig.runner.setTargetState("STARTED");
    await rig.clock.settled();
    const reason = "Reading the stored offsets is tried again until Kafka answers: topic offsets cannot be read";
    expect(rig.status.traces).toEqual([null, reason]);
    expect(rig.status.states).toEqual(["PAUSED", "RUNNING"]);
    await rig.clock.advance(20_000);
    expect(rig.status.traces).toEqual([null, reason, null]);
    expect(rig.status.states.at(-1)).toBe("RUNNING");
    expect(warned).toEqual([reason]);
    rig.runner.abandon();
  });

  test("the reason for a wait, Kafka's before the task's, is the trace while RUNNING", async () => {
    const rig = sourceRig();
    const running = rig.status.next("RUNNING");
    void rig.runner.run("STARTED");
    await running;
    rig.task.context.waitingFor("database shop at 127.0.0.1:5432");
    rig.task.context.waitingFor("database shop at 127.0.0.1:5432");
    rig.connectivity("waiting for Kafka at 127.0.0.1:9092");
    rig.connectivity(undefined);
    rig.task.context.waitingFor(null);
    expect(rig.status.traces).toEqual([
      null,
      "database shop at 127.0.0.1:5432",
      "waiting for Kafka at 127.0.0.1:9092",
      "database shop at 127.0.0.1:5432",
      null,
    ]);
    expect(new Set(rig.status.states)).toEqual(new Set(["RUNNING"]));
    rig.runner.abandon();
  });

  test("offsets that could not be stored are stored with the next ones, and only then passed to the task's commit", async () => {
    const rig = sourceRig();
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    rig.task.feed(records(1, 1));
    await producer.arrived(1);
    rig.offsets.failNext = new Error("no leader");
    await rig.clock.advance(60_000);
    expect([rig.offsets.flushes.length, rig.task.committed.length]).toEqual([1, 0]);
    expect(rig.status.traces.at(-1)).toBe("offsets are not stored yet: no leader");
    await rig.clock.advance(1000);
    expect(rig.task.committed).toEqual([[{ partition: FILE, offset: { position: 1 } }]]);
    expect(rig.runner.metrics()).toMatchObject({ commits: 1, commitFailures: 1 });
    expect(rig.status.traces.at(-1)).toBe(null);
    rig.runner.abandon();
  });

  test("a slow flush counts as failed but is awaited: no newer one may overtake it (I3)", async () => {
    const rig = sourceRig();
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    const gate = deferred();
    rig.offsets.gate = gate.promise;
    rig.task.feed(records(1, 1));
    await producer.arrived(1);
    await rig.clock.advance(60_000);
    rig.task.feed(records(2, 2));
    await producer.arrived(2);
    await rig.clock.advance(120_000);
    expect(rig.offsets.flushes).toHaveLength(1);
    expect(rig.runner.metrics().commitFailures).toBe(1);
    const second = rig.offsets.flushed(2);
    rig.offsets.gate = undefined;
    gate.resolve();
    await second;
    expect(stored(rig.offsets)).toEqual([{ position: 2 }]);
    rig.runner.abandon();
  });

  test("an error of the task's commit or start fails it, and stop is still called once", async () => {
    const rig = sourceRig();
    rig.task.commitError = new Error("slot is gone");
    const failed = rig.status.next("FAILED");
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    rig.task.feed(records(1, 1));
    await producer.arrived(1);
    await rig.clock.advance(60_000);
    expect(await failed).toContain("slot is gone");
    await ended;
    expect(rig.task.stopped).toBe(1);

    const broken = sourceRig();
    broken.task.startError = new Error("no such slot");
    await broken.runner.run("STARTED");
    expect(broken.status.states).toEqual(["FAILED"]);
    expect([broken.task.stopped, broken.clientsClosed()]).toEqual([1, 1]);
  });

  test("a missing topic is created by the connector's rules before its first record; a refusal fails the task", async () => {
    const topicCreation = parseTopicCreation(
      {},
      {
        "topic.creation.default.partitions": "3",
        "topic.creation.default.replication.factor": "-1",
      },
    );
    const rig = sourceRig({ topicCreation });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 1));
    await producer.arrived(1);
    expect(rig.admin.topics.get("lines")).toMatchObject({ partitions: 3, replicationFactor: -1 });
    rig.runner.abandon();

    const refused = sourceRig({ topicCreation });
    refused.admin.refuse = Object.assign(new Error("INVALID_REPLICATION_FACTOR"), {
      codeName: "INVALID_REPLICATION_FACTOR",
    });
    const failed = refused.status.next("FAILED");
    const ended = refused.runner.run("STARTED");
    refused.task.feed(records(1, 1));
    expect(await failed).toContain("INVALID_REPLICATION_FACTOR");
    await ended;
    expect(refused.offsets.flushes).toEqual([]);
  });

  test("a topic is reported again once topics are forgotten, and not looked up again", async () => {
    const creation = { "topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "-1" };
    const rig = sourceRig({ topicCreation: parseTopicCreation({}, creation) });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2));
    await producer.arrived(2);
    expect(rig.topics).toEqual(["lines"]);
    rig.admin.refuse = new Error("looked up again");
    rig.admin.topics.clear();
    rig.runner.forgetTopics();
    rig.task.feed(records(3, 4));
    await producer.arrived(4);
    expect(rig.topics).toEqual(["lines", "lines"]);
    rig.runner.abandon();
  });

  test("a missing topic is created once Kafka answers; until then the status shows the wait", async () => {
    const topicCreation = parseTopicCreation(
      {},
      { "topic.creation.default.partitions": "3", "topic.creation.default.replication.factor": "-1" },
    );
    const failures = [new RetriableError("BROKER_UNREACHABLE", "no broker answered")];
    const rig = sourceRig({ topicCreation });
    const admin = rig.admin.asAdmin();
    const { describeTopics } = admin;
    rig.admin.asAdmin = () => ({
      ...admin,
      describeTopics: async (names) => {
        const failure = failures.shift();
        if (failure) throw failure;
        return describeTopics(names);
      },
    });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 1));
    await rig.clock.advance(2000);
    await producer.arrived(1);
    expect(rig.status.traces).toEqual([
      null,
      "Creating topic lines is tried again until Kafka answers: no broker answered",
      null,
    ]);
    rig.runner.abandon();
  });

  test("a timestamp below zero fails the task even with errors.tolerance=all; null and -1 mean now", async () => {
    const rig = sourceRig({ policy: { ...strict, tolerance: "all" } });
    const failed = rig.status.next("FAILED");
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    producer.auto = true;
    const stamped = (position: number, timestampMs: number | null) =>
      new SourceRecord(FILE, { position }, "lines", null, null, null, null, "v", timestampMs);
    rig.task.feed([stamped(1, null), stamped(2, -1), stamped(3, -2)]);
    expect(await failed).toContain("timestamp -2");
    await ended;
    expect(producer.written.map(({ timestampMs }) => timestampMs)).toEqual([1_700_000_000_000, 1_700_000_000_000]);
  });

  test("an abandoned task reports and stores nothing more", async () => {
    const rig = sourceRig();
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2));
    await producer.arrived(2);
    rig.runner.abandon();
    await ended;
    expect(rig.status.states).toEqual(["RUNNING"]);
    expect([rig.offsets.flushes.length, rig.task.stopped, producer.closed]).toEqual([0, 0, true]);
    expect(rig.clock.pendingTimers).toBe(0);
  });

  test("a source that always has a batch does not block the event loop", async () => {
    const endless = new FedSource();
    let position = 0;
    endless.poll = async () => records(++position, position);
    const rig = sourceRig({}, new FakeOffsets(), endless as SourceTask);
    const ended = rig.runner.run("STARTED");
    (await rig.producer).auto = true;
    await rig.clock.turn();
    await rig.clock.turn();
    rig.runner.stop();
    await ended;
    expect(position).toBeLessThan(20);
  });

  test("a source without records that does not wait is polled with pauses", async () => {
    const empty = new FedSource();
    let polls = 0;
    empty.poll = async () => {
      polls++;
      return null;
    };
    const rig = sourceRig({}, new FakeOffsets(), empty as SourceTask);
    const ended = rig.runner.run("STARTED");
    await rig.clock.settled();
    expect(polls).toBe(1);
    await rig.clock.advance(5);
    expect(polls).toBe(2);
    rig.runner.stop();
    await ended;
  });

  test("crashes, failed flushes, slow and reordered acknowledgements: the stored offset never passes an unwritten record, and nothing is lost (I1, I8)", async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("feed" as const),
          sizes: fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 6 }),
        }),
      },
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant("ack" as const), count: fc.integer({ min: 1, max: 5 }), at: fc.nat(9) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("tick" as const), fails: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("request" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("stop" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("produce-failure" as const), at: fc.nat(9) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const partitions = [{ p: 0 }, { p: 1 }, { p: 2 }];
        const offsets = new FakeOffsets();
        const written = new Set<string>();
        const last = [0, 0, 0]; // newest position in the outside world
        const check = () => {
          for (const [at, partition] of partitions.entries()) {
            const position = (offsets.stored.get(`"p":${at}`)?.["position"] as number | undefined) ?? 0;
            for (let before = 1; before <= position; before++)
              if (!written.has(`${at}/${before}`))
                throw new Error(`stored ${position} of ${JSON.stringify(partition)}, ${before} is not written`);
          }
        };
        const begin = async () => {
          const rig = sourceRig({}, offsets);
          const ended = rig.runner.run("STARTED");
          const producer = await rig.producer;
          await rig.clock.settled();
          const found = await rig.task.context.readOffsets(partitions);
          const next = found.map(({ offset }) => ((offset?.["position"] as number | undefined) ?? 0) + 1);
          const feed = (sizes: readonly number[]) => {
            const batch = sizes.map((p) => {
              const position = next[p]!++;
              last[p] = Math.max(last[p]!, position);
              return record(position, `${p}/${position}`, partitions[p] as SourceMap);
            });
            rig.task.feed(batch);
          };
          const replay = () => {
            const again = partitions.flatMap((_, p) =>
              Array.from({ length: Math.max(0, last[p]! - next[p]! + 1) }, () => p),
            );
            if (again.length > 0) feed(again);
          };
          return { rig, ended, producer, feed, replay };
        };
        const collect = (producer: Awaited<ReturnType<typeof begin>>["producer"]) => {
          for (const { value } of producer.written) written.add(String(value));
        };
        let run = await begin();
        for (const action of steps) {
          const { rig, producer } = run;
          if (action.do === "feed") run.feed(action.sizes);
          if (action.do === "ack" && producer.appended.length > 0)
            producer.ack(action.count, action.at % producer.appended.length);
          if (action.do === "produce-failure" && producer.appended.length > 0)
            producer.fail(new Error("bad"), action.at % producer.appended.length);
          if (action.do === "request") rig.task.context.requestCommit();
          collect(producer);
          if (action.do === "tick") {
            if (action.fails) offsets.failNext = new Error("no leader");
            await rig.clock.advance(60_000);
            offsets.failNext = undefined;
          }
          if (action.do === "crash") rig.runner.abandon();
          if (action.do === "stop") rig.runner.stop();
          if (action.do === "stop" || action.do === "crash") {
            await rig.clock.advance(20_000);
            await run.ended;
            collect(producer);
            check();
            run = await begin();
            run.replay();
          }
          await run.rig.clock.settled();
          check();
        }
        run.rig.runner.stop();
        await run.rig.clock.advance(20_000);
        await run.ended;
        const final = await begin();
        final.producer.auto = true;
        final.replay();
        await final.rig.clock.settled();
        final.rig.runner.stop();
        await final.ended;
        collect(final.producer);
        check();
        for (const p of [0, 1, 2])
          for (let position = 1; position <= last[p]!; position++) expect(written).toContain(`${p}/${position}`);
      }),
      { numRuns: 150 },
    );
  });
});
