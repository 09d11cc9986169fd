import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import type { ProducerRecord } from "../../../../src/kafka/client/producer.js";
import { initProducerId } from "../../../../src/protocol/apis/init-producer-id.js";
import { produce } from "../../../../src/protocol/apis/produce.js";
import { readBatchHeader } from "../../../../src/protocol/records/record-batch.js";
import { ScriptedBroker, scriptedClient } from "../scripted-broker.js";

function setUp(properties: Record<string, string> = {}) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock);
  broker.topic("t", 2);
  broker.on(initProducerId, () => ({ throttleTimeMs: 0, errorCode: 0, producerId: 7, producerEpoch: 1 }));
  const acknowledged: string[] = [];
  const failed: string[] = [];
  const client = scriptedClient(broker, properties);
  const producer = client.producer<string>(
    { isIdempotent: true },
    {
      acknowledged: (token, count, _, partition, offset) =>
        acknowledged.push(`${token} x${count} ${partition}@${offset}`),
      failed: (token, _, error) => failed.push(`${token}: ${error.message}`),
    },
  );
  const append = (value: string, partition = 0) => {
    const record: ProducerRecord = {
      topic: "t",
      partition,
      key: null,
      value: Buffer.from(value),
      timestampMs: 1,
      headers: [],
    };
    producer.append(record, value);
  };
  const stamps = (partition: number) =>
    (broker.logs.get(`t-${partition}`) ?? []).map((batch) => {
      const { producerId, producerEpoch, baseSequence, recordCount } = readBatchHeader(batch);
      return { producerId, producerEpoch, baseSequence, recordCount };
    });
  return { clock, broker, append, stamps, acknowledged, failed };
}

describe("an idempotent producer", () => {
  test("numbers its batches by partition, under the id that it asked for once, outside of transactions", async () => {
    const { clock, broker, append, stamps, acknowledged } = setUp();
    append("a");
    append("b");
    append("c", 1);
    await clock.advance(10);
    append("d");
    await clock.advance(10);
    const id = { producerId: 7, producerEpoch: 1 };
    expect(stamps(0)).toEqual([
      { ...id, baseSequence: 0, recordCount: 2 },
      { ...id, baseSequence: 2, recordCount: 1 },
    ]);
    expect(stamps(1)).toEqual([{ ...id, baseSequence: 0, recordCount: 1 }]);
    expect(broker.requests(initProducerId).map(({ transactionalId }) => transactionalId)).toEqual([null]);
    expect(new Set(broker.requests(produce).map(({ transactionalId }) => transactionalId))).toEqual(new Set([null]));
    expect(acknowledged.sort()).toEqual(["a x1 0@0", "b x1 0@1", "c x1 1@0", "d x1 0@2"]);
  });

  test("sends a batch whose answer was lost under the same numbers", async () => {
    const { clock, broker, append, stamps } = setUp();
    broker.fail("Produce", "lose");
    append("a");
    await clock.advance(1_000);
    append("b");
    await clock.advance(1_000);
    // The scripted broker keeps both; a real one knows the second by its numbers.
    expect(stamps(0).map(({ baseSequence }) => baseSequence)).toEqual([0, 0, 1]);
  });

  test("asks again while no broker answers", async () => {
    const { clock, broker, append, acknowledged } = setUp();
    broker.fail("InitProducerId", "drop", "drop");
    append("a");
    await clock.advance(5_000);
    expect(acknowledged).toEqual(["a x1 0@0"]);
  });

  test("writes nothing more once a record has failed: the sequence has a gap", async () => {
    const { clock, broker, append, acknowledged, failed } = setUp();
    broker.fail("Produce", "INVALID_RECORD");
    append("a");
    await clock.advance(10);
    append("b", 1);
    await clock.advance(10);
    expect(acknowledged).toEqual([]);
    expect(failed).toEqual([
      expect.stringMatching(/^a: .*INVALID_RECORD/),
      expect.stringMatching(/^b: .*INVALID_RECORD/),
    ]);
  });

  test("writes nothing if it gets no id", async () => {
    const { clock, broker, append, stamps, failed } = setUp();
    broker.on(initProducerId, () => ({ throttleTimeMs: 0, errorCode: 31, producerId: -1, producerEpoch: -1 }));
    append("a");
    await clock.advance(10);
    expect(failed).toEqual([expect.stringMatching(/^a: Asking for a producer id: .*CLUSTER_AUTHORIZATION_FAILED/)]);
    expect(stamps(0)).toEqual([]);
  });

  test("needs acks=all", () => {
    expect(() => setUp({ acks: "1" })).toThrow("must be all where enable.idempotence is true");
  });
});
