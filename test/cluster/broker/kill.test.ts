import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../../../src/base/random.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import { offsetCommit } from "../../../src/protocol/apis/offset-commit.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { checkCrc, nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";
import { type BrokerProcess, startBrokerProcess } from "../../support/broker-process.js";

/** Small segments, so that kills also hit rolls and compaction. */
const PROPERTIES = {
  "millrace.segment.bytes.min": "1000",
  "log.segment.bytes": "20000",
  "offsets.topic.segment.bytes": "5000",
  "log.cleaner.backoff.ms": "100",
};
const ROUNDS = 6;

let folder: string;
let broker: BrokerProcess;
let client: BrokerClient;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-broker-"));
  broker = await startBrokerProcess(folder, 0, PROPERTIES);
  client = await BrokerClient.connect(broker.port);
});
afterEach(async () => {
  client.close();
  await broker.kill();
  rmSync(folder, { recursive: true, force: true });
});

async function killAndRestart(): Promise<void> {
  await broker.kill();
  await client.closed;
  broker = await startBrokerProcess(folder, broker.port, PROPERTIES);
  client = await BrokerClient.connect(broker.port);
}

async function create(name: string): Promise<void> {
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  const { topics } = await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  expect(topics[0]!.errorCode).toBe(0);
}

/** All records of the topic, read with checksum checks. */
async function readAll(topic: string): Promise<string[]> {
  const values: string[] = [];
  for (let fetchOffset = 0; ; ) {
    const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 100_000 }];
    const request = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 100_000,
      isolationLevel: 0,
      topics: [{ topic, partitions }],
    };
    const { responses } = await client.request(fetch, 12, request);
    const { records, highWatermark, errorCode } = responses[0]!.partitions[0]!;
    expect(errorCode).toBe(0);
    for (const { header, bytes } of walkBatches(records!)) {
      expect(checkCrc(bytes, header)).toBe(true);
      expect(header.baseOffset).toBe(values.length);
      for (const { value } of readRecords(bytes)) values.push(value!.toString());
      fetchOffset = nextOffsetOf(header);
    }
    if (fetchOffset >= highWatermark) return values;
  }
}

describe("kill -9 of the broker", () => {
  test("loses nothing that was acknowledged, and retries of an idempotent producer store nothing twice", async () => {
    const seed = 20261121;
    const random = new SeededRandom(seed);
    await create("t");
    const { producerId, producerEpoch } = await client.request(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    let acknowledged = 0;
    const batchAt = (sequence: number) =>
      batchOf([{ value: `${sequence} ${"x".repeat(300)}` }], { producerId, producerEpoch, baseSequence: sequence });
    const send = async (sequence: number) => {
      const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchAt(sequence) }] }];
      const { responses } = await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
      const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!;
      expect({ errorCode, baseOffset, seed }).toEqual({ errorCode: 0, baseOffset: sequence, seed });
      acknowledged = Math.max(acknowledged, sequence + 1);
    };
    for (let round = 0; round < ROUNDS; round++) {
      const killAfter = acknowledged + 20 + random.integer(200);
      // Five in flight, like an idempotent producer; the kill hits while some of them are unanswered.
      const inFlight: Promise<void>[] = [];
      let next = acknowledged;
      while (acknowledged < killAfter) {
        while (inFlight.length < 5) inFlight.push(send(next++));
        await inFlight.shift();
      }
      const outcomes = Promise.allSettled(inFlight);
      await killAndRestart();
      await outcomes;
      const stored = await readAll("t");
      expect(stored.length).toBeGreaterThanOrEqual(acknowledged);
      expect(stored.map((value) => Number.parseInt(value, 10))).toEqual(stored.map((_, at) => at));
      // Unanswered batches are sent again, as a client would.
      for (let sequence = acknowledged; sequence < next; sequence++) await send(sequence);
      expect(await readAll("t")).toHaveLength(next);
    }
  });

  test("keeps every committed offset, even while the offsets topic is compacted", async () => {
    const random = new SeededRandom(7);
    await create("t");
    const committed = new Map<string, number>();
    const commit = async (groupId: string, committedOffset: number) => {
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: "m".repeat(100) }];
      const request = { groupId, memberId: "", generationIdOrMemberEpoch: -1, topics: [{ name: "t", partitions }] };
      const { topics } = await client.request(offsetCommit, 8, request);
      expect(topics[0]!.partitions[0]!.errorCode).toBe(0);
      committed.set(groupId, committedOffset);
    };
    let offset = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const count = 50 + random.integer(150);
      for (let at = 0; at < count; at++) await commit(`g${random.integer(5)}`, ++offset);
      const lost = commit("g0", ++offset).catch(() => "not acknowledged");
      await killAndRestart();
      await lost;
      for (const [groupId, expected] of committed) {
        const { groups } = await client.request(offsetFetch, 8, {
          groups: [{ groupId, topics: [{ name: "t", partitionIndexes: [0] }] }],
        });
        const found = groups[0]!.topics[0]!.partitions[0]!.committedOffset;
        expect(groupId === "g0" ? [expected, offset] : [expected]).toContain(found);
      }
    }
  });
});
