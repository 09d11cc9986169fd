import { afterEach, beforeEach, expect, test } from "vitest";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { checkCrc, nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

const PARTITIONS = [0, 1, 2, 3];
const BATCHES = 64;
const READERS = 4;
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
    return { partition, fetchOffset: offsets[partition]!, partitionMaxBytes: 4 * MIB };
  });
  const topics = [{ topic: "t", partitions }];
  return { maxWaitMs: 0, minBytes: 1, maxBytes: 16 * MIB, isolationLevel: 0, topics };
}

/** Checks the records of an answer. Returns the offset behind them, by partition. */
function checked({ responses }: Awaited<ReturnType<typeof fetchFrom>>, from: readonly number[]): number[] {
  const offsets = [...from];
  for (const { partitionIndex, records } of responses[0]!.partitions) {
    for (const { header, bytes } of walkBatches(records!)) {
      expect([checkCrc(bytes, header), header.baseOffset]).toEqual([true, offsets[partitionIndex]]);
      // All but the offset and epoch, which the broker has set.
      expect(bytes.subarray(16).equals(batch(partitionIndex, header.baseOffset).subarray(16))).toBe(true);
      offsets[partitionIndex] = nextOffsetOf(header);
    }
  }
  return offsets;
}

const fetchFrom = (reader: BrokerClient, offsets: readonly number[]) => reader.request(fetch, 11, requestFrom(offsets));

test("large answers of many clients, slow ones and some that break off, never hold each other's records", async () => {
  const read = async (start: number) => {
    const reader = await BrokerClient.connect(broker.port);
    let offsets = PARTITIONS.map(() => start);
    while (offsets.some((offset) => offset < BATCHES)) offsets = checked(await fetchFrom(reader, offsets), offsets);
    reader.close();
  };
  const breakOff = async () => {
    for (let at = 0; at < 10; at++) {
      const reader = await BrokerClient.connect(broker.port);
      const answer = fetchFrom(reader, [at, at, at, at]);
      // Some of the answer is on its way when the connection ends.
      if (at % 2 === 0) await fetchFrom(client, [BATCHES, BATCHES, BATCHES, BATCHES]);
      reader.close();
      await answer.catch(() => "broken off");
    }
  };
  // More than the operating system buffers: the rest of their answers waits in the broker.
  const slow = await Promise.all([0, 1].map(() => BrokerClient.connect(broker.port)));
  const late = slow.map((reader, at) => {
    reader.pause();
    return fetchFrom(reader, [at, at, at, at]);
  });
  // Each at a place of its own: a buffer that is used again too early must not get the records that it holds.
  await Promise.all([breakOff(), ...Array.from({ length: READERS }, (_, at) => read(3 + 2 * at))]);
  for (const [at, reader] of slow.entries()) {
    reader.resume();
    checked(await late[at]!, [at, at, at, at]);
    reader.close();
  }
});
