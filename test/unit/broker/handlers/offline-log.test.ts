import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { Handler } from "../../../../src/broker/handler.js";
import { deleteRecords } from "../../../../src/broker/handlers/delete-records.js";
import { describeTopicPartitions } from "../../../../src/broker/handlers/describe-topic-partitions.js";
import { fetch } from "../../../../src/broker/handlers/fetch.js";
import { listOffsets } from "../../../../src/broker/handlers/list-offsets.js";
import { metadata } from "../../../../src/broker/handlers/metadata.js";
import { offsetForLeaderEpoch } from "../../../../src/broker/handlers/offset-for-leader-epoch.js";
import type { Api } from "../../../../src/protocol/api.js";
import { deleteRecords as deleteRecordsApi } from "../../../../src/protocol/apis/delete-records.js";
import { describeTopicPartitions as describeTopicPartitionsApi } from "../../../../src/protocol/apis/describe-topic-partitions.js";
import { fetch as fetchApi } from "../../../../src/protocol/apis/fetch.js";
import { listOffsets as listOffsetsApi } from "../../../../src/protocol/apis/list-offsets.js";
import { metadata as metadataApi } from "../../../../src/protocol/apis/metadata.js";
import { offsetForLeaderEpoch as offsetForLeaderEpochApi } from "../../../../src/protocol/apis/offset-for-leader-epoch.js";
import { ZERO_UUID } from "../../../../src/protocol/byte-reader.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import type { Fields, InputOf, OutputOf } from "../../../../src/protocol/message-fields.js";
import { openOfflineLog } from "../../../support/broker-log.js";
import { MemoryDisk } from "../../../support/memory-disk.js";
import { serve } from "../../../support/serve.js";

const EPOCH = 3;
const STORAGE = expect.objectContaining({ errorCode: ErrorCodes.KAFKA_STORAGE_ERROR });

/** The answer to a request about a partition whose log could not be opened. */
function ask<Q extends Fields, S extends Fields>(
  handler: Handler,
  api: Api<Q, S>,
  version: number,
  request: InputOf<Q>,
): Promise<OutputOf<S>> {
  const clock = new SimClock();
  const log = openOfflineLog("/data/t-0", { disk: new MemoryDisk(new SeededRandom(1)), leaderEpoch: EPOCH, clock });
  const topic = { name: "t", id: ZERO_UUID, isInternal: false, logs: [log] };
  const topics = { get: () => topic, log: () => log, deleteRecords: () => log.flushBefore(0) };
  const state = { metadata: { clusterId: "c" } };
  const broker = { nodeId: 7, topics, clock, properties: new BrokerProperties({}), logger: silentLogger, state };
  return serve(handler, api, version, request, { broker });
}

// Of an offline log neither the end nor the epochs are known: what they seem to be would make consumers move.
test("no position of a consumer is judged by an offline log", async () => {
  const partitions = [{ partition: 0, fetchOffset: 100, partitionMaxBytes: 1000, currentLeaderEpoch: EPOCH }];
  const topics = [{ topic: "t", partitions }];
  const fetched = await ask(fetch, fetchApi, 12, {
    maxWaitMs: 500,
    minBytes: 1,
    isolationLevel: 0,
    sessionId: 0,
    topics,
    rackId: "",
  });
  expect(fetched.responses[0]!.partitions).toEqual([STORAGE]);

  const epochs = [{ partition: 0, currentLeaderEpoch: EPOCH, leaderEpoch: EPOCH - 1 }];
  const ends = await ask(offsetForLeaderEpoch, offsetForLeaderEpochApi, 4, {
    topics: [{ topic: "t", partitions: epochs }],
  });
  expect(ends.topics[0]!.partitions).toEqual([STORAGE]);

  const times = [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: EPOCH }];
  const places = await ask(listOffsets, listOffsetsApi, 6, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: "t", partitions: times }],
    timeoutMs: 0,
  });
  expect(places.topics[0]!.partitions).toEqual([STORAGE]);
});

test("no record of an offline log is deleted, wherever it seems to end", async () => {
  const partitions = [{ partitionIndex: 0, offset: 100 }];
  const deleted = await ask(deleteRecords, deleteRecordsApi, 2, {
    topics: [{ name: "t", partitions }],
    timeoutMs: 1000,
  });
  expect(deleted.topics[0]!.partitions).toEqual([STORAGE]);
});

test("an offline log has no leader: clients ask again, and tools list it", async () => {
  const state = {
    errorCode: ErrorCodes.LEADER_NOT_AVAILABLE,
    partitionIndex: 0,
    leaderId: -1,
    leaderEpoch: EPOCH,
    isrNodes: [7],
    replicaNodes: [7],
    offlineReplicas: [7],
  };
  const topics = [{ topicId: ZERO_UUID, name: "t" }];
  const known = await ask(metadata, metadataApi, 12, { topics, allowAutoTopicCreation: false });
  expect(known.topics[0]).toMatchObject({ errorCode: ErrorCodes.NONE, partitions: [state] });
  const described = await ask(describeTopicPartitions, describeTopicPartitionsApi, 0, {
    topics: [{ name: "t" }],
    responsePartitionLimit: 10,
    cursor: null,
  });
  expect(described.topics[0]).toMatchObject({ errorCode: ErrorCodes.NONE, partitions: [state] });
});
