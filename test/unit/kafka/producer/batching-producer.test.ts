import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { ProducerListener, ProducerRecord } from "../../../../src/kafka/client/producer.js";
import { produce } from "../../../../src/protocol/apis/produce.js";
import type { ErrorName } from "../../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { partitionForKey } from "../../../../src/protocol/murmur2.js";
import { type Fault, ScriptedBroker, scriptedClient } from "../scripted-broker.js";

function record(value: string, partition: number | null = 0, topic = "t"): ProducerRecord {
  return { topic, partition, key: null, value: Buffer.from(value), timestampMs: 1, headers: [] };
}

/** Records the outcomes. */
class Outcomes implements ProducerListener<string> {
  readonly acknowledgedCounts = new Map<string, number>();
  readonly positions: string[] = [];
  readonly failures: { token: string; count: number; error: Error }[] = [];

  acknowledged(token: string, count: number, topic: string, partition: number, baseOffset: number): void {
    this.acknowledgedCounts.set(token, (this.acknowledgedCounts.get(token) ?? 0) + count);
    this.positions.push(`${token} x${count} at ${topic}-${partition}@${baseOffset}`);
  }

  failed(token: string, count: number, error: Error): void {
    this.failures.push({ token, count, error });
  }
}

function setUp(options: { nodes?: number; properties?: Record<string, string>; partitions?: number } = {}) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock, options.nodes ?? 1);
  broker.topic("t", options.partitions ?? 1, (partition) => partition % (options.nodes ?? 1));
  const outcomes = new Outcomes();
  const waits: (string | undefined)[] = [];
  const client = scriptedClient(broker, options.properties);
  const producer = client.producer<string>({ onConnectivity: (reason) => waits.push(reason) }, outcomes);
  return { clock, broker, outcomes, client, producer, waits };
}

const RETRIABLE: readonly ErrorName[] = [
  "NOT_LEADER_OR_FOLLOWER",
  "REQUEST_TIMED_OUT",
  "NOT_ENOUGH_REPLICAS",
  "CORRUPT_MESSAGE",
];

describe("acks", () => {
  test.each([
    [undefined, -1],
    ["all", -1],
    ["-1", -1],
    ["1", 1],
  ])("%s asks for %d", async (acks, asked) => {
    const { clock, broker, outcomes, producer } = setUp({ properties: acks === undefined ? {} : { acks } });
    producer.append(record("a"), "x");
    await clock.advance(0);
    expect(broker.requests(produce).map((each) => each.acks)).toEqual([asked]);
    expect(outcomes.positions).toEqual(["x x1 at t-0@0"]);
  });

  test("0 counts a sent record as written, at an unknown offset", async () => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { acks: "0" } });
    for (const value of ["a", "b", "c"]) {
      producer.append(record(value), value);
      await clock.advance(0);
    }
    expect(broker.requests(produce).map((each) => each.acks)).toEqual([0, 0, 0]);
    expect(outcomes.positions).toEqual(["a x1 at t-0@-1", "b x1 at t-0@-1", "c x1 at t-0@-1"]);
    expect(broker.values("t-0")).toEqual(["a", "b", "c"]);
    expect(await Promise.all([producer.send([record("d")]), clock.advance(0)])).toMatchObject([
      [{ offset: -1 }],
      undefined,
    ]);
  });

  test("0 waits for a broker that is down, and loses no record that was not sent", async () => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { acks: "0" } });
    broker.down.add(0);
    producer.append(record("a"), "x");
    await clock.advance(5_000);
    expect(outcomes.positions).toEqual([]);
    broker.down.delete(0);
    await clock.advance(5_000);
    expect(broker.values("t-0")).toEqual(["a"]);
    expect(outcomes.positions).toEqual(["x x1 at t-0@-1"]);
  });

  test("0 waits for a broker that takes no bytes no longer than request.timeout.ms, then sends again", async () => {
    const { clock, broker, outcomes, producer, waits } = setUp({ properties: { acks: "0" } });
    producer.append(record("a"), "x");
    await clock.advance(0);
    broker.stalled.add(0);
    producer.append(record("b"), "x");
    await clock.advance(120_000);
    expect(waits.at(-1)).toContain("The connection was closed");
    broker.stalled.delete(0);
    await clock.advance(60_000);
    expect(broker.values("t-0")).toEqual(["a", "b"]);
    expect(outcomes.positions).toEqual(["x x1 at t-0@-1", "x x1 at t-0@-1"]);
  });

  test("0 looks the leader up again when the broker has closed the connection", async () => {
    const { clock, broker, producer } = setUp({ nodes: 2, properties: { acks: "0" } });
    producer.append(record("a"), "x");
    await clock.advance(0);
    broker.leaders.set("t-0", 1);
    // Node 0 can only close the connection; that record is lost, as acks=0 permits.
    broker.fail("Produce", "NOT_LEADER_OR_FOLLOWER");
    for (const value of ["lost", "late", "b", "c"]) {
      producer.append(record(value), "x");
      await clock.advance(1_000);
    }
    expect(broker.seen.filter((each) => each.api === "Produce").map((each) => each.node)).toEqual([0, 0, 0, 1, 1]);
  });
});

describe("under any faults of requests", () => {
  test("no record is lost or overtaken, and each is settled once (I9)", async () => {
    const fault = fc.oneof(
      fc.constant<Fault>("drop"),
      fc.constant<Fault>("lose"),
      fc.constantFrom<Fault>(...RETRIABLE),
      fc.constant<undefined>(undefined),
    );
    const append = fc.record({ partition: fc.nat(2), pause: fc.integer({ min: 0, max: 400 }), size: fc.nat(300) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(append, { minLength: 1, maxLength: 60 }),
        fc.array(fault, { maxLength: 30 }),
        async (appends, faults) => {
          const { clock, broker, outcomes, producer } = setUp({
            nodes: 2,
            partitions: 3,
            properties: { "max.request.size": "1000" },
          });
          for (const each of faults) broker.fail("Produce", each ?? Promise.resolve());
          const appended: string[][] = [[], [], []];
          for (const [at, { partition, pause, size }] of appends.entries()) {
            const value = `${at}:`.padEnd(size + 4, ".");
            appended[partition]!.push(value);
            producer.append(record(value, partition), `token ${at % 7}`);
            if (pause > 200) await clock.advance(pause);
          }
          const flushed = producer.flush();
          await clock.advance(120_000);
          await flushed;
          const settled = [...outcomes.acknowledgedCounts.values()].reduce((sum, count) => sum + count, 0);
          expect(settled).toBe(appends.length);
          expect(outcomes.failures).toEqual([]);
          for (let partition = 0; partition < 3; partition++) {
            const batches = broker.batches(`t-${partition}`).map((batch) => batch.join());
            // After a lost answer the batch appears again directly after itself, and nowhere else.
            const once = batches.filter((batch, at) => batch !== batches[at - 1]);
            expect(once.join()).toBe(appended[partition]!.join());
          }
          expect(producer.bufferedBytes).toBe(0);
          await producer.close(0);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("a resend has exactly the same bytes", async () => {
    const { clock, broker, producer } = setUp();
    broker.fail("Produce", "lose", "drop");
    producer.append(record("a"), "x");
    await clock.advance(0);
    producer.append(record("b"), "x");
    await clock.advance(10_000);
    const sent = broker.requests(produce).map((each) => each.topicData[0]!.partitionData[0]!.records!.toString("hex"));
    expect(sent).toHaveLength(4);
    expect(sent[1]).toBe(sent[0]);
    expect(sent[2]).toBe(sent[0]);
    expect(broker.batches("t-0")).toEqual([["a"], ["a"], ["b"]]);
  });

  test("an error that is not retriable fails only its batch, and later records continue", async () => {
    const { clock, broker, outcomes, producer } = setUp();
    broker.fail("Produce", "TOPIC_AUTHORIZATION_FAILED");
    producer.append(record("a"), "first");
    producer.append(record("b"), "first");
    await clock.advance(0);
    producer.append(record("c"), "second");
    await clock.advance(1_000);
    expect(outcomes.failures).toMatchObject([{ token: "first", count: 2 }]);
    expect(outcomes.failures[0]?.error.message).toMatch(/Producing to t-0.*TOPIC_AUTHORIZATION_FAILED/);
    expect(broker.values("t-0")).toEqual(["c"]);
    expect(outcomes.positions).toEqual(["second x1 at t-0@0"]);
  });

  test("a new leader is found and receives the remaining records, in order", async () => {
    const { clock, broker, producer } = setUp({ nodes: 2 });
    await producer.send([]);
    const first = producer.send([record("a")]);
    await clock.advance(0);
    await first;
    broker.leaders.set("t-0", 1);
    broker.fail("Produce", "NOT_LEADER_OR_FOLLOWER");
    const rest = producer.send([record("b"), record("c")]);
    await clock.advance(5_000);
    await rest;
    expect(broker.values("t-0")).toEqual(["a", "b", "c"]);
    expect(broker.seen.filter((each) => each.api === "Produce").map((each) => each.node)).toEqual([0, 0, 1]);
  });

  test("the producer waits for a broker that is down, and reports the reason to the owner", async () => {
    const { clock, broker, outcomes, producer, waits } = setUp();
    broker.down.add(0);
    producer.append(record("a"), "x");
    await clock.advance(30_000);
    expect(waits.at(-1)).toMatch(/no broker of bootstrap.servers=node:1000 answered/);
    broker.down.delete(0);
    await clock.advance(5_000);
    expect(outcomes.positions).toEqual(["x x1 at t-0@0"]);
    expect(waits.at(-1)).toBeUndefined();
  });
});

test("a producer with nothing to send clears its reason when the broker is back", async () => {
  const { clock, broker, producer, waits } = setUp({
    properties: { "metadata.max.age.ms": "1000", "delivery.timeout.ms": "3000" },
  });
  broker.down.add(0);
  producer.append(record("a"), "x");
  await clock.advance(10_000);
  expect(producer.bufferedBytes).toBe(0);
  expect(waits.at(-1)).toMatch(/no broker/);
  broker.down.delete(0);
  await clock.advance(5_000);
  expect(waits.at(-1)).toBeUndefined();
});

describe("batching", () => {
  test("records appended together are sent together, and later ones collect behind them", async () => {
    const { clock, broker, producer } = setUp();
    const answer = deferred();
    broker.fail("Produce", answer.promise);
    for (const value of ["a", "b"]) producer.append(record(value), "x");
    await clock.advance(0);
    for (const value of ["c", "d"]) {
      producer.append(record(value), "x");
      await clock.advance(10);
    }
    expect(broker.batches("t-0")).toEqual([["a", "b"]]);
    answer.resolve();
    await clock.advance(0);
    expect(broker.batches("t-0")).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  test("a token is reported once per run in a batch", async () => {
    const { clock, outcomes, producer } = setUp();
    for (const token of ["p", "p", "q", "p"]) producer.append(record("v"), token);
    await clock.advance(0);
    expect(outcomes.positions).toEqual(["p x2 at t-0@0", "q x1 at t-0@2", "p x1 at t-0@3"]);
  });

  test("linger.ms delays a batch until the time is over, the batch is full, or a flush", async () => {
    const { clock, broker, producer } = setUp({ properties: { "linger.ms": "100", "batch.size": "300" } });
    producer.append(record("a"), "x");
    await clock.advance(99);
    expect(broker.values("t-0")).toEqual([]);
    await clock.advance(2);
    expect(broker.values("t-0")).toEqual(["a"]);
    producer.append(record("b"), "x");
    void producer.flush();
    await clock.advance(0);
    expect(broker.values("t-0")).toEqual(["a", "b"]);
    for (let at = 0; at < 8; at++) producer.append(record("x".repeat(80)), "x");
    await clock.advance(0);
    expect(broker.batches("t-0").map((batch) => batch.length)).toEqual([1, 1, 2, 2, 2]);
    await clock.advance(200);
    expect(broker.values("t-0")).toHaveLength(10);
  });

  test("a batch that is too large is split until it fits, in order; a record that never fits fails", async () => {
    const { clock, broker, outcomes, producer } = setUp();
    broker.maxMessageBytes = 400;
    const values = Array.from({ length: 40 }, (_, at) => `${at}`.padEnd(50, "."));
    for (const value of values) producer.append(record(value), "x");
    producer.append(record("y".repeat(500)), "big");
    producer.append(record("last"), "z");
    await clock.advance(1_000);
    expect(broker.values("t-0")).toEqual([...values, "last"]);
    expect(outcomes.acknowledgedCounts).toEqual(
      new Map([
        ["x", 40],
        ["z", 1],
      ]),
    );
    expect(outcomes.failures).toMatchObject([{ token: "big", count: 1 }]);
    expect(outcomes.failures[0]?.error.message).toMatch(
      /t-0: a record of \d+ bytes is larger than the topic's max.message.bytes/,
    );
    expect(producer.bufferedBytes).toBe(0);
  });

  test("a record larger than max.request.size fails with a clear error, without being sent", async () => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { "max.request.size": "200" } });
    producer.append(record("x".repeat(300)), "big");
    producer.append(record("small"), "ok");
    await clock.advance(0);
    expect(outcomes.failures[0]?.error.message).toMatch(/topic t: the record takes \d+ bytes.*max.request.size of 200/);
    expect(broker.values("t-0")).toEqual(["small"]);
  });

  test("the producer is full at buffer.memory and drained once a request is answered", async () => {
    const { clock, broker, producer } = setUp({ properties: { "buffer.memory": "500" } });
    const answer = deferred();
    broker.fail("Produce", answer.promise);
    producer.append(record("x".repeat(600)), "x");
    expect(producer.full).toBe(true);
    let drained = false;
    const draining = producer.drained().then(() => {
      drained = true;
    });
    await clock.advance(1_000);
    expect(drained).toBe(false);
    answer.resolve();
    await clock.advance(0);
    await draining;
    expect(producer.full).toBe(false);
  });
});

describe("buffers", () => {
  test("as many as buffer.memory allows are used again: dropped ones would outlive many collections", async () => {
    const { clock, broker, producer } = setUp({ properties: { "batch.size": "100000" } });
    const allocate = vi.spyOn(Buffer, "allocUnsafe");
    const allocated = async () => {
      allocate.mockClear();
      for (let at = 0; at < 40; at++) producer.append(record("x".repeat(90_000)), "x");
      await clock.advance(0);
      return allocate.mock.calls.filter(([bytes]) => bytes > 90_000).length;
    };
    try {
      expect((await allocated()) - (await allocated())).toBe(40);
    } finally {
      allocate.mockRestore();
    }
    expect(broker.values("t-0").length).toBe(80);
  });
});

describe("partitions", () => {
  test("a key chooses the partition as in Java's producer; records without one stay together", async () => {
    const { clock, broker, producer } = setUp({ partitions: 5 });
    for (const key of ["a", "b", "c", "d"]) {
      producer.append({ ...record(key, null), key: Buffer.from(key) }, "x");
    }
    await clock.advance(0);
    for (const key of ["a", "b", "c", "d"]) {
      expect(broker.values(`t-${partitionForKey(Buffer.from(key), 5)}`)).toContain(key);
    }
    for (let at = 0; at < 10; at++) producer.append(record("stuck", null), "x");
    await clock.advance(0);
    const counts = [0, 1, 2, 3, 4].map(
      (partition) => broker.values(`t-${partition}`).filter((each) => each === "stuck").length,
    );
    expect(counts.sort()).toEqual([0, 0, 0, 0, 10]);
  });

  test("with partitioner.ignore.keys a key chooses no partition", async () => {
    const { clock, broker, producer } = setUp({ partitions: 5, properties: { "partitioner.ignore.keys": "true" } });
    producer.append(record("first", null), "x");
    await clock.advance(0);
    for (const key of ["a", "b", "c", "d"]) producer.append({ ...record(key, null), key: Buffer.from(key) }, "x");
    await clock.advance(0);
    const counts = [0, 1, 2, 3, 4].map((at) => broker.values(`t-${at}`).filter((value) => value !== "first").length);
    expect(counts.sort()).toEqual([0, 0, 0, 0, 4]);
  });

  test("records of a topic that does not exist yet wait for it, in order, and the owner gets the reason", async () => {
    const { clock, broker, outcomes, producer, waits } = setUp();
    producer.append(record("a", null, "later"), "x");
    producer.append(record("b", 0, "later"), "x");
    await clock.advance(5_000);
    expect(waits.at(-1)).toMatch(/waiting for topic later/);
    broker.topic("later", 1);
    await clock.advance(5_000);
    expect(broker.values("later-0")).toEqual(["a", "b"]);
    expect(outcomes.positions).toEqual(["x x2 at later-0@0"]);
    expect(waits.at(-1)).toBeUndefined();
  });

  test("only one request at a time is in flight to a broker", async () => {
    const { clock, broker, producer } = setUp({ nodes: 2, partitions: 4 });
    const answer = deferred();
    broker.fail("Produce", answer.promise, answer.promise);
    for (const at of [0, 1]) producer.append(record(`a${at}`, at), "x");
    await clock.advance(0);
    // The other two partitions have nothing in flight, but their brokers have.
    for (const at of [2, 3]) producer.append(record(`a${at}`, at), "x");
    await clock.advance(100);
    expect(broker.requests(produce)).toHaveLength(2);
    answer.resolve();
    await clock.advance(0);
    expect(broker.requests(produce)).toHaveLength(4);
    expect(broker.values("t-3")).toEqual(["a3"]);
  });
});

describe("the end", () => {
  test("a record that is not delivered within delivery.timeout.ms fails, with the reason", async () => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { "delivery.timeout.ms": "5000" } });
    broker.fail("Produce", ...new Array<Fault>(100).fill("NOT_ENOUGH_REPLICAS"));
    producer.append(record("a"), "x");
    producer.append(record("b", null, "never"), "y");
    await clock.advance(6_000);
    expect(outcomes.failures.map((each) => each.token).sort()).toEqual(["x", "y"]);
    const [first] = outcomes.failures;
    expect(KafkaError.is(first?.error, "REQUEST_TIMED_OUT")).toBe(true);
    expect(KafkaError.is(first?.error.cause, "NOT_ENOUGH_REPLICAS")).toBe(true);
  });

  test("a record is sent no more often than retries allows, and those behind it continue", async () => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { retries: "1", "batch.size": "1" } });
    broker.fail("Produce", "NOT_ENOUGH_REPLICAS", "NOT_ENOUGH_REPLICAS");
    producer.append(record("a"), "a");
    producer.append(record("b"), "b");
    await clock.advance(10_000);
    expect(outcomes.failures).toMatchObject([{ token: "a", count: 1 }]);
    expect(broker.requests(produce)).toHaveLength(3);
    expect(outcomes.acknowledgedCounts.get("b")).toBe(1);
  });

  test.each(["1", "0"])("a lost connection fails the record only with retries=0: %s", async (retries) => {
    const { clock, broker, outcomes, producer } = setUp({ properties: { retries } });
    producer.append(record("first"), "first");
    await clock.advance(0);
    broker.fail("Produce", "lose", "lose", "lose");
    producer.append(record("a"), "a");
    await clock.advance(60_000);
    expect(outcomes.failures.map(({ token }) => token)).toEqual(retries === "0" ? ["a"] : []);
    expect(outcomes.acknowledgedCounts.get("a")).toBe(retries === "0" ? undefined : 1);
  });

  test("close waits for buffered records, up to its timeout, then fails them; later records are refused", async () => {
    const { clock, broker, outcomes, producer } = setUp();
    producer.append(record("a"), "a");
    const quick = producer.close(1_000);
    await clock.advance(0);
    await quick;
    expect(outcomes.acknowledgedCounts.get("a")).toBe(1);
    producer.append(record("late"), "late");
    expect(outcomes.failures).toMatchObject([{ token: "late", error: { name: "ClientClosedError" } }]);
    await expect(producer.send([record("later")])).rejects.toThrow("The producer was closed");

    const second = setUp();
    second.broker.down.add(0);
    second.producer.append(record("b"), "b");
    const slow = second.producer.close(1_000);
    await second.clock.advance(1_001);
    await slow;
    expect(second.outcomes.failures).toMatchObject([{ token: "b", count: 1 }]);
    expect(broker.values("t-0")).toEqual(["a"]);
  });

  test("closing the client fails the remaining records at once", async () => {
    const { clock, broker, client, outcomes, producer } = setUp();
    broker.fail("Produce", new Promise(() => {}));
    producer.append(record("a"), "a");
    await clock.advance(0);
    const sent = producer.send([record("b")]);
    await client.close();
    expect(outcomes.failures).toMatchObject([{ token: "a" }]);
    await expect(sent).rejects.toThrow(/closed/);
    await producer.flush();
  });
});
