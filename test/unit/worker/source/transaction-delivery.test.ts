import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConflictError, RetriableError, type SourceMap, type SourceOffset } from "../../../../src/api/index.js";
import type { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { sourceMapKey } from "../../../../src/base/exact-json.js";
import type { KafkaClient } from "../../../../src/kafka/client/kafka-client.js";
import type { ProducerListener } from "../../../../src/kafka/client/producer.js";
import type { BoundarySettings } from "../../../../src/worker/source/transaction-boundary.js";
import type { Transactions } from "../../../../src/worker/source/transaction-delivery.js";
import type { NewConnectivity } from "../../../../src/worker/task/task-runner.js";
import { FakeTransactions } from "../../kafka/producer/fake-transactions.js";
import { ScriptedBroker, scriptedClient } from "../../kafka/scripted-broker.js";
import { FakeAdmin } from "../fake-kafka.js";
import { FILE, record, records, sourceRig, strict } from "../source-harness.js";

const ID = "cluster-shop-0";

/** A cluster with a topic of lines and one of offsets, as read_committed consumers see them. */
class Cluster {
  broker: ScriptedBroker;
  transactions: FakeTransactions;
  constructor(readonly clock: SimClock) {
    this.broker = new ScriptedBroker(clock);
    this.broker.topic("lines", 1);
    this.broker.topic("offsets", 1);
    this.transactions = new FakeTransactions(this.broker);
  }

  get lines(): string[] {
    return this.transactions.committed("lines-0");
  }

  get offsets(): Map<string, SourceMap> {
    const entries = this.transactions.committed("offsets-0").map((text) => JSON.parse(text) as SourceOffset);
    return new Map(entries.map(({ partition, offset }) => [sourceMapKey(partition), offset!]));
  }
}

interface Options extends Partial<BoundarySettings> {
  readonly cluster?: Cluster;
  readonly fence?: () => Promise<void>;
  readonly confirm?: () => Promise<void>;
  readonly properties?: Record<string, string>;
  readonly tolerance?: "all";
  /** The offsets topic is not the worker's, which gets these. */
  readonly committed?: SourceOffset[];
}

/** A source task that delivers in transactions, on a scripted cluster. */
function setUp(options: Options = {}) {
  let cluster = options.cluster;
  let client: KafkaClient | undefined;
  const opened = () => {
    cluster ??= new Cluster(rig.clock);
    client ??= scriptedClient(cluster.broker, options.properties);
    return client;
  };
  const transactions: Transactions = {
    boundary: options.boundary ?? "poll",
    intervalMs: options.intervalMs ?? 10_000,
    fence: options.fence ?? (async () => {}),
    confirm: options.confirm ?? (async () => {}),
    offsetRecords: async (offsets) => ({
      topic: "offsets",
      records: offsets.map((entry) => ({
        key: Buffer.from(sourceMapKey(entry.partition)),
        value: Buffer.from(JSON.stringify(entry)),
      })),
      isOverlaid: options.committed !== undefined,
    }),
    committed: async (offsets) => void options.committed?.push(...offsets),
  };
  const rig = sourceRig({
    transactions,
    policy: { ...strict, tolerance: options.tolerance ?? "none" },
    ...(options.cluster && { clock: options.cluster.clock }),
    offsets: {
      read: async (partitions) =>
        partitions.map((partition) => ({
          partition,
          offset: cluster?.offsets.get(sourceMapKey(partition)) ?? null,
        })),
      flush: async () => {
        throw new Error("offsets belong into transactions");
      },
    },
    clients: {
      producer: () => {
        throw new Error("records belong into transactions");
      },
      openTopic: () => {
        throw new Error("no topic is read");
      },
      transactionalProducer: <T>(listener: ProducerListener<T>, connectivity: NewConnectivity) =>
        opened().transactionalProducer({ transactionalId: ID, onConnectivity: connectivity() }, listener),
      admin: () => new FakeAdmin().asAdmin(),
      metrics: () => [],
      close: async () => {
        await client?.close();
      },
    },
  });
  const clock = options.cluster?.clock ?? rig.clock;
  cluster ??= new Cluster(clock);
  return { ...rig, clock, cluster };
}

const started = async (rig: ReturnType<typeof setUp>) => {
  const running = rig.status.next("RUNNING");
  const ended = rig.runner.run("STARTED");
  await rig.clock.advance(10);
  await running;
  return ended;
};

describe("a source task in transactions", () => {
  test("makes each batch visible together with its offsets, and tells the task afterwards", async () => {
    const rig = setUp();
    const ended = started(rig);
    await rig.clock.advance(1_000);
    rig.task.feed(records(1, 3));
    await rig.clock.advance(1_000);
    expect([rig.cluster.lines, [...rig.cluster.offsets.values()]]).toEqual([["v1", "v2", "v3"], [{ position: 3 }]]);
    expect(rig.task.committed).toEqual([[{ partition: FILE, offset: { position: 3 } }]]);
    const { commits, commitTimeMs, commitMaxMs, ...of } = rig.runner.metrics();
    expect(of).toMatchObject({
      transactions: 1,
      transactionRecords: 3,
      transactionRecordsMax: 3,
      transactionRecordsMin: 3,
    });
    expect([commits, commitMaxMs]).toEqual([1, commitTimeMs]);
    expect(commitTimeMs).toBeGreaterThan(0);
    rig.runner.stop();
    await rig.clock.advance(1_000);
    await ended;
    expect(rig.status.states).toEqual(["RUNNING", "UNASSIGNED"]);
  });

  test("tells the store what is committed outside of the worker's own topic, once it is", async () => {
    const committed: SourceOffset[] = [];
    const rig = setUp({ committed });
    const ended = started(rig);
    await rig.clock.advance(1_000);
    expect(committed).toEqual([]);
    rig.task.feed(records(1, 2));
    await rig.clock.advance(1_000);
    expect(committed).toEqual([{ partition: FILE, offset: { position: 2 } }]);
    expect(rig.cluster.lines).toEqual(["v1", "v2"]);
    rig.runner.stop();
    await rig.clock.advance(1_000);
    await ended;
  });

  test("of intervals shows nothing before one has passed, and everything after a stop", async () => {
    const rig = setUp({ boundary: "interval", intervalMs: 10_000 });
    const ended = started(rig);
    await rig.clock.advance(1_000);
    rig.task.feed(records(1, 2));
    await rig.clock.advance(5_000);
    expect(rig.cluster.lines).toEqual([]);
    expect(rig.runner.metrics()).toMatchObject({ activeRecords: 2, awaitingBoundary: 2 });
    rig.task.feed(records(3, 3));
    await rig.clock.advance(6_000);
    rig.task.feed(records(4, 4));
    await rig.clock.advance(1_000);
    expect(rig.cluster.lines).toEqual(["v1", "v2", "v3", "v4"]);
    rig.task.feed(records(5, 5));
    await rig.clock.advance(1_000);
    expect(rig.cluster.lines).toHaveLength(4);
    rig.runner.stop();
    await rig.clock.advance(1_000);
    await ended;
    expect([rig.cluster.lines.at(-1), [...rig.cluster.offsets.values()]]).toEqual(["v5", [{ position: 5 }]]);
  });

  test("of intervals commits in time also while poll fails", async () => {
    const rig = setUp({ boundary: "interval", intervalMs: 10_000 });
    void started(rig);
    await rig.clock.advance(1_000);
    const away = new RetriableError("VALUE_INVALID", "the source is away");
    rig.task.feed(records(1, 2), ...Array.from({ length: 20 }, () => away));
    await rig.clock.advance(20_000);
    expect(rig.cluster.lines).toEqual(["v1", "v2"]);
    rig.runner.abandon();
  });

  test("of intervals that is over waits for more than its boundary, while poll does not return", async () => {
    const rig = setUp({ boundary: "interval", intervalMs: 10_000 });
    void started(rig);
    await rig.clock.advance(1_000);
    rig.task.feed(records(1, 2));
    await rig.clock.advance(20_000);
    expect(rig.runner.metrics()).toMatchObject({ activeRecords: 2, awaitingBoundary: 0 });
    rig.runner.abandon();
  });

  test("of intervals commits at the task's request, too, and when it pauses", async () => {
    const rig = setUp({ boundary: "interval", intervalMs: 1_000_000 });
    void started(rig);
    await rig.clock.advance(1_000);
    rig.task.context.requestCommit();
    rig.task.feed(records(1, 1));
    await rig.clock.advance(1_000);
    expect(rig.cluster.lines).toEqual(["v1"]);
    rig.task.feed(records(2, 2));
    await rig.clock.advance(1_000);
    rig.runner.setTargetState("PAUSED");
    rig.task.feed(records(3, 3));
    await rig.clock.advance(1_000);
    expect([rig.cluster.lines, rig.status.states.at(-1)]).toEqual([["v1", "v2", "v3"], "PAUSED"]);
    rig.runner.abandon();
  });

  test("ends transactions where the connector says so; an abort drops records, but not their offsets", async () => {
    const rig = setUp({ boundary: "connector" });
    const ended = started(rig);
    await rig.clock.advance(1_000);
    const { transactions } = rig.task.context;
    const [first, second, third, ...rest] = records(1, 5);
    transactions!.commitTransaction(second);
    transactions!.abortTransaction(third);
    rig.task.feed([first!, second!, third!, ...rest]);
    await rig.clock.advance(1_000);
    expect([rig.cluster.lines, [...rig.cluster.offsets.values()]]).toEqual([["v1", "v2"], [{ position: 3 }]]);
    expect(rig.runner.metrics().activeRecords).toBe(2);
    transactions!.commitTransaction();
    rig.task.feed(records(6, 6));
    await rig.clock.advance(1_000);
    expect(rig.cluster.lines).toEqual(["v1", "v2", "v4", "v5", "v6"]);
    rig.task.feed(records(7, 7));
    await rig.clock.advance(1_000);
    rig.runner.stop();
    await rig.clock.advance(1_000);
    await ended;
    // Nobody asked for a commit of the seventh.
    expect([rig.cluster.lines.length, rig.cluster.transactions.state(ID)]).toEqual([5, "CompleteAbort"]);
  });

  test("whose topic is missing ends in time when it is stopped, and leaves no transaction open", async () => {
    const rig = setUp({ properties: { "delivery.timeout.ms": "2147483647" } });
    const ended = started(rig);
    rig.task.feed([record(1), record(2).with({ topic: "missing" })]);
    await rig.clock.advance(60_000);
    expect(rig.cluster.transactions.state(ID)).toBe("Ongoing");
    rig.runner.stop();
    await rig.clock.advance(4_000); // of offset.flush.timeout.ms=5000
    await ended;
    expect(rig.status.states.at(-1)).toBe("UNASSIGNED");
    expect([rig.cluster.lines, rig.cluster.offsets.size]).toEqual([[], 0]);
    expect(rig.cluster.transactions.state(ID)).toBe("CompleteAbort");
    expect(rig.task.committed).toEqual([]);
  });

  test("that is cancelled while its poll hangs leaves no transaction open", async () => {
    const rig = setUp({ boundary: "interval" });
    void started(rig);
    rig.task.feed(records(1, 3));
    await rig.clock.advance(1_000);
    expect(rig.cluster.transactions.state(ID)).toBe("Ongoing");
    rig.runner.cancel();
    await rig.clock.advance(1_000);
    expect(rig.cluster.transactions.state(ID)).toBe("CompleteAbort");
  });

  test("of a connector's own boundaries is aborted when a stop cuts its batch, not committed in part", async () => {
    const rig = setUp({ boundary: "connector", properties: { "buffer.memory": "30" } });
    const ended = started(rig);
    await rig.clock.advance(1_000);
    const { transactions } = rig.task.context;
    transactions!.commitTransaction();
    rig.task.feed(records(1, 2));
    await rig.clock.advance(1_000);
    expect(rig.cluster.lines).toEqual(["v1", "v2"]);
    // The producer is full while its broker does not answer, and the stop leaves the rest of the batch out.
    const answering = deferred();
    rig.cluster.broker.fail("Produce", answering.promise);
    transactions!.commitTransaction();
    rig.task.feed(records(3, 8));
    await rig.clock.advance(100);
    rig.runner.stop();
    await rig.clock.advance(100);
    answering.resolve();
    await rig.clock.advance(10_000);
    await ended;
    expect([rig.cluster.lines, [...rig.cluster.offsets.values()]]).toEqual([["v1", "v2"], [{ position: 2 }]]);
    expect(rig.cluster.transactions.state(ID)).toBe("CompleteAbort");
    expect(rig.runner.metrics().activeRecords).toBeGreaterThan(0);
  });

  test("a commit that is given up takes no later record of the batch with it", async () => {
    const rig = setUp({ boundary: "connector" });
    const stopping = deferred();
    rig.task.stop = () => stopping.promise;
    const ended = started(rig);
    await rig.clock.advance(1_000);
    const answering = deferred();
    rig.cluster.broker.fail("Produce", answering.promise);
    const batch = records(1, 4);
    rig.task.context.transactions!.commitTransaction(batch[1]!);
    rig.task.feed(batch);
    await rig.clock.advance(100);
    rig.runner.stop();
    await rig.clock.advance(4_000); // given up after 3.5 s
    answering.resolve();
    await rig.clock.advance(1_000);
    stopping.resolve();
    await rig.clock.advance(10_000);
    await ended;
    const position = [...rig.cluster.offsets.values()][0]?.["position"] ?? 0;
    expect(rig.cluster.lines.length).toBe(position);
  });

  test("whose topic is deleted before the transaction has it ends in time, and leaves no transaction open", async () => {
    const rig = setUp({ properties: { "delivery.timeout.ms": "2147483647" } });
    rig.cluster.broker.topic("gone", 1);
    const ended = started(rig);
    rig.task.feed(records(1, 1));
    await rig.clock.advance(1_000);
    // The client knows the topic, and the coordinator no longer does.
    rig.cluster.transactions.deleted.add("gone-0");
    rig.task.feed([record(2), record(3).with({ topic: "gone" })]);
    await rig.clock.advance(20_000);
    expect(rig.cluster.transactions.state(ID)).toBe("Ongoing");
    rig.runner.stop();
    await rig.clock.advance(20_000);
    await ended;
    expect(rig.cluster.transactions.state(ID)).toBe("CompleteAbort");
  });

  test("fails when the connector asks for two ends at one place", async () => {
    const rig = setUp({ boundary: "connector" });
    void started(rig);
    await rig.clock.advance(1_000);
    rig.task.context.transactions!.commitTransaction();
    rig.task.context.transactions!.abortTransaction();
    const failed = rig.status.next("FAILED");
    rig.task.feed(records(1, 1));
    await rig.clock.advance(1_000);
    expect(await failed).toContain("both a commit and an abort of the same batch");
    expect(rig.cluster.lines).toEqual([]);
  });

  test("has no boundaries of its own unless its connector defines them", async () => {
    const rig = setUp();
    void started(rig);
    await rig.clock.advance(1_000);
    expect(rig.task.context.transactions).toBeUndefined();
    rig.runner.abandon();
  });
});

describe("a task that may not, or can no longer, write", () => {
  test("is FAILED once another producer has its id, and shows nothing of its transaction", async () => {
    const rig = setUp();
    void started(rig);
    await rig.clock.advance(1_000);
    rig.task.feed(records(1, 1));
    await rig.clock.advance(1_000);
    const thief = scriptedClient(rig.cluster.broker).transactionalProducer<string>(
      { transactionalId: ID },
      { acknowledged() {}, failed() {} },
    );
    await Promise.all([thief.init(), rig.clock.advance(1_000)]);
    const failed = rig.status.next("FAILED");
    rig.task.feed(records(2, 2));
    await rig.clock.advance(1_000);
    expect(await failed).toMatch(
      /The transaction of task shop-0 was ended by the cluster.*transaction.boundary.interval.ms/s,
    );
    expect([rig.cluster.lines, rig.task.committed.length]).toEqual([["v1"], 1]);
  });

  test("is FAILED by a record that is refused, also under errors.tolerance=all, and aborts the others", async () => {
    const rig = setUp({ tolerance: "all" });
    const ended = started(rig);
    await rig.clock.advance(1_000);
    const failed = rig.status.next("FAILED");
    rig.cluster.broker.fail("Produce", "INVALID_RECORD");
    rig.task.feed(records(1, 2));
    await rig.clock.advance(1_000);
    expect(await failed).toContain("INVALID_RECORD");
    await ended;
    expect([rig.cluster.lines, rig.cluster.offsets.size, rig.cluster.transactions.state(ID)]).toEqual([
      [],
      0,
      "CompleteAbort",
    ]);
  });

  test("waits for a leader that fences its predecessors, and says so", async () => {
    let leader = false;
    const fence = async () => {
      if (!leader) throw new RetriableError("STORE_UNREADABLE", "no leader is known");
    };
    const rig = setUp({ fence });
    void rig.runner.run("STARTED");
    await rig.clock.advance(3_000);
    expect(rig.status.traces.at(-1)).toContain("Fencing the connector's earlier tasks is tried again");
    expect(rig.cluster.transactions.state(ID)).toBeUndefined();
    leader = true;
    rig.task.feed(records(1, 1));
    await rig.clock.advance(20_000);
    expect([rig.cluster.lines, rig.status.traces.at(-1)]).toEqual([["v1"], null]);
    rig.runner.abandon();
  });

  test.each(["fence", "confirm"] as const)("does not start when %s refuses it", async (step) => {
    const refused = async () => {
      throw new ConflictError("CONFIG_CHANGED", "a newer set of tasks exists");
    };
    const rig = setUp({ [step]: refused });
    const failed = rig.status.next("FAILED");
    void rig.runner.run("STARTED");
    await rig.clock.advance(1_000);
    expect(await failed).toContain("a newer set of tasks exists");
    expect(rig.task.context).toBeUndefined();
  });

  test("that is stopped while it waits for a leader ends without a failure", async () => {
    const rig = setUp({
      fence: async () => {
        throw new RetriableError("STORE_UNREADABLE", "no leader is known");
      },
    });
    const ended = rig.runner.run("STARTED");
    await rig.clock.advance(3_000);
    rig.runner.stop();
    await rig.clock.advance(1_000);
    await ended;
    expect(rig.status.states.at(-1)).toBe("UNASSIGNED");
    expect(rig.task.stopped).toBe(0);
  });

  test("that is stopped while the leader has not answered ends at once, since the leader may wait for it", async () => {
    const rig = setUp({ fence: () => new Promise<never>(() => {}) });
    const ended = rig.runner.run("STARTED");
    await rig.clock.advance(3_000);
    rig.runner.stop();
    await ended;
    expect(rig.status.states.at(-1)).toBe("UNASSIGNED");
  });

  test("fails rather than write to the topic of its own offsets, which it could not read then", async () => {
    const rig = setUp();
    void started(rig);
    await rig.clock.advance(1_000);
    const failed = rig.status.next("FAILED");
    const foreign = Object.assign(Object.create(Object.getPrototypeOf(record(1)) as object), record(1), {
      topic: "offsets",
    }) as ReturnType<typeof record>;
    rig.task.feed([foreign]);
    await rig.clock.advance(1_000);
    expect(await failed).toContain("the topic of its own offsets");
  });
});

test("over crashes at any moment, and zombies that go on, every record is visible once and in order", async () => {
  const step = fc.record({ batch: fc.integer({ min: 1, max: 4 }), pauseMs: fc.integer({ min: 0, max: 12 }) });
  const life = fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 6 }), isZombie: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(life, { minLength: 1, maxLength: 5 }),
      fc.constantFrom("poll" as const, "interval" as const),
      async (lives, boundary) => {
        let cluster: Cluster | undefined;
        const zombies: ReturnType<typeof setUp>[] = [];
        let highest = 0;
        const run = async (steps: readonly { batch: number; pauseMs: number }[]) => {
          const rig = setUp({ boundary, intervalMs: 8, ...(cluster && { cluster }) });
          cluster = rig.cluster;
          void rig.runner.run("STARTED");
          await rig.clock.advance(50);
          // A source goes on after its stored offset.
          const [stored] = await rig.task.context.readOffsets([FILE]);
          let next = Number(stored?.offset?.["position"] ?? 0) + 1;
          for (const { batch, pauseMs } of steps) {
            rig.task.feed(records(next, next + batch - 1));
            next += batch;
            highest = Math.max(highest, next - 1);
            if (pauseMs > 0) await rig.clock.advance(pauseMs);
          }
          return rig;
        };
        for (const { steps, isZombie } of lives) {
          const rig = await run(steps);
          if (isZombie) zombies.push(rig);
          else rig.runner.abandon();
          for (const zombie of zombies) zombie.task.feed(records(1_000_000, 1_000_001));
        }
        const last = await run([]);
        const [stored] = await last.task.context.readOffsets([FILE]);
        const position = Number(stored?.offset?.["position"] ?? 0);
        for (const zombie of zombies) zombie.task.feed(records(2_000_000, 2_000_001));
        await last.clock.advance(100);
        // A zombie's last batch may be committed until its successor has taken over, never afterwards.
        const lines = cluster!.lines;
        expect(new Set(lines).size).toBe(lines.length);
        const own = lines.filter((line) => Number(line.slice(1)) < 1_000_000);
        const upTo = position >= 1_000_000 ? own.length : position;
        expect(own).toEqual(Array.from({ length: upTo }, (_, at) => `v${at + 1}`));
        expect(lines.filter((line) => line.startsWith("v2000"))).toEqual([]);
        for (const rig of [last, ...zombies]) rig.runner.abandon();
      },
    ),
    { numRuns: 60 },
  );
});
