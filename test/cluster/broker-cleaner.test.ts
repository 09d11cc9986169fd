import { expect, test } from "vitest";
import { deferred } from "../../src/base/deferred.js";
import { type LogFields, type Logger, silentLogger } from "../../src/base/logger.js";
import { createTopics } from "../../src/protocol/apis/create-topics.js";
import { fetch } from "../../src/protocol/apis/fetch.js";
import { produce } from "../../src/protocol/apis/produce.js";
import { nextOffsetOf, walkBatches } from "../../src/protocol/record-batch.js";
import { readRecords } from "../../src/protocol/record-batch-reader.js";
import { startTestBroker } from "../support/broker.js";
import { BrokerClient } from "../support/broker-client.js";
import { batchOf } from "../support/broker-log.js";

test("the broker compacts a topic by itself, goes on serving, and a crash changes nothing of it", async () => {
  const compacted = deferred<LogFields>();
  const logger: Logger = {
    ...silentLogger,
    info(message, fields) {
      if (message === "compacted a log" && fields?.["topic"] === "t") compacted.resolve(fields);
    },
  };
  const properties = { "log.cleaner.backoff.ms": "50", "millrace.segment.bytes.min": "100" };
  const broker = await startTestBroker({ properties, logger });
  let client = await BrokerClient.connect(broker.port);
  const configs = [
    { name: "cleanup.policy", value: "compact" },
    { name: "segment.bytes", value: "2000" },
  ];
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs };
  await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  const state = new Map<string, string>();
  for (let at = 0; at < 200; at++) {
    const record = { key: `k${at % 7}`, value: `value ${at}` };
    state.set(record.key, record.value);
    const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf([record]) }] }];
    await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
  }
  const { endOffset } = await compacted.promise;
  expect(Number(endOffset)).toBeGreaterThan(0);

  const read = async () => {
    const found = new Map<string, string>();
    let count = 0;
    for (let fetchOffset = 0, end = 1; fetchOffset < end; ) {
      const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: 5000 }];
      const request = {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 5000,
        isolationLevel: 1,
        topics: [{ topic: "t", partitions }],
      };
      const { responses } = await client.request(fetch, 11, request);
      const { records, highWatermark, errorCode } = responses[0]!.partitions[0]!;
      expect(errorCode).toBe(0);
      end = highWatermark;
      for (const { header, bytes } of walkBatches(records!)) {
        fetchOffset = nextOffsetOf(header);
        for (const { key, value } of readRecords(bytes)) {
          found.set(key!.toString(), value!.toString());
          count++;
        }
      }
    }
    expect(count).toBeLessThan(200);
    return found;
  };
  expect(await read()).toEqual(state);
  await broker.restart("crash");
  client.close();
  client = await BrokerClient.connect(broker.port);
  expect(await read()).toEqual(state);
  client.close();
  await broker.close();
});
