import { afterEach, beforeEach, expect, test } from "vitest";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { checkCrc, nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

const PARTITIONS = [0, 1, 2, 3];
const BATCHES = 40;
const READERS = 6;
const MIB = 1024 * 1024;

let broker: TestBroker;
let client: BrokerClient;

beforeEach(async () => {
  broker = await startTestBroker();
  client = await BrokerClient.connect(broker.port);
  const topic = { name: "t", numPartitions: PARTITIONS.length, replicationFactor: 1, assignments: [], configs: [] };
  await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  for (let at = 0; at < BATCHES; at++) {
    const partitionData = PARTITIONS.map((index) => ({ index, records: batch(index, at) }));
    await client.request(produce, 9, { acks: -1, timeoutMs: 10_000, topicData: [{ name: "t", partitionData }] });
  }
});
afterEach(async () => {
  client.close();
  await broker.close();
});

/** 64 KiB that no other batch has. */
function batch(partition: number, at: number): Buffer {
  return batchOf([{ value: `${partition} ${at} `.repeat(64 * 1024).slice(0, 64 * 1024) }]);
}

function requestFrom(offsets: readonly number[]) {
  const partitions = PARTITIONS.map((partition) => {
    return { partition, fetchOffset: offsets[partition]!, partitionMaxBytes: MIB };
  });
  const topics = [{ topic: "t", partitions }];
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 8 * MIB, isolationLevel: 0, topics };
}

test("large answers of many clients, some of which break off, never hold each other's records", async () => {
  const read = async () => {
    const reader = await BrokerClient.connect(broker.port);
    const offsets = PARTITIONS.map(() => 0);
    while (offsets.some((offset) => offset < BATCHES)) {
      const { responses } = await reader.request(fetch, 11, requestFrom(offsets));
      for (const { partitionIndex, records } of responses[0]!.partitions) {
        for (const { header, bytes } of walkBatches(records!)) {
          expect([checkCrc(bytes, header), header.baseOffset]).toEqual([true, offsets[partitionIndex]]);
          // All but the offset and epoch, which the broker has set.
          const isSame = bytes.subarray(16).equals(batch(partitionIndex, header.baseOffset).subarray(16));
          expect(isSame).toBe(true);
          offsets[partitionIndex] = nextOffsetOf(header);
        }
      }
    }
    reader.close();
  };
  const breakOff = async () => {
    for (let at = 0; at < 20; at++) {
      const reader = await BrokerClient.connect(broker.port);
      const answer = reader.send(fetch, 11, requestFrom(PARTITIONS.map(() => at)));
      // Some of the answer is on its way when the connection ends.
      if (at % 2 === 0) await client.request(fetch, 11, requestFrom(PARTITIONS.map(() => BATCHES)));
      reader.close();
      await answer.catch(() => "broken off");
    }
  };
  await Promise.all([breakOff(), ...Array.from({ length: READERS }, read)]);
});
