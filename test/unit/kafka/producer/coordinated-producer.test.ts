import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import type { ProducerRecord } from "../../../../src/kafka/client/producer.js";
import { endTxn } from "../../../../src/protocol/apis/end-txn.js";
import { initProducerId } from "../../../../src/protocol/apis/init-producer-id.js";
import { produce } from "../../../../src/protocol/apis/produce.js";
import { readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { type Fault, ScriptedBroker, scriptedClient } from "../scripted-broker.js";
import { FakeTransactions } from "./fake-transactions.js";

const ID = "connect-cluster-orders-0";

function record(value: string, partition = 0, topic = "t"): ProducerRecord {
  return { topic, partition, key: null, value: Buffer.from(value), timestampMs: 1, headers: [] };
}

function setUp(properties: Record<string, string> = {}, nodes = 1) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock, nodes);
  broker.topic("t", 3, (partition) => partition % nodes);
  const transactions = new FakeTransactions(broker);
  const failures: Error[] = [];
  const waits: (string | undefined)[] = [];
  const client = scriptedClient(broker, properties);
  const listener = {
    acknowledged() {},
    failed(_: string, _count: number, error: Error) {
      failures.push(error);
    },
  };
  const newProducer = (id = ID) =>
    client.transactionalProducer<string>({ transactionalId: id, onConnectivity: (why) => waits.push(why) }, listener);
  /** Lets the simulated time run until the work is done. */
  const done = async <R>(work: Promise<R>): Promise<R> => {
    let isOver = false;
    const over = () => {
      isOver = true;
    };
    work.then(over, over);
    for (let seconds = 0; !isOver && seconds < 300; seconds++) await clock.advance(1_000);
    expect(isOver).toBe(true);
    return work;
  };
  const ready = async (id?: string) => {
    const producer = newProducer(id);
    await done(producer.init());
    return producer;
  };
  return { clock, broker, transactions, failures, waits, client, newProducer, ready, done };
}

describe("a transaction", () => {
  test("shows its records of all partitions together, and only once it is committed", async () => {
    const { clock, transactions, ready, done } = setUp();
    const producer = await ready();
    producer.begin();
    producer.append(record("a", 0), "x");
    producer.append(record("b", 1), "x");
    await clock.advance(1_000);
    expect([transactions.state(ID), transactions.committed("t-0")]).toEqual(["Ongoing", []]);
    await done(producer.commit());
    expect([transactions.committed("t-0"), transactions.committed("t-1")]).toEqual([["a"], ["b"]]);
    expect(producer.inTransaction).toBe(false);
  });

  test("follows another without a gap, while the markers of the last one are still being written", async () => {
    const { broker, transactions, ready, done } = setUp();
    const producer = await ready();
    for (const value of ["a", "b", "c"]) {
      producer.begin();
      const written = producer.send([record(`${value}1`), record(`${value}2`)]);
      await done(producer.commit());
      expect(await written).toHaveLength(2);
    }
    expect(transactions.committed("t-0")).toEqual(["a1", "a2", "b1", "b2", "c1", "c2"]);
    const stamps = broker
      .requests(produce)
      .map((each) => readBatchHeader(each.topicData[0]!.partitionData[0]!.records!));
    expect(stamps.map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence])).toEqual([
      [0, 0],
      [0, 2],
      [0, 4],
    ]);
  });

  test("that is aborted shows nothing, and the next one follows it", async () => {
    const { transactions, ready, done } = setUp();
    const producer = await ready();
    producer.begin();
    producer.append(record("dropped"), "x");
    await done(producer.abort());
    producer.begin();
    producer.append(record("kept"), "x");
    await done(producer.commit());
    expect(transactions.committed("t-0")).toEqual(["kept"]);
  });

  test("without records asks nothing of the coordinator", async () => {
    const { broker, ready, done } = setUp();
    const producer = await ready();
    producer.begin();
    await done(producer.commit());
    expect(broker.requests(endTxn)).toEqual([]);
  });

  test("keeps its sequence when the broker has a batch split", async () => {
    const { broker, transactions, ready, done } = setUp();
    const producer = await ready();
    broker.maxMessageBytes = 150;
    producer.begin();
    const values = ["a", "b", "c", "d"].map((each) => each.repeat(20));
    for (const value of values) producer.append(record(value), "x");
    await done(producer.commit());
    producer.begin();
    producer.append(record("e"), "x");
    await done(producer.commit());
    expect(transactions.committed("t-0")).toEqual([...values, "e"]);
  });

  test("waits for a coordinator that is away, says so, and is committed once", async () => {
    const { clock, broker, transactions, waits, ready } = setUp({}, 2);
    const producer = await ready();
    producer.begin();
    producer.append(record("a"), "x");
    await clock.advance(1_000);
    broker.fail("EndTxn", "lose");
    broker.down.add(0);
    const committed = producer.commit();
    await clock.advance(20_000);
    expect(waits.at(-1)).toContain("node 0");
    broker.coordinator = 1;
    broker.down.delete(0);
    await clock.advance(20_000);
    await committed;
    expect([transactions.committed("t-0"), waits.at(-1)]).toEqual([["a"], undefined]);
  });
});

describe("a producer that is not alone", () => {
  test("loses its transaction to the next one with its id, and can write no more", async () => {
    const { transactions, failures, ready, done } = setUp();
    const zombie = await ready();
    zombie.begin();
    zombie.append(record("lost"), "x");
    await done(zombie.flush());
    const heir = await ready();
    heir.begin();
    heir.append(record("kept"), "x");
    await done(heir.commit());
    await expect(done(zombie.commit())).rejects.toThrow(`another producer took over transactional id ${ID}`);
    expect(() => zombie.begin()).toThrow("another producer took over");
    zombie.append(record("too late"), "x");
    await done(zombie.flush());
    expect(failures).toHaveLength(1);
    expect(transactions.committed("t-0")).toEqual(["kept"]);
  });

  test("is fenced by an admin, too, whose call waits for its transaction's abort", async () => {
    const { client, transactions, ready, done } = setUp();
    const producer = await ready();
    producer.begin();
    producer.append(record("lost"), "x");
    await done(producer.flush());
    await done(client.admin.fenceProducers([ID, "never-seen"]));
    expect(transactions.state(ID)).toBe("Empty");
    producer.append(record("late"), "x");
    await expect(done(producer.commit())).rejects.toThrow("transactional id");
    expect(transactions.committed("t-0")).toEqual([]);
  });

  test("whose transaction timed out shows nothing of it", async () => {
    const { clock, transactions, ready, done } = setUp({ "transaction.timeout.ms": "5000" });
    const producer = await ready();
    producer.begin();
    producer.append(record("late"), "x");
    await clock.advance(6_000);
    await expect(done(producer.commit())).rejects.toThrow("transaction.timeout.ms=5000");
    expect(transactions.committed("t-0")).toEqual([]);
  });
});

test("nothing is committed after a record was refused", async () => {
  const { broker, transactions, failures, ready, done } = setUp();
  const producer = await ready();
  producer.begin();
  broker.fail("Produce", "TOPIC_AUTHORIZATION_FAILED");
  producer.append(record("refused", 0), "x");
  producer.append(record("fine", 1), "x");
  await expect(done(producer.commit())).rejects.toThrow("Producing to t-0");
  expect(failures.length).toBeGreaterThan(0);
  await done(producer.abort());
  expect(() => producer.begin()).toThrow("Producing to t-0");
  expect([transactions.committed("t-0"), transactions.committed("t-1")]).toEqual([[], []]);
  expect(broker.requests(endTxn).every(({ committed }) => !committed)).toBe(true);
});

test("a partition that may not be added fails the transaction, and the reason is its own", async () => {
  const { transactions, ready, done } = setUp();
  transactions.denied.add("t-2");
  const producer = await ready();
  producer.begin();
  producer.append(record("a", 1), "x");
  producer.append(record("b", 2), "x");
  await expect(done(producer.commit())).rejects.toThrow(/Adding t-2 .*TOPIC_AUTHORIZATION_FAILED/);
  await done(producer.abort());
  expect(transactions.committed("t-1")).toEqual([]);
});

test("an initialisation that the coordinator refuses is an error, and one that it cannot answer waits", async () => {
  const { newProducer, done } = setUp({ "transaction.timeout.ms": "1000000" });
  await expect(done(newProducer().init())).rejects.toThrow(
    /transaction\.timeout\.ms=1000000 is more than .*transaction\.max\.timeout\.ms.*INVALID_TRANSACTION_TIMEOUT/,
  );
  const waiting = setUp();
  waiting.broker.fail("InitProducerId", "COORDINATOR_LOAD_IN_PROGRESS", "lose", "NOT_COORDINATOR");
  const producer = waiting.newProducer();
  await waiting.done(producer.init());
  expect(waiting.waits.at(-1)).toBeUndefined();
  expect(waiting.broker.requests(initProducerId)).toHaveLength(4);
});

test("a closed producer aborts what it left open", async () => {
  const { transactions, ready, done } = setUp();
  const producer = await ready();
  producer.begin();
  producer.append(record("open"), "x");
  await done(producer.flush());
  await done(producer.close(5_000));
  expect([transactions.state(ID), transactions.committed("t-0")]).toEqual(["CompleteAbort", []]);
  expect(() => producer.append(record("late"), "x")).toThrow("closed");
});

test("a closed producer aborts what it has written, although another record of the transaction cannot be sent", async () => {
  const { clock, broker, transactions, ready } = setUp({ "delivery.timeout.ms": "2147483647" });
  const producer = await ready();
  producer.begin();
  producer.append(record("written", 0), "x");
  producer.append(record("unsent", 0, "missing"), "x");
  await clock.advance(1_000);
  const commit = producer.commit().catch((error: unknown) => String(error));
  await clock.advance(60_000);
  // One partition is being added when it closes.
  producer.append(record("late", 1), "x");
  const adding = deferred();
  broker.fail("AddPartitionsToTxn", adding.promise);
  await clock.advance(10);
  const closed = producer.close(5_000);
  await clock.advance(10);
  adding.resolve();
  await clock.advance(10);
  await closed;
  expect(await commit).toMatch(/closed/);
  expect([transactions.state(ID), transactions.committed("t-0")]).toEqual(["CompleteAbort", []]);
});

test("under any retriable faults every committed record is there once and in order, and no aborted one", async () => {
  const fault = fc.oneof(
    fc.constantFrom<Fault>("drop", "lose"),
    fc.constant<Fault>("COORDINATOR_LOAD_IN_PROGRESS"),
    fc.constant<undefined>(undefined),
  );
  const produceFault = fc.oneof(fault, fc.constantFrom<Fault>("NOT_LEADER_OR_FOLLOWER", "REQUEST_TIMED_OUT"));
  const round = fc.record({ commits: fc.boolean(), partitions: fc.array(fc.nat(2), { maxLength: 6 }) });
  const faults = fc.array(fault, { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(round, { minLength: 1, maxLength: 8 }),
      fc.array(produceFault, { maxLength: 20 }),
      faults,
      async (rounds, inProduce, inEnd) => {
        const { broker, transactions, failures, ready, done } = setUp({ "transaction.timeout.ms": "900000" }, 2);
        const producer = await ready();
        for (const each of inProduce) broker.fail("Produce", each ?? Promise.resolve());
        for (const each of inEnd) broker.fail("EndTxn", each ?? Promise.resolve());
        const expected: string[][] = [[], [], []];
        for (const [at, { commits, partitions }] of rounds.entries()) {
          producer.begin();
          for (const [nth, partition] of partitions.entries()) {
            producer.append(record(`${at}.${nth}`, partition), "x");
            if (commits) expected[partition]!.push(`${at}.${nth}`);
          }
          await done(commits ? producer.commit() : producer.abort());
        }
        await done(producer.flush());
        for (const partition of [0, 1, 2]) {
          expect(transactions.committed(`t-${partition}`)).toEqual(expected[partition]);
        }
        expect(failures).toEqual([]);
        await done(producer.close(0));
      },
    ),
    { numRuns: 60 },
  );
});
