import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { OPEN_ACCESS } from "../../../../src/broker/access/access.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { Call, Handler } from "../../../../src/broker/handler.js";
import { deleteRecords } from "../../../../src/broker/handlers/delete-records.js";
import { fetch } from "../../../../src/broker/handlers/fetch.js";
import { listOffsets } from "../../../../src/broker/handlers/list-offsets.js";
import { offsetForLeaderEpoch } from "../../../../src/broker/handlers/offset-for-leader-epoch.js";
import { type Api, readCorrelationId, readRequestHeader } from "../../../../src/protocol/api.js";
import { deleteRecords as deleteRecordsApi } from "../../../../src/protocol/apis/delete-records.js";
import { fetch as fetchApi } from "../../../../src/protocol/apis/fetch.js";
import { listOffsets as listOffsetsApi } from "../../../../src/protocol/apis/list-offsets.js";
import { offsetForLeaderEpoch as offsetForLeaderEpochApi } from "../../../../src/protocol/apis/offset-for-leader-epoch.js";
import { ByteReader } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import type { Fields, InputOf, OutputOf } from "../../../../src/protocol/message-fields.js";
import { openOfflineLog } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";

const EPOCH = 3;
const STORAGE = expect.objectContaining({ errorCode: ErrorCodes.KAFKA_STORAGE_ERROR });

/** The answer to a request about a partition whose log could not be opened. */
async function ask<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  handler: Handler,
  version: number,
  request: InputOf<Q>,
): Promise<OutputOf<S>> {
  const clock = new SimClock();
  const log = openOfflineLog("/data/t-0", { disk: new MemoryDisk(new SeededRandom(1)), leaderEpoch: EPOCH, clock });
  const topic = { name: "t", logs: [log] };
  const topics = { get: () => topic, log: () => log, deleteRecords: () => log.flushBefore(0) };
  const broker = { topics, clock, properties: new BrokerProperties({}), logger: silentLogger };
  const memory = { roomBytes: Number.POSITIVE_INFINITY, reserve: () => undefined };
  const body = new ByteReader(Buffer.concat(api.encodeRequest(version, 1, "test", request)), 4);
  const { apiVersion, correlationId } = readRequestHeader(body);
  const call = {
    broker,
    apiVersion,
    closed: new AbortController().signal,
    memory,
    access: OPEN_ACCESS,
  } as unknown as Call;
  const served = await handler.serve({ apiVersion, correlationId, body }, call, undefined);
  const { reader } = readCorrelationId(Buffer.concat(served as Buffer[]).subarray(4));
  return api.decodeResponse(version, reader);
}

// Of an offline log neither the end nor the epochs are known: what they seem to be would make consumers move.
test("no position of a consumer is judged by an offline log", async () => {
  const partitions = [{ partition: 0, fetchOffset: 100, partitionMaxBytes: 1000, currentLeaderEpoch: EPOCH }];
  const topics = [{ topic: "t", partitions }];
  const fetched = await ask(fetchApi, fetch, 12, {
    maxWaitMs: 500,
    minBytes: 1,
    isolationLevel: 0,
    sessionId: 0,
    topics,
    rackId: "",
  });
  expect(fetched.responses[0]!.partitions).toEqual([STORAGE]);

  const epochs = [{ partition: 0, currentLeaderEpoch: EPOCH, leaderEpoch: EPOCH - 1 }];
  const ends = await ask(offsetForLeaderEpochApi, offsetForLeaderEpoch, 4, {
    topics: [{ topic: "t", partitions: epochs }],
  });
  expect(ends.topics[0]!.partitions).toEqual([STORAGE]);

  const times = [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: EPOCH }];
  const places = await ask(listOffsetsApi, listOffsets, 6, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "t", partitions: times }],
    timeoutMs: 0,
  });
  expect(places.topics[0]!.partitions).toEqual([STORAGE]);
});

test("no record of an offline log is deleted, wherever it seems to end", async () => {
  const partitions = [{ partitionIndex: 0, offset: 100 }];
  const deleted = await ask(deleteRecordsApi, deleteRecords, 2, {
    topics: [{ name: "t", partitions }],
    timeoutMs: 1000,
  });
  expect(deleted.topics[0]!.partitions).toEqual([STORAGE]);
});
