import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { TransactionalSends } from "../../../src/stores/leader-sends.js";
import { FakeTransactions } from "../kafka/producer/fake-transactions.js";
import { ScriptedBroker, scriptedClient } from "../kafka/scripted-broker.js";

function setUp() {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock);
  broker.topic("configs", 1);
  const transactions = new FakeTransactions(broker);
  const worker = () =>
    new TransactionalSends(scriptedClient(broker), "connect-cluster-g", "configs", clock, silentLogger);
  const record = (value: string) => ({ key: Buffer.from("k"), value: Buffer.from(value) });
  const done = async (work: Promise<void>) => {
    const settled = work.then(
      () => undefined,
      (error: Error) => error,
    );
    await clock.advance(30_000);
    return settled;
  };
  return { clock, broker, transactions, worker, record, done };
}

test("a leader's records become visible together", async () => {
  const { transactions, worker, record, done } = setUp();
  const leader = worker();
  leader.lead(true);
  expect(await done(leader.send([record("task"), record("commit")]))).toBeUndefined();
  expect(transactions.committed("configs-0")).toEqual(["task", "commit"]);
});

test("a former leader's next write fails, and lands only if it leads again", async () => {
  const { clock, transactions, worker, record, done } = setUp();
  const [former, next] = [worker(), worker()];
  former.lead(true);
  await done(former.send([record("of the former")]));
  next.lead(true);
  await clock.advance(1_000);
  expect(await done(former.send([record("of a zombie")]))).toMatchObject({ retriable: false });
  expect(await done(next.send([record("of the next")]))).toBeUndefined();
  expect(transactions.committed("configs-0")).toEqual(["of the former", "of the next"]);
  former.lead(true);
  expect(await done(former.send([record("again")]))).toBeUndefined();
  expect(transactions.committed("configs-0").at(-1)).toBe("again");
});

test("an attempt ends in time while Kafka is away, and the next one fences it first", async () => {
  const { broker, transactions, worker, record, done } = setUp();
  const leader = worker();
  leader.lead(true);
  await done(leader.send([record("a")]));
  broker.down.add(0);
  expect(await done(leader.send([record("b")]))).toBeInstanceOf(Error);
  broker.down.delete(0);
  expect(await done(leader.send([record("c")]))).toBeUndefined();
  expect(transactions.committed("configs-0")).toEqual(["a", "c"]);
});
