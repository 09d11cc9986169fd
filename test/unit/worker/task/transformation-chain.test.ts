import { describe, expect, test } from "vitest";
import {
  DataError,
  type Predicate,
  type Props,
  RetriableError,
  type SinkRecord,
  type SourceRecord,
  type Transformation,
} from "../../../../src/api/index.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { chooseTransformations } from "../../../../src/worker/task/transformation-chain.js";
import { sinkRig } from "../sink-harness.js";
import { record, records, registryOf, sourceRig, strict, textConverters } from "../source-harness.js";

/** Plugins whose calls are recorded: `test.Add` appends its `text`, `test.Drop` drops, `test.Bad` throws `error`. */
function plugins() {
  const calls: string[] = [];
  let error: unknown;
  let failures = Number.POSITIVE_INFINITY;
  const transformation = (className: string, apply: (record: SourceRecord, props: Props) => unknown) => ({
    className,
    version: "1",
    transformation: (): Transformation => {
      let own: Props = {};
      return {
        config: {},
        configure(props) {
          if (props["text"] === "refused") throw new DataError("VALUE_INVALID", "text is refused");
          own = props;
          calls.push(`${className} ${JSON.stringify(props)}`);
        },
        apply: (input) => apply(input as SourceRecord, own) as SourceRecord,
        close: () => {
          calls.push(`close ${className} ${own["text"] ?? ""}`.trim());
          if (own["text"] === "stuck") throw new Error("stuck");
        },
      };
    },
  });
  const registry = registryOf(
    transformation("test.Add", (input, { text }) => input.with({ value: `${input.value}${text}` })),
    transformation("test.Reroute", (input) => input.with({ topic: "elsewhere" })),
    transformation("test.Drop", () => null),
    transformation("test.Forgetful", () => undefined),
    transformation("test.Bad", (input) => {
      if (failures-- > 0) throw error;
      return input;
    }),
    {
      className: "test.HasValue",
      version: "1",
      predicate: (): Predicate => {
        let wanted: string | undefined;
        return {
          config: {},
          configure: ({ value }) => {
            wanted = value;
          },
          test: ({ value }) => value === wanted,
          close: () => calls.push("close test.HasValue"),
        };
      },
    },
  );
  const fail = (next: unknown, times = Number.POSITIVE_INFINITY) => {
    error = next;
    failures = times;
  };
  return {
    registry,
    calls,
    fail,
    chain: (props: Props) => chooseTransformations(registry, props, () => silentLogger)!,
  };
}

const ADD = { transforms: "a", "transforms.a.type": "Add", "transforms.a.text": "!" };
const TWO = { ...ADD, transforms: "a, b", "transforms.b.type": "test.Add", "transforms.b.text": "?" };
const IF_V2 = {
  "transforms.a.predicate": "p",
  predicates: "p",
  "predicates.p.type": "HasValue",
  "predicates.p.value": "v2",
};
const DROP_V2 = { ...IF_V2, transforms: "a", "transforms.a.type": "Drop" };
const values = (chain: ReturnType<ReturnType<typeof plugins>["chain"]>) =>
  records(1, 3).map((each) => chain.apply(each)?.value ?? null);

describe("a transformation chain", () => {
  test("transforms in the order of 'transforms'; each gets its keys without prefix", () => {
    const { chain, calls } = plugins();
    expect(values(chain(TWO))).toEqual(["v1!?", "v2!?", "v3!?"]);
    expect(calls).toEqual(['test.Add {"type":"Add","text":"!"}', 'test.Add {"type":"test.Add","text":"?"}']);
  });

  test("does not exist without transformations", () => {
    const { registry } = plugins();
    for (const transforms of ["", " ", " , "])
      expect(chooseTransformations(registry, { transforms }, () => silentLogger)).toBeUndefined();
    expect(chooseTransformations(registry, { "transforms.a.type": "Add" }, () => silentLogger)).toBeUndefined();
  });

  test("changes only the records that the predicate matches, negated those that it does not", () => {
    const { chain, calls } = plugins();
    expect(values(chain({ ...ADD, ...IF_V2 }))).toEqual(["v1", "v2!", "v3"]);
    expect(values(chain({ ...ADD, ...IF_V2, "transforms.a.negate": "TRUE" }))).toEqual(["v1!", "v2", "v3!"]);
    expect(calls[0]).toBe('test.Add {"type":"Add","text":"!"}');
  });

  test("drops a record when a transformation returns null; later ones do not see it", () => {
    const { chain } = plugins();
    const props = { ...DROP_V2, transforms: "a,b", "transforms.b.type": "Add", "transforms.b.text": "!" };
    expect(values(chain(props))).toEqual(["v1!", null, "v3!"]);
  });

  test("a transformation that returns nothing drops no record", () => {
    const forgetful = plugins().chain({ transforms: "a", "transforms.a.type": "Forgetful" });
    expect(() => forgetful.apply(record(1))).toThrow("test.Forgetful returned undefined");
    expect(forgetful.classAtWork).toBe("test.Forgetful");
  });

  test("resume continues with the transformation that threw", () => {
    const { chain, fail } = plugins();
    const transforms = chain({ ...ADD, transforms: "a,b,c", "transforms.b.type": "Bad", "transforms.c.type": "Drop" });
    fail(new RetriableError("VALUE_INVALID", "away"), 2);
    expect(() => transforms.apply(record(1))).toThrow("away");
    expect(() => transforms.resume()).toThrow("away");
    expect(transforms.classAtWork).toBe("test.Bad");
    expect(transforms.resume()).toBeNull();
    expect(values(chain(ADD))).toEqual(["v1!", "v2!", "v3!"]);
  });

  test.each([
    [{ transforms: "a" }, "any class that implements transformation"],
    [{ ...ADD, "transforms.a.type": "HasValue" }, "any class that implements transformation"],
    [{ ...ADD, "transforms.a.text": "refused" }, "text is refused"],
    [{ ...ADD, ...IF_V2, predicates: "q" }, "it is not one of the aliases in 'predicates'"],
    [{ ...ADD, ...IF_V2, "predicates.p.type": "Add" }, "any class that implements predicate"],
  ])("cannot be made from %j", (props, message) => {
    expect(() => plugins().chain(props as unknown as Props)).toThrow(message);
  });

  test("closes every plugin once, also when one cannot be closed or the chain cannot be made", () => {
    const { chain, calls } = plugins();
    const made = chain({ ...TWO, ...IF_V2, "transforms.a.text": "stuck" });
    calls.length = 0;
    expect(() => made.close()).toThrow("stuck");
    expect(calls).toEqual(["close test.Add stuck", "close test.HasValue", "close test.Add ?"]);
    calls.length = 0;
    expect(() => chain({ ...TWO, "transforms.b.text": "refused" })).toThrow("refused");
    expect(calls).toEqual(['test.Add {"type":"Add","text":"!"}', "close test.Add !"]);
  });
});

describe("a source task with transformations", () => {
  test("produces what they return, tracks topics by it, and passes the offset of a record that they drop (I1)", async () => {
    const { chain, calls } = plugins();
    const props = { ...DROP_V2, transforms: "a,b", "transforms.b.type": "Reroute" };
    const rig = sourceRig({ chain: chain(props) });
    const ended = rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 2));
    await producer.arrived(1);
    await rig.clock.advance(60_000);
    expect(rig.offsets.flushes).toEqual([]); // v2 is dropped, but v1 before it is not acknowledged
    producer.ack();
    await rig.clock.advance(60_000);
    expect([...rig.offsets.stored.values()]).toEqual([{ position: 2 }]);
    expect(producer.written.map(({ topic, value }) => `${topic} ${value}`)).toEqual(["elsewhere v1"]);
    expect(rig.topics).toEqual(["elsewhere"]);
    expect(rig.runner.metrics()).toMatchObject({ recordsRead: 2, recordsWritten: 1, recordsSkipped: 1 });
    rig.runner.stop();
    await ended;
    expect(calls).toEqual(expect.arrayContaining(["close test.Drop", "close test.HasValue", "close test.Reroute"]));
  });

  test("tries a retriable failure again, without repeating the transformations before it", async () => {
    const { chain, fail } = plugins();
    fail(new RetriableError("VALUE_INVALID", "away"), 1);
    const props = { ...TWO, transforms: "a,bad,b", "transforms.bad.type": "Bad" };
    const rig = sourceRig({ chain: chain(props), policy: { ...strict, retryTimeoutMs: 10_000 } });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 1));
    await rig.clock.settled();
    expect(producer.appended).toEqual([]);
    await rig.clock.advance(300);
    await producer.arrived(1);
    expect(producer.appended.map(({ record: { value } }) => String(value))).toEqual(["v1!?"]);
    rig.runner.abandon();
  });

  test("gives each failing stage the whole retry time", async () => {
    const { chain, fail } = plugins();
    fail(new RetriableError("VALUE_INVALID", "away"), 1);
    let conversions = 0;
    const converters = textConverters((value) => {
      if (value !== null && ++conversions === 1) throw new RetriableError("VALUE_INVALID", "registry away");
    });
    const policy = { ...strict, retryTimeoutMs: 400 };
    const rig = sourceRig({ chain: chain({ transforms: "b", "transforms.b.type": "Bad" }), converters, policy });
    void rig.runner.run("STARTED");
    const producer = await rig.producer;
    rig.task.feed(records(1, 1));
    await rig.clock.settled();
    await rig.clock.advance(300);
    expect(conversions).toBe(1);
    await rig.clock.advance(299);
    expect(producer.appended).toEqual([]);
    await rig.clock.advance(1);
    expect(producer.appended).toHaveLength(1);
    rig.runner.abandon();
  });

  test("fails in stage TRANSFORMATION, naming the class and the record as the source returned it", async () => {
    const { chain, fail } = plugins();
    fail(new TypeError("no such field"));
    const props = { ...ADD, transforms: "r,bad", "transforms.r.type": "Reroute", "transforms.bad.type": "Bad" };
    const rig = sourceRig({ chain: chain(props) });
    const failed = rig.status.next("FAILED");
    const ended = rig.runner.run("STARTED");
    await rig.producer;
    rig.task.feed(records(1, 1));
    const trace = await failed;
    expect(trace).toContain("Tolerance exceeded in error handler: stage TRANSFORMATION of test.Bad failed");
    expect(trace).toContain("topic='lines'");
    expect(trace).toContain("no such field");
    await ended;
    expect(rig.offsets.flushes).toEqual([]);
  });
});

describe("a sink task with transformations", () => {
  const P0 = { topic: "orders", partition: 0 };

  test("puts what they return, at its original position, and commits past a record that they drop", async () => {
    const { chain, calls } = plugins();
    const rig = sinkRig({ chain: chain({ ...DROP_V2, transforms: "a,b", "transforms.b.type": "Reroute" }) });
    const ended = rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    await consumer.rebalance("assign", P0);
    const put = rig.task.took(1);
    consumer.produce(P0, "v1", "v2");
    await put;
    const [taken] = rig.task.records as [SinkRecord];
    expect(taken).toMatchObject({ topic: "elsewhere", originalTopic: "orders", originalOffset: 0, value: "v1" });
    expect(rig.topics).toEqual(["orders"]);
    await rig.clock.advance(60_000);
    expect(consumer.commits.get("orders-0")).toBe(2);
    expect(rig.runner.metrics()).toMatchObject({ recordsRead: 2, recordsWritten: 1, recordsSkipped: 1 });
    rig.runner.stop();
    await ended;
    expect(calls).toEqual(expect.arrayContaining(["close test.Drop", "close test.HasValue", "close test.Reroute"]));
  });

  test("sends a record that cannot be transformed to the dead letter queue as it was read", async () => {
    const { chain, fail } = plugins();
    fail(new DataError("VALUE_INVALID", "no such field"));
    const props = { ...IF_V2, ...ADD, transforms: "r,a", "transforms.r.type": "Reroute", "transforms.a.type": "Bad" };
    const rig = sinkRig({
      chain: chain(props),
      policy: { ...strict, tolerance: "all" },
      deadLetters: { topic: "dlq", replicationFactor: 1, contextHeaders: true },
    });
    void rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    await consumer.rebalance("assign", P0);
    consumer.produce(P0, "v1", "v2");
    await rig.task.took(1);
    const letter = (await rig.dlq).appended[0]!.record;
    const headers = Object.fromEntries(letter.headers.map(({ key, value }) => [key.split(".").at(-1), String(value)]));
    expect([letter.topic, String(letter.value)]).toEqual(["dlq", "v2"]);
    expect(headers).toMatchObject({ topic: "orders", offset: "1", stage: "TRANSFORMATION" });
    expect(letter.headers.find(({ key }) => key === "__connect.errors.class.name")?.value?.toString()).toBe("test.Bad");
    rig.runner.abandon();
  });

  test("tries a retriable failure again, without converting and transforming anew", async () => {
    const { chain, fail } = plugins();
    fail(new RetriableError("VALUE_INVALID", "away"), 1);
    const props = { ...TWO, transforms: "a,bad,b", "transforms.bad.type": "Bad" };
    const rig = sinkRig({ chain: chain(props), policy: { ...strict, retryTimeoutMs: 10_000 } });
    void rig.runner.run("STARTED");
    const consumer = await rig.consumer;
    await consumer.rebalance("assign", P0);
    const put = rig.task.took(1);
    consumer.produce(P0, "v1");
    await rig.clock.settled();
    await rig.clock.advance(300);
    await put;
    expect(rig.task.records.map(({ value }) => value)).toEqual(["v1!?"]);
    rig.runner.abandon();
  });

  test("is closed when a stop comes before it was started", async () => {
    const { chain, calls } = plugins();
    const rig = sinkRig({ chain: chain(ADD) });
    const paused = deferred();
    rig.status.next("PAUSED").then(() => paused.resolve());
    const ended = rig.runner.run("PAUSED");
    await paused.promise;
    rig.runner.stop();
    await ended;
    expect(calls.at(-1)).toBe("close test.Add !");
  });
});
