import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addOffsetsToTxn } from "../../../src/protocol/apis/add-offsets-to-txn.js";
import { addPartitionsToTxn } from "../../../src/protocol/apis/add-partitions-to-txn.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { deleteTopics } from "../../../src/protocol/apis/delete-topics.js";
import { describeTransactions } from "../../../src/protocol/apis/describe-transactions.js";
import { endTxn } from "../../../src/protocol/apis/end-txn.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { findCoordinator } from "../../../src/protocol/apis/find-coordinator.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import { listTransactions } from "../../../src/protocol/apis/list-transactions.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { txnOffsetCommit } from "../../../src/protocol/apis/txn-offset-commit.js";
import { writeTxnMarkers } from "../../../src/protocol/apis/write-txn-markers.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { isControlBatch, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

interface Session {
  readonly producerId: number;
  readonly producerEpoch: number;
}

let broker: TestBroker;
let client: BrokerClient;

beforeEach(async () => {
  broker = await startTestBroker({
    properties: { "transaction.abort.timed.out.transaction.cleanup.interval.ms": "20" },
  });
  client = await BrokerClient.connect(broker.port);
  await client.request(createTopics, 5, {
    topics: [{ name: "t", numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 1000,
    validateOnly: false,
  });
});
afterEach(async () => {
  client?.close();
  await broker?.close();
});

async function restart(how: "crash" | "clean"): Promise<void> {
  client.close();
  await broker.restart(how);
  client = await BrokerClient.connect(broker.port);
}

async function init(transactionalId = "x", timeoutMs = 60_000): Promise<Session> {
  const answer = await client.request(initProducerId, 4, { transactionalId, transactionTimeoutMs: timeoutMs });
  expect(answer.errorCode).toBe(0);
  return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
}

async function add({ producerId, producerEpoch }: Session, partitions: number[], version = 3, topic = "t") {
  const topics = [{ name: topic, partitions }];
  const request = { transactionalId: "x", producerId, producerEpoch, topics };
  const { results } = await client.request(addPartitionsToTxn, version, request);
  return results.flatMap((each) => each.partitions.map(({ errorCode }) => errorCode));
}

async function write(
  { producerId, producerEpoch }: Session,
  partition: number,
  sequence: number,
  value: string,
  version = 11,
): Promise<number> {
  const stamp = { producerId, producerEpoch, baseSequence: sequence, isTransactional: true };
  const partitionData = [{ index: partition, records: batchOf([{ value }], stamp) }];
  const topicData = [{ name: "t", partitionData }];
  const { responses } = await client.request(produce, version, {
    transactionalId: "x",
    acks: -1,
    timeoutMs: 1,
    topicData,
  });
  return responses[0]!.partitionResponses[0]!.errorCode;
}

function end({ producerId, producerEpoch }: Session, committed: boolean, version = 4) {
  return client.request(endTxn, version, { transactionalId: "x", producerId, producerEpoch, committed });
}

async function describeOne(transactionalId = "x") {
  const { transactionStates } = await client.request(describeTransactions, 0, { transactionalIds: [transactionalId] });
  return transactionStates[0]!;
}

/** The values up to the end for readers of committed records; waits for one batch beyond `from` at most. */
async function committed(partition: number, from = 0): Promise<{ values: string[]; lastStableOffset: number }> {
  const partitions = [{ partition, fetchOffset: from, partitionMaxBytes: 1_000_000, logStartOffset: 0 }];
  const request = { maxWaitMs: 20_000, minBytes: 1, isolationLevel: 1, topics: [{ topic: "t", partitions }] };
  const { responses } = await client.request(fetch, 11, { ...request, maxBytes: 1_000_000 });
  const { records, abortedTransactions, lastStableOffset } = responses[0]!.partitions[0]!;
  const aborted = new Map(abortedTransactions?.map(({ producerId, firstOffset }) => [producerId, firstOffset]));
  const values: string[] = [];
  for (const { header, bytes } of walkBatches(records ?? Buffer.alloc(0))) {
    if (isControlBatch(header)) aborted.delete(header.producerId);
    else if (header.baseOffset < (aborted.get(header.producerId) ?? Number.POSITIVE_INFINITY)) {
      values.push(...readRecords(bytes).map(({ value }) => String(value)));
    }
  }
  return { values, lastStableOffset };
}

async function commitOffset({ producerId, producerEpoch }: Session, offset: number, version: number, member = {}) {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: "m" }];
  const topics = [{ name: "t", partitions }];
  const request = { transactionalId: "x", groupId: "g", producerId, producerEpoch, topics, ...member };
  const answer = await client.request(txnOffsetCommit, version, request);
  return answer.topics[0]!.partitions[0]!.errorCode;
}

async function offsetOf(requireStable: boolean) {
  const groups = [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] }];
  const answer = await client.request(offsetFetch, 8, { groups, requireStable });
  const { committedOffset, errorCode } = answer.groups[0]!.topics[0]!.partitions[0]!;
  return [committedOffset, errorCode];
}

describe("transactions", () => {
  test("have this broker as their coordinator, and version 2 of Kafka's protocol", async () => {
    const found = await client.request(findCoordinator, 2, { key: "x", keyType: 1 });
    expect(found).toMatchObject({ errorCode: 0, nodeId: 1, port: broker.port });
    const named = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
    const { finalizedFeatures, finalizedFeaturesEpoch, supportedFeatures } = await client.request(
      apiVersions,
      4,
      named,
    );
    expect(finalizedFeatures).toEqual([
      { name: "group.version", maxVersionLevel: 1, minVersionLevel: 1 },
      { name: "transaction.version", maxVersionLevel: 2, minVersionLevel: 2 },
    ]);
    expect(supportedFeatures).toEqual([
      { name: "group.version", minVersion: 0, maxVersion: 1 },
      { name: "transaction.version", minVersion: 0, maxVersion: 2 },
    ]);
    expect(finalizedFeaturesEpoch).toBeGreaterThanOrEqual(0);
    expect((await client.request(apiVersions, 3, named)).supportedFeatures).toEqual([]);
  });

  test.each(["crash", "clean"] as const)(
    "go on after a restart (%s), and are seen once they are committed",
    async (how) => {
      const session = await init();
      expect(session.producerEpoch).toBe(0);
      expect(await add(session, [0, 1])).toEqual([0, 0]);
      expect(await write(session, 0, 0, "a")).toBe(0);
      expect((await describeOne()).topics).toEqual([{ topic: "t", partitions: [0, 1] }]);
      await restart(how);
      expect(await describeOne()).toMatchObject({ errorCode: 0, transactionState: "Ongoing", ...session });
      expect(await write(session, 1, 0, "b")).toBe(0);
      expect((await end(session, true)).errorCode).toBe(0);
      expect(await committed(0)).toEqual({ values: ["a"], lastStableOffset: 2 });
      expect(await committed(1)).toEqual({ values: ["b"], lastStableOffset: 2 });
      // A repeated end, and a second transaction.
      expect((await end(session, true)).errorCode).toBe(0);
      expect((await end(session, false)).errorCode).toBe(ErrorCodes.INVALID_TXN_STATE);
      expect(await add(session, [0])).toEqual([0]);
      expect(await write(session, 0, 1, "c")).toBe(0);
      expect((await end(session, false)).errorCode).toBe(0);
      await restart(how);
      expect(await committed(0)).toEqual({ values: ["a"], lastStableOffset: 4 });
      expect((await describeOne()).transactionState).toBe("CompleteAbort");
    },
  );

  test("write to the partitions that were added to them only", async () => {
    const session = await init();
    expect(await write(session, 0, 0, "a", 11)).toBe(ErrorCodes.TRANSACTION_ABORTABLE);
    expect(await write(session, 0, 0, "a", 10)).toBe(ErrorCodes.INVALID_TXN_STATE);
    expect(await add(session, [1])).toEqual([0]);
    expect(await write(session, 0, 0, "a")).toBe(ErrorCodes.TRANSACTION_ABORTABLE);
    expect(await write(session, 1, 0, "b")).toBe(0);
    expect(await add(session, [0, 7])).toEqual([
      ErrorCodes.OPERATION_NOT_ATTEMPTED,
      ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect((await end(session, true)).errorCode).toBe(0);
    expect(await write(session, 1, 1, "late")).toBe(ErrorCodes.TRANSACTION_ABORTABLE);
  });

  test("of version 2 begin with their data, and end with a higher epoch", async () => {
    const session = await init();
    expect(await write(session, 0, 0, "a", 12)).toBe(0);
    expect(await write(session, 1, 0, "b", 12)).toBe(0);
    const next = await end(session, true, 5);
    expect(next).toMatchObject({ errorCode: 0, producerId: session.producerId, producerEpoch: 1 });
    expect(await end(session, true, 5)).toEqual(next);
    expect(await write(session, 0, 1, "old", 12)).toBe(ErrorCodes.INVALID_PRODUCER_EPOCH);
    expect(await write(next, 0, 0, "c", 12)).toBe(0);
    expect(await end(next, false, 5)).toMatchObject({ errorCode: 0, producerEpoch: 2 });
    expect((await committed(0)).values).toEqual(["a"]);
    expect((await committed(1)).values).toEqual(["b"]);
  });

  test("of a fenced producer are aborted, and its requests fail with the error of their version", async () => {
    const old = await init();
    await add(old, [0]);
    await write(old, 0, 0, "lost");
    const session = await init();
    expect(session).toMatchObject({ producerId: old.producerId, producerEpoch: 2 });
    expect(await add(old, [0], 2)).toEqual([ErrorCodes.PRODUCER_FENCED]);
    expect(await add(old, [0], 1)).toEqual([ErrorCodes.INVALID_PRODUCER_EPOCH]);
    expect((await end(old, true, 2)).errorCode).toBe(ErrorCodes.PRODUCER_FENCED);
    expect((await end(old, true, 1)).errorCode).toBe(ErrorCodes.INVALID_PRODUCER_EPOCH);
    expect(await write(old, 0, 1, "lost")).toBe(ErrorCodes.INVALID_PRODUCER_EPOCH);
    const continued = {
      transactionalId: "x",
      transactionTimeoutMs: 1000,
      producerId: old.producerId,
      producerEpoch: 0,
    };
    expect((await client.request(initProducerId, 4, continued)).errorCode).toBe(ErrorCodes.PRODUCER_FENCED);
    expect((await client.request(initProducerId, 3, continued)).errorCode).toBe(ErrorCodes.INVALID_PRODUCER_EPOCH);
    expect(await add({ ...session, producerId: 99_999 }, [0])).toEqual([ErrorCodes.INVALID_PRODUCER_ID_MAPPING]);
    expect((await committed(0)).values).toEqual([]);
  });

  test("are aborted after their timeout, and their producer is fenced", async () => {
    // Long enough for the write, on a slow machine, too.
    const session = await init("x", 3_000);
    await add(session, [0]);
    expect(await write(session, 0, 0, "late")).toBe(0);
    // The reader waits for the marker.
    expect(await committed(0)).toEqual({ values: [], lastStableOffset: 2 });
    expect((await end(session, true)).errorCode).toBe(ErrorCodes.PRODUCER_FENCED);
  });

  test.each([1, 2])("commit offsets of a group with them (version %i)", async (version) => {
    let session = await init();
    const ends = version === 2 ? 5 : 4;
    const commits = version === 2 ? 5 : 3;
    const commit = async (offset: number) => {
      if (version === 1) {
        const { producerId, producerEpoch } = session;
        const request = { transactionalId: "x", producerId, producerEpoch, groupId: "g" };
        expect((await client.request(addOffsetsToTxn, 3, request)).errorCode).toBe(0);
      }
      expect(await commitOffset(session, offset, commits)).toBe(0);
    };
    if (version === 1) expect(await commitOffset(session, 5, 3)).toBe(ErrorCodes.INVALID_TXN_STATE);
    await commit(5);
    expect(await offsetOf(true)).toEqual([-1, ErrorCodes.UNSTABLE_OFFSET_COMMIT]);
    expect(await offsetOf(false)).toEqual([-1, 0]);
    await restart("crash");
    expect(await offsetOf(true)).toEqual([-1, ErrorCodes.UNSTABLE_OFFSET_COMMIT]);
    const next = await end(session, true, ends);
    expect(next.errorCode).toBe(0);
    if (version === 2) session = next;
    expect(await offsetOf(true)).toEqual([5, 0]);
    await restart("crash");
    expect(await offsetOf(true)).toEqual([5, 0]);
    await commit(9);
    expect((await end(session, false, ends)).errorCode).toBe(0);
    expect(await offsetOf(true)).toEqual([5, 0]);
    await restart("clean");
    expect(await offsetOf(true)).toEqual([5, 0]);
    const stranger = { generationId: 3, memberId: "nobody" };
    expect(await commitOffset(await init(), 6, 5, stranger)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
  });

  test("whose topic is deleted end without it", async () => {
    const session = await init();
    await add(session, [0, 1]);
    await write(session, 0, 0, "a");
    await client.request(deleteTopics, 4, { topicNames: ["t"], timeoutMs: 1 });
    expect((await end(session, true)).errorCode).toBe(0);
    expect((await describeOne()).transactionState).toBe("CompleteCommit");
  });

  test("are listed, and hanging ones can be ended by an administrator", async () => {
    const session = await init();
    await add(session, [0]);
    await write(session, 0, 0, "a");
    await init("other");
    const list = async (filter: { stateFilters?: string[]; durationFilter?: number }) => {
      const request = { stateFilters: [], producerIdFilters: [], ...filter };
      const { transactionStates, unknownStateFilters } = await client.request(listTransactions, 1, request);
      return [transactionStates.map(({ transactionalId }) => transactionalId), unknownStateFilters];
    };
    expect(await list({})).toEqual([["x", "other"], []]);
    expect(await list({ stateFilters: ["Ongoing", "Odd"] })).toEqual([["x"], ["Odd"]]);
    expect(await list({ durationFilter: 3_600_000 })).toEqual([[], []]);
    expect((await describeOne("none")).errorCode).toBe(ErrorCodes.TRANSACTIONAL_ID_NOT_FOUND);
    const { producerId, producerEpoch } = session;
    const topics = [{ name: "t", partitionIndexes: [0, 9] }];
    const marker = { producerId, producerEpoch, transactionResult: false, topics, coordinatorEpoch: 0 };
    const { markers } = await client.request(writeTxnMarkers, 1, { markers: [marker] });
    expect(markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([
      0,
      ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    expect(await committed(0)).toEqual({ values: [], lastStableOffset: 2 });
  });
});
