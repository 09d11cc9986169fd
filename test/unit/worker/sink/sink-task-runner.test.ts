import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError, RetriableError, type SinkRecord, type TopicPartitionOffset } from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { ConsumerRecord } from "../../../../src/kafka/client/consumer.js";
import { P0, P1, RecordingSink, sinkPlugin, sinkRig } from "../sink-harness.js";
import { strict, textConverters } from "../source-harness.js";

const busy = () => new RetriableError("VALUE_INVALID", "store answers 503");

/** A running task with both partitions. */
async function started(...args: Parameters<typeof sinkRig>) {
  const rig = sinkRig(...args);
  const ended = rig.runner.run("STARTED");
  const consumer = await rig.consumer;
  const assigned = consumer.rebalance("assign", P0, P1);
  await assigned;
  return { ...rig, ended, consumer };
}

/** The next `preCommit` returns when the result is called. */
function hangInPreCommit(task: RecordingSink): () => void {
  const gate = deferred();
  const preCommit = task.preCommit.bind(task);
  task.preCommit = async (current) => {
    task.preCommit = preCommit;
    await gate.promise;
    return preCommit(current);
  };
  return gate.resolve;
}

describe("a sink task", () => {
  test("opens its assigned partitions, puts the records it reads, and commits the offsets from preCommit (I2)", async () => {
    const { task, consumer, clock, topics, status, runner, ended } = await started();
    consumer.produce(P0, "a", "b");
    consumer.produce(P1, "c");
    await task.took(3);
    const [a] = task.records;
    expect([a?.topic, a?.partition, a?.offset, a?.value, a?.timestampMs, a?.timestampType]).toEqual([
      "orders",
      0,
      0,
      "a",
      1000,
      "CreateTime",
    ]);
    task.preCommitAnswer = () => [{ ...P0, offset: 1 }];
    await clock.advance(60_000);
    expect(task.preCommits).toEqual([
      [
        { ...P0, offset: 2 },
        { ...P1, offset: 1 },
      ],
    ]);
    expect(consumer.commits).toEqual(new Map([["orders-0", 1]]));
    task.preCommitAnswer = (current) => current;
    runner.stop();
    await ended;
    expect(consumer.commits).toEqual(
      new Map([
        ["orders-0", 2],
        ["orders-1", 1],
      ]),
    );
    expect(task.calls.slice(-3)).toEqual(["preCommit 0@2,1@1", "close 0,1", "stop"]);
    expect([consumer.closed, topics, status.states]).toEqual([true, ["orders"], ["RUNNING", "UNASSIGNED"]]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("reports a topic at its first record, and again once topics are forgotten", async () => {
    const { task, consumer, topics, runner } = await started();
    consumer.produce(P0, "a", "b");
    await task.took(2);
    expect(topics).toEqual(["orders"]);
    runner.forgetTopics();
    consumer.produce(P0, "c");
    await task.took(3);
    expect(topics).toEqual(["orders", "orders"]);
    runner.abandon();
  });

  test("put is called at least every half second, even without records", async () => {
    const { task, clock, runner } = await started();
    await clock.settled();
    const before = task.puts;
    for (let half = 0; half < 4; half++) await clock.advance(500);
    expect(task.puts - before).toBeGreaterThanOrEqual(3);
    runner.abandon();
  });

  test("after a RetriableError the same batch is put again, nothing overtakes it, and the status shows it", async () => {
    const { task, consumer, clock, runner, status } = await started();
    await clock.settled();
    const waiting = status.next("RUNNING", "503");
    task.putErrors.push(busy(), busy());
    consumer.produce(P0, "a", "b");
    await waiting;
    consumer.produce(P0, "c");
    consumer.produce(P1, "d");
    await clock.settled();
    expect(consumer.paused).toHaveLength(2);
    await clock.advance(5000);
    await task.took(4);
    expect(task.calls.filter((call) => call.startsWith("put"))).toEqual(["put a,b", "put a,b", "put a,b", "put c,d"]);
    expect([consumer.paused, status.traces.at(-1)]).toEqual([[], null]);
    runner.abandon();
  });

  test("retryAfter sets the pace of the next attempt", async () => {
    const { task, consumer, clock, runner } = await started();
    await clock.settled();
    task.onPut = (records) => {
      if (records.length > 0) task.context.retryAfter(42);
    };
    task.putErrors.push(busy());
    consumer.produce(P0, "a");
    await clock.advance(41);
    expect(task.records).toHaveLength(0);
    await clock.advance(1);
    await task.took(1);
    runner.abandon();
  });

  test("any other error of put fails the task, after a last commit of the records put before", async () => {
    const { task, consumer, status, ended } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const failed = status.next("FAILED");
    task.putErrors.push(new Error("bucket shop is not there"));
    consumer.produce(P0, "b");
    expect(await failed).toContain("bucket shop is not there");
    await ended;
    expect(consumer.commits).toEqual(new Map([["orders-0", 1]]));
    expect(status.states).toEqual(["RUNNING", "FAILED"]);
    expect(task.calls.at(-1)).toBe("stop");
  });

  test("offsets beyond the records put, of other partitions, or invalid ones, are not committed (I2)", async () => {
    const { task, consumer, clock, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    task.preCommitAnswer = () => [
      { ...P0, offset: 2 },
      { topic: "orders", partition: 7, offset: 0 },
      { ...P1, offset: -1 },
    ];
    await clock.advance(60_000);
    expect(consumer.commits.size).toBe(0);
    runner.abandon();
  });

  test("revoked: preCommit, close, an awaited commit; then nothing more of that partition", async () => {
    const { clock, task, consumer, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const gate = deferred();
    consumer.commitGate = gate.promise;
    const revoked = consumer.rebalance("revoke", P0, P1);
    await clock.settled();
    expect(task.calls.slice(-2)).toEqual(["preCommit 0@1,1@0", "close 0,1"]);
    gate.resolve();
    await revoked;
    expect(consumer.commits).toEqual(new Map([["orders-0", 1]]));
    await consumer.rebalance("assign", P1);
    expect(task.calls.at(-1)).toBe("open 1");
    expect(task.context.assignment()).toEqual([P1]);
    runner.abandon();
  });

  test("the last commit waits for one in flight: an older offset never overtakes a newer one", async () => {
    const { task, consumer, clock, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const gate = deferred();
    consumer.commitGate = gate.promise;
    await clock.advance(60_000);
    consumer.commitGate = undefined;
    consumer.produce(P0, "b");
    await task.took(2);
    const revoked = consumer.rebalance("revoke", P0, P1);
    await clock.settled();
    gate.resolve();
    await revoked;
    expect(consumer.commits.get("orders-0")).toBe(2);
    runner.abandon();
  });

  test("revoked while preCommit hangs: after offset.flush.timeout.ms the partitions are closed without a commit", async () => {
    const { task, consumer, clock, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const hanging = deferred();
    const preCommit = task.preCommit.bind(task);
    task.preCommit = async (current) => {
      await hanging.promise;
      return preCommit(current);
    };
    const revoked = consumer.rebalance("revoke", P0, P1);
    await clock.settled();
    expect(task.calls.at(-1)).toBe("put a");
    await clock.advance(5000);
    await revoked;
    expect(task.calls.at(-1)).toBe("close 0,1");
    expect(consumer.commits.size).toBe(0);
    runner.abandon();
  });

  test("a preCommit that took too long: only close is called before it returns", async () => {
    const { task, consumer, clock, runner, status } = await started();
    consumer.produce(P0, "a");
    consumer.produce(P1, "b");
    await task.took(2);
    const returns = hangInPreCommit(task);
    const revoked = consumer.rebalance("revoke", P0);
    await clock.settled();
    await clock.advance(5000);
    await revoked;
    consumer.produce(P1, "c");
    await clock.advance(60_000); // a put and a commit are due
    const assigned = consumer.rebalance("assign", P0);
    await clock.settled();
    expect(task.calls.at(-1)).toBe("close 0");
    expect(status.traces.at(-1)).toContain("nothing is put until it returns");
    returns();
    await assigned;
    await task.took(4);
    expect(task.calls.slice(-6)).toEqual(["close 0", "preCommit 0@1", "put c", "preCommit 1@2", "open 0", "put a"]);
    expect(status.traces.at(-1)).toBeNull();
    runner.abandon();
  });

  test("partitions that are assigned while a preCommit takes too long are opened when it has returned", async () => {
    const { task, consumer, clock, runner } = await started();
    const returns = hangInPreCommit(task);
    const revoked = consumer.rebalance("revoke", P0);
    const assigned = consumer.rebalance("assign", P0);
    await clock.settled();
    await clock.advance(5000);
    await revoked;
    await clock.settled();
    expect(task.calls.at(-1)).toBe("close 0");
    returns();
    await assigned;
    expect(task.calls.slice(-3)).toEqual(["close 0", "preCommit 0@0", "open 0"]);
    runner.abandon();
  });

  test("a task that ends in a preCommit that takes too long leaves the group, and is stopped when it returns", async () => {
    const { task, consumer, clock, runner, ended } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const returns = hangInPreCommit(task);
    runner.stop();
    await clock.settled();
    await clock.advance(5000);
    await clock.settled();
    expect([consumer.closed, task.calls.at(-1)]).toEqual([true, "close 0,1"]);
    returns();
    await ended;
    expect(task.calls.slice(-2)).toEqual(["preCommit 0@1,1@0", "stop"]);
  });

  test("lost: only close, nothing is committed", async () => {
    const { task, consumer, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    await consumer.rebalance("lose", P0, P1);
    expect(task.calls.slice(-2)).toEqual(["put a", "close 0,1"]);
    expect(consumer.commits.size).toBe(0);
    runner.abandon();
  });

  test("a batch that waits to be put again loses the records of partitions that are revoked meanwhile", async () => {
    const { task, consumer, clock, runner } = await started();
    await clock.settled();
    task.putErrors.push(busy());
    consumer.produce(P0, "a");
    consumer.produce(P1, "b");
    await clock.settled();
    await consumer.rebalance("revoke", P0);
    await clock.advance(5000);
    await task.took(1);
    expect(task.records.map(({ value }) => value)).toEqual(["b"]);
    runner.abandon();
  });

  test("an error of preCommit takes the task back to the committed offsets; the next preCommit can succeed", async () => {
    const { task, consumer, clock, runner, status } = await started();
    consumer.produce(P0, "a", "b");
    await task.took(2);
    task.preCommitAnswer = () => {
      throw new Error("upload failed");
    };
    const shown = status.next("RUNNING", "upload failed");
    await clock.advance(60_000);
    await shown;
    await task.took(4);
    expect(task.records.map(({ value }) => value)).toEqual(["a", "b", "a", "b"]);
    task.preCommitAnswer = (current) => current;
    await clock.advance(60_000);
    expect(consumer.commits.get("orders-0")).toBe(2);
    expect(status.traces.at(-1)).toBe(null);
    runner.abandon();
  });

  test("the next commit makes up for a failed one; one that hangs counts as failed and is not awaited", async () => {
    const { task, consumer, clock, runner } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    consumer.commitError = new Error("REBALANCE_IN_PROGRESS");
    await clock.advance(60_000);
    consumer.commitError = undefined;
    consumer.commitGate = new Promise(() => {});
    await clock.advance(60_000);
    consumer.commitGate = undefined;
    await clock.advance(5_000);
    consumer.produce(P0, "b");
    await task.took(2);
    await clock.advance(60_000);
    expect(consumer.commits.get("orders-0")).toBe(2);
    expect(runner.metrics()).toMatchObject({ commits: 1, commitFailures: 2, commitTimeMs: 5_000, activeRecords: 0 });
    runner.abandon();
  });

  test("commits that fail show in the status until one succeeds", async () => {
    const { task, consumer, clock, runner, status } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    consumer.commitError = new Error("TOPIC_AUTHORIZATION_FAILED");
    await clock.advance(120_000);
    expect(status.traces.slice(-1)).toEqual(["offsets are not committed: TOPIC_AUTHORIZATION_FAILED"]);
    const told = status.traces.length;
    consumer.commitError = undefined;
    await clock.advance(60_000);
    expect(status.traces.slice(told)).toEqual([null]);
    runner.abandon();
  });

  test("a requested commit precedes the next put", async () => {
    const { task, consumer, clock, runner } = await started();
    task.onPut = (records) => {
      if (records.length > 0) task.context.requestCommit();
    };
    consumer.produce(P0, "a");
    await task.took(1);
    await clock.advance(500);
    expect(consumer.commits.get("orders-0")).toBe(1);
    runner.abandon();
  });

  test("seek in open sets the start position; a partition that is not open cannot be sought or paused", async () => {
    const rig = sinkRig();
    rig.task.onOpen = () => rig.task.context.seek([{ ...P0, offset: 2 }]);
    void rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    consumer.produce(P0, "a", "b", "c");
    await consumer.rebalance("assign", P0);
    await rig.task.took(1);
    expect(rig.task.records.map(({ value }) => value)).toEqual(["c"]);
    expect(() => rig.task.context.seek([{ ...P1, offset: 0 }])).toThrow("orders-1");
    expect(() => rig.task.context.pause([P1])).toThrow("orders-1");
    rig.runner.abandon();
  });

  test("a partition that the task paused stays paused over a retry, a pause of the connector and a rebalance", async () => {
    const { task, consumer, clock, runner } = await started();
    await clock.settled();
    task.context.pause([P1]);
    await clock.advance(500);
    task.putErrors.push(busy());
    consumer.produce(P0, "a");
    consumer.produce(P1, "x");
    await clock.advance(5000);
    runner.setTargetState("PAUSED");
    await clock.advance(1000);
    expect(consumer.paused).toHaveLength(2);
    runner.setTargetState("STARTED");
    await clock.advance(1000);
    await consumer.rebalance("revoke", P0, P1);
    await consumer.rebalance("assign", P0, P1);
    await clock.advance(1000);
    expect([consumer.paused, task.records.map(({ value }) => value)]).toEqual([[expect.objectContaining(P1)], ["a"]]);
    task.context.resume([P1]);
    await clock.advance(1000);
    expect(task.records.map(({ value }) => value)).toEqual(["a", "x"]);
    runner.abandon();
  });

  test("paused: nothing is read, the membership is kept, put is still called on time, offsets are committed", async () => {
    const { task, consumer, clock, runner, status } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    const paused = status.next("PAUSED");
    runner.setTargetState("PAUSED");
    await clock.advance(500);
    await paused;
    const { puts } = task;
    consumer.produce(P0, "b");
    await clock.advance(5000);
    expect([task.records.length, consumer.commits.get("orders-0")]).toEqual([1, 1]);
    expect(task.puts).toBeGreaterThan(puts);
    runner.setTargetState("STARTED");
    await clock.advance(500);
    await task.took(2);
    expect(status.states).toEqual(["RUNNING", "PAUSED", "RUNNING"]);
    runner.abandon();
  });

  test("an unreadable record fails the task; its batch is not committed", async () => {
    const explode = (value: unknown) => {
      if (value === "bad") throw new DataError("VALUE_INVALID", "not JSON");
    };
    const rig = await started({ converters: textConverters(explode) });
    const failed = rig.status.next("FAILED");
    rig.consumer.produce(P0, "a", "bad");
    expect(await failed).toContain("Caused by: DataError: not JSON");
    await rig.ended;
    expect(rig.consumer.commits.size).toBe(0);
  });

  test("with errors.tolerance=all an unreadable record goes to the dead letter queue unchanged, and is committed only then (I8)", async () => {
    const explode = (value: unknown) => {
      if (value === "bad") throw new DataError("VALUE_INVALID", "not JSON");
    };
    const { task, consumer, clock, runner, dlq } = await started({
      converters: textConverters(explode),
      policy: { ...strict, tolerance: "all" },
      deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: true },
    });
    consumer.produce(P0, "a", "bad", "b");
    await task.took(2);
    const producer = await dlq;
    const letter = producer.appended[0]!.record;
    expect([letter.topic, letter.partition, String(letter.value), letter.timestampMs]).toEqual([
      "dlq",
      null,
      "bad",
      1000,
    ]);
    const headers = Object.fromEntries(
      letter.headers.map(({ key, value }) => [key.replace("__connect.errors.", ""), String(value)]),
    );
    expect(headers).toMatchObject({
      topic: "orders",
      partition: "0",
      offset: "1",
      "connector.name": "shop",
      "task.id": "0",
      stage: "VALUE_CONVERTER",
      "class.name": "test.Value",
      "exception.class.name": "org.apache.kafka.connect.errors.DataException",
      "exception.message": "not JSON",
    });
    await clock.advance(60_000);
    expect(consumer.commits.size).toBe(0);
    producer.ack();
    await clock.advance(500);
    expect(consumer.commits.get("orders-0")).toBe(3);
    runner.abandon();
  });

  test("a dead letter that cannot be written fails the task, and its record is not committed", async () => {
    const explode = (value: unknown) => {
      if (value === "bad") throw new DataError("VALUE_INVALID", "not JSON");
    };
    const { consumer, clock, status, ended, dlq, task } = await started({
      converters: textConverters(explode),
      policy: { ...strict, tolerance: "all" },
      deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: false },
    });
    consumer.produce(P0, "bad", "b");
    await task.took(1);
    const failed = status.next("FAILED");
    (await dlq).fail(new Error("TOPIC_AUTHORIZATION_FAILED"));
    await clock.advance(60_000);
    expect(await failed).toContain("TOPIC_AUTHORIZATION_FAILED");
    await ended;
    expect(consumer.commits.size).toBe(0);
  });

  test.each(["none", "all"] as const)(
    "with errors.tolerance=%s there is no reportErrant without a place for reports",
    async (tolerance) => {
      const rig = await started({ policy: { ...strict, tolerance } });
      expect(rig.task.context.reportErrant).toBeUndefined();
      rig.runner.abandon();
      const logging = await started({ policy: { ...strict, tolerance, log: true } });
      expect(logging.task.context.reportErrant).toBeDefined();
      logging.runner.abandon();
    },
  );

  test.each([true, false])(
    "with errors.tolerance=none a report is written and fails the task, awaited or not (%s)",
    async (awaits) => {
      const { task, consumer, clock, runner, dlq, status, ended } = await started({
        deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: true },
      });
      consumer.produce(P0, "good");
      await task.took(1);
      task.onPut = async (records) => {
        if (records.length === 0) return;
        const reported = task.context.reportErrant!(records[0]!, new Error("too long"));
        if (awaits) await reported;
      };
      const failed = status.next("FAILED");
      consumer.produce(P0, "bad");
      const producer = await dlq;
      await producer.arrived(1);
      expect(producer.appended.map(({ record }) => String(record.value))).toEqual(["bad"]);
      producer.ack();
      const trace = await failed;
      expect(trace).toContain("Tolerance exceeded in error handler: stage TASK_PUT");
      expect(trace).toContain("offset=1");
      expect(trace).toContain("too long");
      await clock.settled();
      await ended;
      expect(consumer.commits.get("orders-0")).toBe(1);
      expect(runner.metrics()).toMatchObject({ recordsSkipped: 0, recordsFailed: 1 });
    },
  );

  test.each(["periodic", "last"])(
    "with errors.tolerance=none no %s commit passes a record that is reported after its put (I8)",
    async (commit) => {
      const { task, consumer, clock, runner, dlq, status, ended } = await started({
        commitIntervalMs: 10_000,
        deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: false },
      });
      consumer.produce(P0, "bad");
      await task.took(1);
      await clock.settled();
      const queue = await dlq;
      const failed = status.next("FAILED");
      // The sink has sent it, and hears of its refusal now; nothing polls in between.
      void task.context.reportErrant!(task.records[0]!, new Error("too long"));
      await queue.arrived(1);
      queue.ack();
      if (commit === "last") await consumer.rebalance("revoke", P0);
      else task.context.requestCommit();
      await clock.advance(20_000);
      expect(consumer.commits.size).toBe(0);
      expect(await failed).toContain("too long");
      await ended;
      expect(consumer.commits.size).toBe(0);
      runner.abandon();
    },
  );

  test.each(["periodic", "last"])(
    "a report from within preCommit holds that %s commit until it is written (I8)",
    async (commit) => {
      const { task, consumer, clock, runner, dlq } = await started({
        policy: { ...strict, tolerance: "all" },
        deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: false },
      });
      const queue = await dlq;
      task.preCommitAnswer = (current) => {
        for (const record of task.records.splice(0)) void task.context.reportErrant!(record, new Error("bad"));
        return current;
      };
      consumer.produce(P0, "a");
      await task.took(1);
      await clock.settled();
      let closed: Promise<unknown> = Promise.resolve();
      if (commit === "last") closed = consumer.rebalance("revoke", P0);
      else task.context.requestCommit();
      await clock.advance(1_000);
      await queue.arrived(1);
      await clock.advance(1_000);
      expect(consumer.commits.size).toBe(0);
      queue.ack();
      await clock.advance(1_000);
      await closed;
      expect(consumer.commits.get("orders-0")).toBe(1);
      runner.abandon();
    },
  );

  test("reportErrant of a copy writes what was read", async () => {
    const { task, consumer, runner, dlq } = await started({
      policy: { ...strict, tolerance: "all" },
      deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: false },
    });
    task.onPut = async ([record]) => {
      const copy = record?.with({ value: "changed" }).with({ topic: "elsewhere" });
      if (copy) void task.context.reportErrant!(copy, new Error("too long"));
    };
    consumer.produce(P0, "a");
    const producer = await dlq;
    await producer.arrived(1);
    expect(String(producer.appended[0]!.record.value)).toBe("a");
    runner.abandon();
  });

  test("reportErrant writes the record unchanged, and resolves when it is written", async () => {
    const { task, consumer, runner, dlq } = await started({
      policy: { ...strict, tolerance: "all" },
      deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: true },
    });
    let reported = false;
    task.onPut = async (records: readonly SinkRecord[]) => {
      if (records.length === 0) return;
      await task.context.reportErrant!(records[0]!, new Error("too long"));
      reported = true;
    };
    consumer.produce(P0, "a");
    const producer = await dlq;
    await producer.arrived(1);
    expect(reported).toBe(false);
    expect(producer.appended[0]!.record.headers.find(({ key }) => key.endsWith(".stage"))?.value?.toString()).toBe(
      "TASK_PUT",
    );
    producer.ack();
    await task.took(1);
    expect(reported).toBe(true);
    runner.abandon();
  });

  test("a report that waits for room in the dead letter queue holds the commit, even if the task does not await it (I8)", async () => {
    const deadLetters = { topic: "dead", replicationFactor: 1, contextHeaders: false };
    const rig = sinkRig({ policy: { ...strict, tolerance: "all" }, deadLetters });
    void rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    const queue = await rig.dlq;
    queue.limit = 1;
    await consumer.rebalance("assign", P0);
    rig.task.onPut = (records) => {
      for (const record of records) void rig.task.context.reportErrant!(record, new Error("bad"));
      if (records.length > 0) rig.task.context.requestCommit();
    };
    consumer.produce(P0, "a", "b");
    await rig.task.took(2);
    await rig.clock.advance(1000);
    // The first is written, the second has just got its room.
    queue.ack();
    await rig.clock.advance(1000);
    expect(queue.appended).toHaveLength(1);
    expect(consumer.commits.get("orders-0")).toBeUndefined();
    queue.ack();
    await rig.clock.advance(1000);
    expect(consumer.commits.get("orders-0")).toBe(2);
    rig.runner.abandon();
  });

  test.each(["stop", "cancel"] as const)("a %s while the task is being created keeps it from starting", async (end) => {
    const created = deferred();
    const task = new RecordingSink();
    const rig = sinkRig({ plugin: { ...sinkPlugin(task), task: () => created.promise.then(() => task) } });
    const ended = rig.runner.run("STARTED");
    await rig.clock.settled();
    rig.runner[end]();
    created.resolve();
    await ended;
    expect(task.calls).not.toContain("start");
  });

  test("a cancelled task leaves the group at once, and is stopped when its call returns", async () => {
    const { clock, task, consumer, runner, ended, status } = await started();
    const gate = deferred();
    task.onPut = (records) => (records.length > 0 ? gate.promise : undefined);
    consumer.produce(P0, "a");
    await clock.settled();
    runner.stop();
    runner.cancel();
    await clock.settled();
    expect([consumer.closed, task.calls.at(-1)]).toEqual([true, "put a"]);
    gate.resolve();
    await ended;
    expect([task.calls.at(-1), consumer.commits.size, status.states]).toEqual(["stop", 0, ["RUNNING"]]);
  });

  test("a task that is cancelled during its last commit is stopped, too", async () => {
    const { clock, task, consumer, runner, ended } = await started();
    const gate = deferred();
    task.preCommit = async () => {
      await gate.promise;
      return [];
    };
    consumer.produce(P0, "a");
    await task.took(1);
    runner.stop();
    await clock.settled();
    runner.cancel();
    gate.resolve();
    await ended;
    expect(task.calls.at(-1)).toBe("stop");
  });

  test("an abandoned task commits nothing, does not leave the group and reports nothing", async () => {
    const { task, consumer, runner, ended, status } = await started();
    consumer.produce(P0, "a");
    await task.took(1);
    runner.abandon();
    await ended;
    expect([consumer.abandoned, consumer.closed, consumer.commits.size, status.states]).toEqual([
      true,
      false,
      0,
      ["RUNNING"],
    ]);
    expect(task.calls.at(-1)).toBe("put a");
  });

  test("crashes, rebalances, retries, seeks and failed commits: commits never pass undelivered records, and everything arrives in order (I2, I8, I9)", async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant("produce" as const),
          partition: fc.nat(1),
          count: fc.integer({ min: 1, max: 4 }),
        }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ do: fc.constant("tick" as const), ms: fc.constantFrom(500, 5_000, 60_000) }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("retriable" as const) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("land" as const), count: fc.integer({ min: 1, max: 6 }) }) },
      {
        weight: 1,
        arbitrary: fc.record({
          do: fc.constantFrom("revoke" as const, "lose" as const, "assign" as const),
          partition: fc.nat(1),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("crash" as const, "stop" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("commit-error" as const) }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("precommit-error" as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const world = { logs: new Map<string, ConsumerRecord[]>(), commits: new Map<string, number>() };
        const partitions = [P0, P1];
        const landed = [new Set<number>(), new Set<number>()]; // records at their destination for good
        /** A sink that buffers: records land later, in order, and only then does preCommit return their offsets. */
        class BufferingSink extends RecordingSink {
          readonly buffers: SinkRecord[][] = [[], []];
          readonly next: (number | undefined)[] = [undefined, undefined];
          failPreCommit = false;
          override async put(records: readonly SinkRecord[]): Promise<void> {
            const error = this.putErrors.shift();
            if (error) throw error;
            for (const record of records) {
              const expected = this.next[record.partition];
              if (expected !== undefined && record.offset !== expected)
                throw new Error(`gap: ${record.offset}, expected ${expected}`);
              this.next[record.partition] = record.offset + 1;
              this.buffers[record.partition]!.push(record);
            }
          }
          land(count: number) {
            for (const [p, buffer] of this.buffers.entries())
              for (const record of buffer.splice(0, count)) landed[p]!.add(record.offset);
          }
          override async preCommit(current: readonly TopicPartitionOffset[]): Promise<readonly TopicPartitionOffset[]> {
            if (this.failPreCommit) {
              this.failPreCommit = false;
              for (const { partition } of current) {
                this.buffers[partition] = [];
                this.next[partition] = undefined;
              }
              throw new Error("upload failed");
            }
            return current.map((offset) => ({
              ...offset,
              offset: this.buffers[offset.partition]![0]?.offset ?? offset.offset,
            }));
          }
          override async close(closed: readonly { partition: number }[]): Promise<void> {
            for (const { partition } of closed) {
              this.buffers[partition] = [];
              this.next[partition] = undefined;
            }
          }
        }
        const check = () => {
          for (const p of [0, 1]) {
            const committed = world.commits.get(`orders-${p}`) ?? 0;
            for (let offset = 0; offset < committed; offset++)
              if (!landed[p]!.has(offset)) throw new Error(`${p}@${committed} committed, ${offset} has not landed`);
          }
        };
        const begin = async () => {
          const task = new BufferingSink();
          const rig = sinkRig({}, world, task);
          const ended = rig.runner.run("STARTED");
          const consumer = await rig.consumer;
          // The group's stored offsets outlive the consumer.
          Object.assign(consumer, { commits: world.commits });
          await consumer.rebalance("assign", ...partitions);
          return { ...rig, task, ended, consumer };
        };
        const count = [0, 0];
        let run = await begin();
        let open = new Set([0, 1]);
        for (const action of steps) {
          const { consumer, task, clock, runner } = run;
          if (action.do === "produce") {
            const values = Array.from({ length: action.count }, () => String(count[action.partition]!++));
            consumer.produce(partitions[action.partition]!, ...values);
          }
          if (action.do === "tick") await clock.advance(action.ms);
          if (action.do === "retriable") task.putErrors.push(busy());
          if (action.do === "land") task.land(action.count);
          if (action.do === "commit-error")
            consumer.commitError = consumer.commitError ? undefined : new Error("no coordinator");
          if (action.do === "precommit-error") task.failPreCommit = true;
          if ((action.do === "revoke" || action.do === "lose") && open.delete(action.partition))
            await consumer.rebalance(action.do, partitions[action.partition]!);
          if (action.do === "assign" && !open.has(action.partition)) {
            open.add(action.partition);
            await consumer.rebalance("assign", partitions[action.partition]!);
          }
          if (action.do === "crash" || action.do === "stop") {
            if (action.do === "crash") runner.abandon();
            else runner.stop();
            await run.ended;
            check();
            run = await begin();
            open = new Set([0, 1]);
          }
          await run.clock.settled();
          check();
        }
        run.consumer.commitError = undefined;
        run.task.putErrors.length = 0;
        run.task.failPreCommit = false;
        for (const p of [0, 1]) if (!open.has(p)) await run.consumer.rebalance("assign", partitions[p]!);
        await run.clock.advance(20_000);
        run.task.land(1000);
        run.runner.stop();
        await run.ended;
        check();
        if (run.status.states.includes("FAILED")) throw new Error(run.status.traces.at(-1) ?? "failed");
        for (const p of [0, 1])
          expect([p, landed[p]!.size, world.commits.get(`orders-${p}`) ?? 0]).toEqual([p, count[p], count[p]]);
      }),
      { numRuns: 150 },
    );
  });
});
