import { expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { type LogFields, type Logger, silentLogger } from "../../../src/base/logger.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { crc32c } from "../../../src/protocol/crc32c.js";
import { nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { startTestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

test("the broker compacts a topic by itself while it serves, and a crash changes nothing", async () => {
  const compacted = deferred<LogFields>();
  const logger: Logger = {
    ...silentLogger,
    info(message, fields) {
      if (message === "Compacted a log" && fields?.["topic"] === "t") compacted.resolve(fields);
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

test("an unreadable log is reported once and skipped, and the others are compacted", async () => {
  const warned: LogFields[] = [];
  let compacted = deferred();
  const logger: Logger = {
    ...silentLogger,
    info(message, fields) {
      if (message === "Compacted a log" && fields?.["topic"] === "good") compacted.resolve();
    },
    warn(message, fields, cause) {
      if (message.startsWith("A log cannot be compacted")) warned.push({ ...fields, cause: (cause as Error).name });
    },
  };
  const properties = { "log.cleaner.backoff.ms": "50", "millrace.segment.bytes.min": "100" };
  const broker = await startTestBroker({ properties, logger });
  const client = await BrokerClient.connect(broker.port);
  const create = async (name: string, policy: string) => {
    const configs = [
      { name: "cleanup.policy", value: policy },
      { name: "segment.bytes", value: "500" },
    ];
    const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs };
    await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  };
  const fill = async (name: string, batch: () => Buffer) => {
    for (let at = 0; at < 50; at++) {
      const topicData = [{ name, partitionData: [{ index: 0, records: batch() }] }];
      const { responses } = await client.request(produce, 9, { acks: -1, timeoutMs: 1000, topicData });
      expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(0);
    }
  };
  // Appending does not read records; the topic becomes compacted only later. It is the first in the broker's list of
  // topics, and so the first to be cleaned.
  await create("bad", "delete");
  await fill("bad", endingAfterItsKey);
  await create("good", "compact");
  const configs = [{ name: "cleanup.policy", configOperation: 0, value: "compact" }];
  const resources = [{ resourceType: 2, resourceName: "bad", configs }];
  await client.request(incrementalAlterConfigs, 1, { resources, validateOnly: false });
  for (let round = 0; round < 2; round++) {
    await fill("good", () => batchOf([{ key: "key", value: "value" }]));
    await compacted.promise;
    compacted = deferred();
  }
  expect(warned).toEqual([{ topic: "bad", partition: 0, cause: "MalformedError" }]);
  client.close();
  await broker.close();
});

/** A batch whose only record ends after its key, without even the length of a value. */
function endingAfterItsKey(): Buffer {
  const batch = Buffer.from(batchOf([{ key: "key", value: "v" }]).subarray(0, 62 + 7));
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt8(7 << 1, 61);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}
