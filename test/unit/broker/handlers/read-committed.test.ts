import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { BrokerProperties } from "../../../../src/broker/broker-properties.js";
import type { Handler } from "../../../../src/broker/handler.js";
import { describeProducers } from "../../../../src/broker/handlers/describe-producers.js";
import { fetch } from "../../../../src/broker/handlers/fetch.js";
import { listOffsets } from "../../../../src/broker/handlers/list-offsets.js";
import type { PartitionLog } from "../../../../src/broker/log/partition-log.js";
import type { Api } from "../../../../src/protocol/api.js";
import { describeProducers as describeProducersApi } from "../../../../src/protocol/apis/describe-producers.js";
import { fetch as fetchApi } from "../../../../src/protocol/apis/fetch.js";
import { listOffsets as listOffsetsApi } from "../../../../src/protocol/apis/list-offsets.js";
import type { Fields, InputOf, OutputOf } from "../../../../src/protocol/message-fields.js";
import { walkBatches } from "../../../../src/protocol/records/record-batch.js";
import { serve } from "../../../support/serve.js";
import { diskWithFolder, endIn, openOn, produceTo } from "../../../support/transactional-log.js";

let log: PartitionLog;
beforeEach(() => {
  log = openOn(diskWithFolder());
});

/** Serves a request to a broker with one partition, that of `log`. */
function ask<Q extends Fields, S extends Fields>(
  handler: Handler,
  api: Api<Q, S>,
  version: number,
  request: InputOf<Q>,
): Promise<OutputOf<S>> {
  const logOf = (name: string, index: number) => (name === "t" && index === 0 ? log : undefined);
  const topics = { log: logOf, get: (name: string) => (name === "t" ? { name, logs: [log] } : undefined) };
  const broker = { topics, properties: new BrokerProperties({}), clock: new SimClock(), logger: silentLogger };
  return serve(handler, api, version, request, { broker });
}

async function fetched(
  fetchOffset: number,
  isolationLevel: number,
  { maxWaitMs = 0, partitionMaxBytes = 10_000 } = {},
) {
  const topics = [{ topic: "t", partitions: [{ partition: 0, fetchOffset, partitionMaxBytes }] }];
  const request = { maxWaitMs, minBytes: 1, maxBytes: 10_000, isolationLevel, topics };
  const { responses } = await ask(fetch, fetchApi, 12, request);
  const { records, ...answer } = responses[0]!.partitions[0]!;
  return { ...answer, offsets: [...walkBatches(records!)].map(({ header }) => header.baseOffset) };
}

async function listed(timestamp: number, isolationLevel: number) {
  const topics = [{ name: "t", partitions: [{ partitionIndex: 0, timestamp }] }];
  const answer = await ask(listOffsets, listOffsetsApi, 7, { replicaId: -1, isolationLevel, topics });
  return answer.topics[0]!.partitions[0]!.offset;
}

/** Aborted: offsets 0 and 1, marker 2. Committed: 3, marker 4. Open: 5. */
function writeTransactions(): void {
  produceTo(log, { producerId: 7, sequence: 0 });
  produceTo(log, { producerId: 7, sequence: 1 });
  endIn(log, 7, "ABORT");
  produceTo(log, { producerId: 7, sequence: 2 });
  endIn(log, 7, "COMMIT");
  produceTo(log, { producerId: 8, sequence: 0 });
}

describe("a reader of committed records", () => {
  test("gets the batches before the last stable offset, and the aborted transactions among them", async () => {
    writeTransactions();
    expect(await fetched(0, 1)).toMatchObject({
      offsets: [0, 1, 2, 3, 4],
      highWatermark: 6,
      lastStableOffset: 5,
      abortedTransactions: [{ producerId: 7, firstOffset: 0 }],
    });
    expect(await fetched(3, 1)).toMatchObject({ offsets: [3, 4], abortedTransactions: [] });
    expect(await fetched(5, 1)).toMatchObject({ errorCode: 0, offsets: [], abortedTransactions: [] });
  });

  test("gets no aborted transaction that begins behind what it fetched", async () => {
    produceTo(log, { producerId: 7, sequence: 0, isTransactional: false });
    produceTo(log, { producerId: 8, sequence: 0 });
    endIn(log, 8, "ABORT");
    expect(await fetched(0, 1, { partitionMaxBytes: 1 })).toMatchObject({ offsets: [0], abortedTransactions: [] });
  });

  test("waits for the end of a transaction, and not for its records", async () => {
    const answer = fetched(0, 1, { maxWaitMs: 1_000_000 });
    let answered = false;
    void answer.then(() => {
      answered = true;
    });
    produceTo(log, { producerId: 7, sequence: 0 });
    await Promise.resolve();
    expect(answered).toBe(false);
    endIn(log, 7, "COMMIT");
    expect((await answer).offsets).toEqual([0, 1]);
  });

  test("finds the log's end, and records by their time, before the last stable offset", async () => {
    writeTransactions();
    expect([await listed(-1, 1), await listed(-1, 0)]).toEqual([5, 6]);
    log = openOn(diskWithFolder());
    produceTo(log, { producerId: 7, sequence: 0 });
    expect([await listed(0, 1), await listed(0, 0), await listed(-3, 1), await listed(-3, 0)]).toEqual([-1, 0, -1, 0]);
  });
});

test("a reader of all records gets those of open transactions, and no list of aborted ones", async () => {
  writeTransactions();
  const answer = await fetched(0, 0);
  expect(answer).toMatchObject({ offsets: [0, 1, 2, 3, 4, 5], lastStableOffset: 5, abortedTransactions: null });
});

test("the producers of a partition are described with their open transactions", async () => {
  writeTransactions();
  const request = { topics: [{ name: "t", partitionIndexes: [0, 1] }] };
  const { topics } = await ask(describeProducers, describeProducersApi, 0, request);
  const epochs = { producerEpoch: 0, lastTimestamp: expect.any(Number) };
  expect(topics[0]!.partitions).toMatchObject([
    {
      errorCode: 0,
      activeProducers: [
        { ...epochs, producerId: 7, lastSequence: 2, coordinatorEpoch: 0, currentTxnStartOffset: -1 },
        { ...epochs, producerId: 8, lastSequence: 0, coordinatorEpoch: -1, currentTxnStartOffset: 5 },
      ],
    },
    { errorCode: 3, activeProducers: [] },
  ]);
});
