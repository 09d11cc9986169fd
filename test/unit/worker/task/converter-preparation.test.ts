import { describe, expect, test } from "vitest";
import {
  type Converter,
  DataError,
  NotPreparedError,
  primitive,
  RetriableError,
  type Schema,
  SinkRecord,
  SourceRecord,
} from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import { convertPrepared } from "../../../../src/worker/task/converter-preparation.js";
import type { TaskConverters } from "../../../../src/worker/task/task-converters.js";
import { FakeRegistry, RegistryConverter } from "../registry-converter.js";
import { P0, sinkRig } from "../sink-harness.js";
import { FILE, sourceRig, strict, textConverters } from "../source-harness.js";

const FIRST = primitive("string", { name: "first" });
const SECOND = primitive("string", { name: "second" });
const tolerant = { ...strict, tolerance: "all" } as const;

function registryConverters(registry: FakeRegistry, addsHeader = false): TaskConverters {
  return { ...textConverters(), value: new RegistryConverter(registry, addsHeader) };
}

function row(position: number, schema: Schema, headers: SourceRecord["headers"] = []): SourceRecord {
  return new SourceRecord(FILE, { position }, "rows", null, null, null, schema, `v${position}`, 5000, headers);
}

const wire = (id: number, text: string) => `\0\0\0\0${String.fromCharCode(id)}${text}`;

describe("a source whose converter must fetch its schemas", () => {
  async function running(registry: FakeRegistry, overrides: Parameters<typeof sourceRig>[0] = {}) {
    const rig = sourceRig({ converters: registryConverters(registry), ...overrides });
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    const produced = () => producer.written.map(({ value }) => String(value));
    // The producer copies its input, and the converter's memory is reused.
    const append = producer.append.bind(producer);
    producer.append = (record, token) => append({ ...record, value: record.value && Buffer.from(record.value) }, token);
    producer.auto = true;
    return { ...rig, ended, producer, produced };
  }

  test("fetches each once, and keeps the order of records meanwhile", async () => {
    const registry = new FakeRegistry();
    const { task, producer, produced, runner } = await running(registry);
    const answer = deferred();
    registry.gate = answer.promise;
    const asked = registry.asked();
    task.feed([row(1, FIRST), row(2, FIRST), row(3, SECOND), row(4, FIRST)]);
    await asked;
    expect(produced()).toEqual([]);
    answer.resolve();
    await producer.arrived(4);
    expect(produced()).toEqual([wire(0, "v1"), wire(0, "v2"), wire(1, "v3"), wire(0, "v4")]);
    expect(registry.requests).toEqual(["register first", "register second"]);
    expect(runner.metrics()).toMatchObject({ recordsFailed: 0, recordsWritten: 4 });
    runner.abandon();
  });

  test("retries while the registry is away, for errors.retry.timeout", async () => {
    const registry = new FakeRegistry();
    registry.failures.push(new RetriableError("PLUGIN_AWAY", "registry away"));
    const policy = { ...strict, retryTimeoutMs: 10_000 };
    const { task, producer, produced, clock, runner } = await running(registry, { policy });
    task.feed([row(1, FIRST), row(2, FIRST)]);
    await clock.settled();
    expect(produced()).toEqual([]);
    await clock.advance(300);
    await producer.arrived(2);
    expect(produced()).toEqual([wire(0, "v1"), wire(0, "v2")]);
    expect(registry.requests).toHaveLength(2);
    runner.abandon();
  });

  test("fails with the converter's stage and class when it cannot prepare", async () => {
    const registry = new FakeRegistry();
    registry.failures.push(new DataError("PLUGIN_REFUSED", "incompatible schema"));
    const { task, status, ended, produced } = await running(registry);
    const failed = status.next("FAILED");
    task.feed([row(1, FIRST)]);
    expect(await failed).toMatch(/stage VALUE_CONVERTER of test.Value failed(.|\n)*incompatible schema/);
    await ended;
    expect(produced()).toEqual([]);
  });

  test("drops only the record that cannot be prepared for under errors.tolerance=all", async () => {
    const registry = new FakeRegistry();
    registry.failures.push(new DataError("PLUGIN_REFUSED", "incompatible schema"));
    const { task, ended, producer, produced, runner, offsets } = await running(registry, { policy: tolerant });
    task.feed([row(1, FIRST), row(2, SECOND)]);
    await producer.arrived(1);
    runner.stop();
    await ended;
    expect(produced()).toEqual([wire(0, "v2")]);
    expect([...offsets.stored.values()]).toEqual([{ position: 2 }]);
    expect(runner.metrics()).toMatchObject({ recordsFailed: 1, recordsSkipped: 1 });
  });

  test("that is stopped while it prepares loses nothing, even under errors.tolerance=all", async () => {
    const registry = new FakeRegistry();
    const { task, ended, producer, produced, runner, offsets, status } = await running(registry, { policy: tolerant });
    task.feed([row(1, FIRST)]);
    await producer.arrived(1);
    registry.gate = new Promise(() => {});
    const asked = registry.asked();
    task.feed([row(2, SECOND), row(3, FIRST)]);
    await asked;
    runner.stop();
    await ended;
    expect(produced()).toEqual([wire(0, "v1")]);
    expect([...offsets.stored.values()]).toEqual([{ position: 1 }]);
    expect(status.states.at(-1)).toBe("UNASSIGNED");
  });

  test("that requests preparation twice for a record has failed", async () => {
    const registry = new FakeRegistry();
    const converters = registryConverters(registry);
    converters.value.prepare = async () => {};
    const { task, status, ended } = await running(registry, { converters });
    const failed = status.next("FAILED");
    task.feed([row(1, FIRST)]);
    expect(await failed).toContain("does not know the id of schema first yet");
    await ended;
  });

  test("produces the headers that a converter adds, and with no other record", async () => {
    const registry = new FakeRegistry();
    const { task, producer, runner } = await running(registry, { converters: registryConverters(registry, true) });
    const shared = [{ key: "h", schema: null, value: "x" }];
    task.feed([row(1, FIRST, shared), row(2, SECOND, shared), row(3, FIRST)]);
    await producer.arrived(3);
    const headers = producer.written.map((record) => record.headers.map(({ key, value }) => `${key}=${value}`));
    expect(headers).toEqual([["h=x", "schema-id=0"], ["h=x", "schema-id=1"], ["schema-id=0"]]);
    runner.abandon();
  });
});

describe("a sink whose converter must fetch its schemas", () => {
  async function running(registry: FakeRegistry, overrides: Parameters<typeof sinkRig>[0] = {}) {
    const converters = registryConverters(registry);
    const rig = sinkRig({ converters, ...overrides });
    const ended = rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    await consumer.rebalance("assign", P0);
    return { ...rig, ended, consumer, converter: converters.value as RegistryConverter };
  }
  const puts = (calls: readonly string[]) => calls.filter((call) => call.startsWith("put "));

  test("fetches each once, keeps the order of records meanwhile, and sees their headers", async () => {
    const registry = new FakeRegistry();
    await registry.idOf(FIRST);
    await registry.idOf(SECOND);
    registry.requests.length = 0;
    const { task, consumer, converter, runner } = await running(registry);
    const answer = deferred();
    registry.gate = answer.promise;
    const asked = registry.asked();
    const took = task.took(4);
    consumer.produce(P0, wire(0, "a"), wire(0, "b"), wire(1, "c"), wire(0, "d"));
    await asked;
    expect(puts(task.calls)).toEqual([]);
    answer.resolve();
    await took;
    expect(puts(task.calls)).toEqual(["put a,b,c,d"]);
    expect(task.records.map(({ valueSchema }) => valueSchema?.name)).toEqual(["first", "first", "second", "first"]);
    expect(registry.requests).toEqual(["get 0", "get 1"]);
    consumer.logs.get("orders-0")!.push({
      ...consumer.logs.get("orders-0")![0]!,
      offset: 4,
      headers: [{ key: "h", value: Buffer.from("x") }],
    });
    const next = task.took(6);
    consumer.produce(P0, wire(0, "f"));
    await next;
    expect(converter.headersSeen).toEqual(["h=x"]);
    runner.abandon();
  });

  test("puts a record with an unknown schema into the dead letter queue unchanged", async () => {
    const registry = new FakeRegistry();
    await registry.idOf(FIRST);
    const deadLetters = { topic: "dead", replicationFactor: 1, contextHeaders: false };
    const { task, consumer, dlq, runner } = await running(registry, { policy: tolerant, deadLetters });
    const queue = await dlq;
    const took = task.took(1);
    consumer.produce(P0, wire(7, "nobody's"), wire(0, "good"));
    await queue.arrived(1);
    await took;
    expect(String(queue.appended[0]!.record.value)).toBe(wire(7, "nobody's"));
    expect(puts(task.calls)).toEqual(["put good"]);
    runner.abandon();
  });

  test("that is stopped while it prepares neither drops the record nor commits it, even under errors.tolerance=all", async () => {
    const registry = new FakeRegistry();
    registry.gate = new Promise(() => {});
    const { ended, consumer, runner, status, task } = await running(registry, { policy: tolerant });
    const asked = registry.asked();
    consumer.produce(P0, wire(0, "a"));
    await asked;
    runner.stop();
    await ended;
    expect(consumer.commits.get("orders-0") ?? 0).toBe(0);
    expect(runner.metrics()).toMatchObject({ recordsSkipped: 0 });
    expect(puts(task.calls)).toEqual([]);
    expect(status.states.at(-1)).toBe("UNASSIGNED");
  });

  test("commits nothing while a record that the task created and reported still waits for its schema (I8)", async () => {
    const registry = new FakeRegistry();
    await registry.idOf(FIRST);
    const deadLetters = { topic: "dead", replicationFactor: 1, contextHeaders: false };
    const { task, consumer, dlq, clock, runner } = await running(registry, { policy: tolerant, deadLetters });
    const queue = await dlq;
    queue.auto = true;
    const answer = deferred();
    task.onPut = ([record]) => {
      if (!record) return;
      registry.gate = answer.promise;
      const { topic, partition, offset, timestampMs } = record;
      const made = new SinkRecord(
        topic,
        partition,
        null,
        null,
        SECOND,
        "made",
        offset,
        timestampMs,
        "CreateTime",
        undefined,
        topic,
        partition,
        offset,
      );
      // Not awaited: the runner must remember it.
      void task.context.reportErrant!(made, new Error("bad"));
      task.context.requestCommit();
    };
    consumer.produce(P0, wire(0, "a"));
    await task.took(1);
    await clock.advance(1000);
    expect(consumer.commits.get("orders-0")).toBeUndefined();
    answer.resolve();
    await queue.arrived(1);
    await clock.advance(1000);
    expect(consumer.commits.get("orders-0")).toBe(1);
    expect(String(queue.written[0]!.value)).toBe(wire(1, "made"));
    runner.abandon();
  });
});

test("what a key's converter has prepared may expire while the value's prepares", async () => {
  let isKeyKnown = false;
  let isValueKnown = false;
  const calls: string[] = [];
  const converters = {
    key: {
      prepare: async () => {
        calls.push("key");
        isKeyKnown = true;
      },
    },
    value: {
      prepare: async () => {
        calls.push("value");
        isValueKnown = true;
        isKeyKnown = false;
      },
    },
  } as unknown as Record<string, Converter>;
  let atWork = "key";
  const attempt = () => {
    atWork = "key";
    if (!isKeyKnown) throw new NotPreparedError("the key's schema");
    atWork = "value";
    if (!isValueKnown) throw new NotPreparedError("the value's schema");
    return "converted";
  };
  const found = () => ({ converter: converters[atWork]!, topic: "t", subject: null, headers: [] });
  expect(await convertPrepared(attempt, found, new AbortController().signal)).toBe("converted");
  expect(calls).toEqual(["key", "value", "key"]);
});
