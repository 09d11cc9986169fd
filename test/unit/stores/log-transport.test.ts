import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import type { KafkaClient } from "../../../src/kafka/kafka-client.js";
import { KafkaLogTransport } from "../../../src/stores/log-transport.js";

interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** A transport whose topic shows with 2 partitions at the look of that number. */
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

  test("does not take a topic that is missing for an empty one", async () => {
    const { transport, clock } = transportOf(Number.POSITIVE_INFINITY);
    const refused = expect(transport.open()).rejects.toMatchObject({
      name: "RetriableError",
      code: "STORE_UNREADABLE",
      message: expect.stringMatching(/offsets did not appear.*offset\.storage\.topic/),
    });
    await clock.advance(31_000);
    await refused;
  });

  test("that is closed waits no more", async () => {
    const { transport, clock, looks } = transportOf(Number.POSITIVE_INFINITY);
    const refused = expect(transport.open()).rejects.toMatchObject({ code: "STORE_UNREADABLE" });
    await clock.advance(0);
    await transport.close();
    await refused;
    expect([looks() < 4, clock.pendingTimers]).toEqual([true, 0]);
  });
});
