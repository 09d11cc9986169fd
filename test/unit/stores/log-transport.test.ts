import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { CompactedLog } from "../../../src/stores/compacted-log.js";
import { KafkaLogTransport } from "../../../src/stores/log-transport.js";
import { ScriptedBroker, scriptedClient } from "../kafka/scripted-broker.js";

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** A transport whose topic appears with 2 partitions at the n-th describe request. */
function transportOf(appearsAtLook: number) {
  const clock = new SimClock();
  const assigned: Place[] = [];
  let looks = 0;
  const client = {
    admin: {
      async describeTopics([name]: readonly string[]) {
        const there = ++looks >= appearsAtLook;
        return { topics: new Map(there ? [[name, { partitions: [{}, {}] }]] : []), missing: there ? [] : [name] };
      },
      startOffsets: async (places: readonly Place[]) => places.map((place) => ({ ...place, offset: 7 })),
    },
    consumer: () => ({
      assign: (places: readonly Place[]) => void assigned.push(...places),
      seek() {},
      async close() {},
    }),
    producer: () => ({ async close() {} }),
  } as unknown as KafkaClient;
  return { clock, assigned, looks: () => looks, transport: new KafkaLogTransport(client, "offsets", clock) };
}

describe("a store's write over a real producer", () => {
  const big = (text: string, kib: number) => ({ key: Buffer.from(text), value: Buffer.alloc(kib * 1024, "x") });
  const commit = { key: Buffer.from("commit-c"), value: Buffer.from("{}") };

  async function openStore() {
    const clock = new SimClock();
    const broker = new ScriptedBroker(clock, 1);
    broker.topic("configs", 1, () => 0);
    const transport = new KafkaLogTransport(scriptedClient(broker), "configs", clock);
    const fold = { apply: () => undefined };
    const random = new SeededRandom(1);
    const log = new CompactedLog({ topic: "configs", transport, clock, random, logger: silentLogger, fold });
    const keys = () => (broker.logs.get("configs-0") ?? []).flatMap(readRecords).map(({ key }) => String(key));
    return { clock, broker, log, keys };
  }

  test("has no commit without its tasks when one of these is too large to send (I5)", async () => {
    const { clock, log, keys } = await openStore();
    const refused = expect(log.send([big("task-c-0", 1), big("task-c-1", 1100), commit])).rejects.toMatchObject({
      code: "STORE_UNWRITABLE",
      cause: { codeName: "MESSAGE_TOO_LARGE" },
    });
    await clock.advance(1_000);
    await refused;
    expect(keys()).not.toContain("commit-c");
  });

  test("has no commit without its tasks when the first of two batches fails (I5)", async () => {
    const { clock, broker, log, keys } = await openStore();
    broker.fail(produce.name, "NOT_LEADER_OR_FOLLOWER");
    const written = log.send([big("task-c-0", 600), big("task-c-1", 600), commit]);
    await clock.advance(5_000);
    await written;
    expect(keys()).toEqual(["task-c-1", "task-c-0", "task-c-1", "commit-c"]);
  });
});

describe("the transport of a store's topic", () => {
  test("waits for a topic that brokers do not show yet", async () => {
    const { transport, clock, assigned } = transportOf(4);
    const opening = transport.open();
    await clock.advance(10_000);
    expect(await opening).toEqual([7, 7]);
    expect(assigned).toEqual([
      { topic: "offsets", partition: 0 },
      { topic: "offsets", partition: 1 },
    ]);
  });

  test("does not mistake a missing topic for an empty one", async () => {
    const { transport, clock } = transportOf(Number.POSITIVE_INFINITY);
    const refused = expect(transport.open()).rejects.toMatchObject({
      name: "RetriableError",
      code: "STORE_UNREADABLE",
      message: expect.stringMatching(/offsets did not appear.*offset\.storage\.topic/),
    });
    await clock.advance(31_000);
    await refused;
  });

  test("that is closed stops waiting", async () => {
    const { transport, clock, looks } = transportOf(Number.POSITIVE_INFINITY);
    const refused = expect(transport.open()).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await clock.advance(0);
    await transport.close();
    await refused;
    expect([looks() < 4, clock.pendingTimers]).toEqual([true, 0]);
  });
});
