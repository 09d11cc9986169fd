import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SystemRandom } from "../../../src/base/random.js";
import { DataFolderLockedError } from "../../../src/broker/data-folder/data-folder-lock.js";
import { HANDLERS } from "../../../src/broker/handlers/handler-table.js";
import type { Interceptor } from "../../../src/broker/interceptor.js";
import { BrokerMetadataError } from "../../../src/broker/metadata/metadata-log.js";
import { ListenError } from "../../../src/broker/net/listener.js";
import { startBroker } from "../../../src/broker/start-broker.js";
import type { ResponseOf } from "../../../src/protocol/api.js";
import { apiVersions } from "../../../src/protocol/apis/api-versions.js";
import { createPartitions } from "../../../src/protocol/apis/create-partitions.js";
import { createTopics } from "../../../src/protocol/apis/create-topics.js";
import { deleteGroups } from "../../../src/protocol/apis/delete-groups.js";
import { deleteRecords } from "../../../src/protocol/apis/delete-records.js";
import { deleteTopics } from "../../../src/protocol/apis/delete-topics.js";
import { describeCluster } from "../../../src/protocol/apis/describe-cluster.js";
import { describeConfigs } from "../../../src/protocol/apis/describe-configs.js";
import { describeGroups } from "../../../src/protocol/apis/describe-groups.js";
import { describeTopicPartitions } from "../../../src/protocol/apis/describe-topic-partitions.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { findCoordinator } from "../../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../../src/protocol/apis/heartbeat.js";
import { incrementalAlterConfigs } from "../../../src/protocol/apis/incremental-alter-configs.js";
import { initProducerId } from "../../../src/protocol/apis/init-producer-id.js";
import { joinGroup } from "../../../src/protocol/apis/join-group.js";
import { listGroups } from "../../../src/protocol/apis/list-groups.js";
import { listOffsets } from "../../../src/protocol/apis/list-offsets.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { offsetCommit } from "../../../src/protocol/apis/offset-commit.js";
import { offsetDelete } from "../../../src/protocol/apis/offset-delete.js";
import { offsetFetch } from "../../../src/protocol/apis/offset-fetch.js";
import { offsetForLeaderEpoch } from "../../../src/protocol/apis/offset-for-leader-epoch.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { syncGroup } from "../../../src/protocol/apis/sync-group.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { nextOffsetOf, walkBatches } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { batchOf } from "../../support/broker-log.js";

let broker: TestBroker;
let client: BrokerClient;
let intercept: Interceptor | undefined;

beforeEach(async () => {
  intercept = undefined;
  broker = await startTestBroker({ interceptor: (request) => intercept?.(request) });
  client = await BrokerClient.connect(broker.port);
});
afterEach(async () => {
  client.close();
  await broker.close();
});

async function reconnect(): Promise<void> {
  client.close();
  client = await BrokerClient.connect(broker.port);
}

async function create(name: string, configs: Record<string, string> = {}, numPartitions = 1) {
  const topic = {
    name,
    numPartitions,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
  const { topics } = await client.request(createTopics, 7, { topics: [topic], validateOnly: false });
  return topics[0]!;
}

async function send(topic: string, records: Buffer | null, { acks = -1, version = 9, index = 0 } = {}) {
  const topicData = [{ name: topic, partitionData: [{ index, records }] }];
  const { responses } = await client.request(produce, version, { acks, timeoutMs: 1000, topicData });
  return responses[0]!.partitionResponses[0]!;
}

function fetchRequest(topic: string, fetchOffset: number, { maxWaitMs = 0, minBytes = 1, maxBytes = 1_000_000 } = {}) {
  const partitions = [{ partition: 0, fetchOffset, partitionMaxBytes: maxBytes }];
  return { maxWaitMs, minBytes, maxBytes, isolationLevel: 0, topics: [{ topic, partitions }] };
}

async function fetchFrom(topic: string, fetchOffset: number, options = {}, version = 12) {
  const { responses } = await client.request(fetch, version, fetchRequest(topic, fetchOffset, options));
  return responses[0]!.partitions[0]!;
}

async function readValues(topic: string, from = 0): Promise<string[]> {
  const values: string[] = [];
  for (let offset = from; ; ) {
    const { records, highWatermark, errorCode } = await fetchFrom(topic, offset);
    expect(errorCode).toBe(0);
    for (const { header, bytes } of walkBatches(records!)) {
      offset = nextOffsetOf(header);
      for (const record of readRecords(bytes)) if (record.offset >= from) values.push(record.value!.toString());
    }
    if (offset >= highWatermark) return values;
  }
}

describe("versions", () => {
  test("are those of the handlers", async () => {
    const { apiKeys } = await client.request(apiVersions, 3, { clientSoftwareName: "t", clientSoftwareVersion: "1" });
    expect(apiKeys).toEqual(
      HANDLERS.map(({ key, advertised: [minVersion, maxVersion] }) => ({ apiKey: key, minVersion, maxVersion })),
    );
    expect(apiKeys.map(({ apiKey }) => apiKey)).toEqual([
      0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33,
      34, 35, 36, 37, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 60, 61, 65, 66, 68, 69, 74, 75,
    ]);
  });

  test("beyond ours are answered in version 0, so that the client can retry", async () => {
    const request = Buffer.concat(
      apiVersions.encodeRequest(3, 77, "t", { clientSoftwareName: "n", clientSoftwareVersion: "1" }),
    );
    request.writeInt16BE(99, 6);
    const raw = connect({ host: "127.0.0.1", port: broker.port });
    raw.write(request);
    const [answer] = (await once(raw, "data")) as [Buffer];
    // size 16, correlation id 77, UNSUPPORTED_VERSION, one key: 18, 0 to 4
    expect(answer.toString("hex")).toBe("000000100000004d002300000001001200000004");
    raw.destroy();
  });

  test("of a client with an invalid software name get INVALID_REQUEST and no keys", async () => {
    const named = { clientSoftwareName: "bad name!", clientSoftwareVersion: "1" };
    expect(await client.request(apiVersions, 3, named)).toMatchObject({
      errorCode: ErrorCodes.INVALID_REQUEST,
      apiKeys: [],
    });
  });
});

describe("produce and fetch", () => {
  test("store and return records in every served version", async () => {
    const { topicId } = await create("t");
    const expected: string[] = [];
    for (let version = 3; version <= 13; version++) {
      const topicData = [
        { name: "t", topicId, partitionData: [{ index: 0, records: batchOf([{ value: `v${version}` }]) }] },
      ];
      const { responses } = await client.request(produce, version, { acks: 1, timeoutMs: 1000, topicData });
      const answer = responses[0]!.partitionResponses[0]!;
      expect(answer).toMatchObject({ errorCode: 0, baseOffset: expected.length, logAppendTimeMs: -1 });
      expected.push(`v${version}`);
    }
    for (let version = 4; version <= 18; version++) {
      const request = fetchRequest("t", 0);
      const topics = request.topics.map((topic) => ({ ...topic, topicId }));
      const { responses } = await client.request(fetch, version, { ...request, topics });
      const { records, highWatermark } = responses[0]!.partitions[0]!;
      const values = [...walkBatches(records!)]
        .flatMap(({ bytes }) => readRecords(bytes))
        .map(({ value }) => String(value));
      expect([values, highWatermark]).toEqual([expected, expected.length]);
    }
  });

  test("return the batch that holds the offset, and at least one batch however small the limit", async () => {
    await create("t");
    await send("t", batchOf([{ value: "a" }, { value: "b" }, { value: "c" }]));
    await send("t", batchOf([{ value: "d".repeat(500) }]));
    const inside = await fetchFrom("t", 1, { maxBytes: 1 });
    expect(readRecords(inside.records!).map(({ offset }) => offset)).toEqual([0, 1, 2]);
    expect([...walkBatches((await fetchFrom("t", 0, { maxBytes: 90 })).records!)]).toHaveLength(1);
    expect([...walkBatches((await fetchFrom("t", 0)).records!)]).toHaveLength(2);
    expect((await fetchFrom("t", 4)).records!.length).toBe(0);
    expect((await fetchFrom("t", 5)).errorCode).toBe(ErrorCodes.OFFSET_OUT_OF_RANGE);
  });

  test("refuse invalid requests, partition by partition", async () => {
    await create("t", {}, 2);
    await create("c", { "cleanup.policy": "compact" });
    const corrupt = batchOf([{ value: "v" }]);
    corrupt[corrupt.length - 1]! ^= 1;
    const partitionData = [
      { index: 0, records: corrupt },
      { index: 1, records: batchOf([{ value: "good" }]) },
      { index: 2, records: batchOf([{ value: "nowhere" }]) },
    ];
    const { responses } = await client.request(produce, 9, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: "t", partitionData }],
    });
    expect(responses[0]!.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCodes.CORRUPT_MESSAGE,
      0,
      ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    const keyless = await send("c", batchOf([{ key: null, value: "v" }]));
    expect(keyless).toMatchObject({ errorCode: ErrorCodes.INVALID_RECORD, logStartOffset: 0 });
    expect(keyless.recordErrors).toMatchObject([{ batchIndex: 0 }]);
    expect((await send("t", null)).errorCode).toBe(ErrorCodes.INVALID_RECORD);
    expect((await send("t", batchOf([{ value: "v" }]), { acks: 5 })).errorCode).toBe(ErrorCodes.INVALID_REQUIRED_ACKS);
    expect((await send("__consumer_offsets", batchOf([{ key: "k", value: "v" }]))).errorCode).toBe(
      ErrorCodes.INVALID_TOPIC_EXCEPTION,
    );
  });

  test("recognise a retried batch of an idempotent producer, even after a crash", async () => {
    await create("t");
    const { producerId, producerEpoch } = await client.request(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    const batch = (baseSequence: number) =>
      batchOf([{ value: `s${baseSequence}`, timestampMs: 1234 }], { producerId, producerEpoch, baseSequence });
    for (const sequence of [0, 1, 2]) expect((await send("t", batch(sequence))).baseOffset).toBe(sequence);
    expect(await send("t", batch(1))).toMatchObject({ errorCode: 0, baseOffset: 1, logAppendTimeMs: 1234 });
    expect((await send("t", batch(4))).errorCode).toBe(ErrorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER);
    await broker.restart("crash");
    await reconnect();
    expect(await send("t", batch(2))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await send("t", batch(3))).toMatchObject({ errorCode: 0, baseOffset: 3 });
    expect(await readValues("t")).toEqual(["s0", "s1", "s2", "s3"]);
    const next = await client.request(initProducerId, 4, { transactionalId: null, transactionTimeoutMs: 0 });
    expect(next.producerId).toBeGreaterThan(producerId);
  });

  test("with acks=0 are not answered, and a failure closes the connection", async () => {
    await create("t");
    const topicData = (name: string) => [{ name, partitionData: [{ index: 0, records: batchOf([{ value: "v" }]) }] }];
    void client.send(produce, 9, { acks: 0, timeoutMs: 1, topicData: topicData("t") });
    expect(await readValues("t")).toEqual(["v"]);
    const lost = client.send(produce, 9, { acks: 0, timeoutMs: 1, topicData: topicData("missing") });
    await client.closed;
    await expect(lost).rejects.toThrow(/closed/);
  });

  test("wait for records, wake up for them, and are answered in order", async () => {
    await create("t");
    const other = await BrokerClient.connect(broker.port);
    const waiting = client.request(fetch, 12, fetchRequest("t", 0, { maxWaitMs: 60_000 }));
    const after = client.request(metadata, 12, { topics: [] });
    const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf([{ value: "woken" }]) }] }];
    await other.request(produce, 9, { acks: -1, timeoutMs: 1, topicData });
    const { responses } = await waiting;
    expect(readRecords(responses[0]!.partitions[0]!.records!)[0]!.value!.toString()).toBe("woken");
    await after;
    expect(client.answered).toEqual([...client.answered].sort((a, b) => a - b));
    other.close();
  });

  test("wait no longer than requested, and not at all for a partition with an error", async () => {
    await create("t");
    expect((await fetchFrom("t", 0, { maxWaitMs: 20 })).records!.length).toBe(0);
    expect((await fetchFrom("missing", 0, { maxWaitMs: 60_000 })).errorCode).toBe(
      ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION,
    );
  });

  test("wake up when the topic is deleted", async () => {
    await create("t");
    const other = await BrokerClient.connect(broker.port);
    const waiting = fetchFrom("t", 0, { maxWaitMs: 60_000 });
    await other.request(deleteTopics, 4, { topicNames: ["t"], timeoutMs: 1 });
    expect((await waiting).errorCode).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    other.close();
  });

  test("check the client's leader epoch", async () => {
    await create("t");
    const { topics } = await client.request(metadata, 12, { topics: [{ name: "t" }] });
    const epoch = topics[0]!.partitions[0]!.leaderEpoch;
    const fetchAt = async (currentLeaderEpoch: number) => {
      const request = fetchRequest("t", 0);
      const partitions = request.topics[0]!.partitions.map((partition) => ({ ...partition, currentLeaderEpoch }));
      const { responses } = await client.request(fetch, 12, { ...request, topics: [{ topic: "t", partitions }] });
      return responses[0]!.partitions[0]!.errorCode;
    };
    expect(await fetchAt(epoch)).toBe(0);
    expect(await fetchAt(epoch + 1)).toBe(ErrorCodes.UNKNOWN_LEADER_EPOCH);
    await send("t", batchOf([{ value: "v" }]));
    await broker.restart("crash");
    await reconnect();
    expect(await fetchAt(epoch)).toBe(ErrorCodes.FENCED_LEADER_EPOCH);
    const asked = [{ topic: "t", partitions: [{ partition: 0, leaderEpoch: epoch }] }];
    const { topics: ends } = await client.request(offsetForLeaderEpoch, 4, { topics: asked });
    expect(ends[0]!.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch: epoch, endOffset: 1 });
  });

  test("stamp records of a LogAppendTime topic with the broker's time", async () => {
    await create("t", { "message.timestamp.type": "LogAppendTime" });
    const answer = await send("t", batchOf([{ value: "v", timestampMs: 5 }]));
    const { records } = await fetchFrom("t", 0);
    expect(answer.logAppendTimeMs).toBeGreaterThan(1_600_000_000_000);
    expect(readRecords(records!)[0]!.timestampMs).toBe(answer.logAppendTimeMs);
  });

  test.each([
    ["cleanup.policy", "compact", 4],
    ["compression.type", "zstd", 4],
    ["compression.type", "snappy", 2],
    ["compression.type", "uncompressed", 0],
  ] as const)("in zstd are accepted by a topic with %s=%s", async (setting, value, stored) => {
    await create("t", { [setting]: value });
    const answer = await send("t", batchOf([{ key: "k", value: "v".repeat(500) }], undefined, "zstd"));
    expect(answer).toMatchObject({ errorCode: 0, baseOffset: 0 });
    const [batch] = [...walkBatches((await fetchFrom("t", 0)).records!)];
    expect(batch!.header.attributes & 7).toBe(stored);
    expect(readRecords(batch!.bytes).map((each) => each.value!.length)).toEqual([500]);
  });

  test("recompress for a topic with a codec", async () => {
    await create("t", { "compression.type": "gzip" });
    await send("t", batchOf([{ value: "v".repeat(100) }, { value: "w" }]));
    const [batch] = [...walkBatches((await fetchFrom("t", 0)).records!)];
    expect(batch!.header.attributes & 7).toBe(1);
    expect(readRecords(batch!.bytes).map(({ value }) => value!.length)).toEqual([100, 1]);
  });
});

describe("an invalid request", () => {
  test.each([
    ["a negative size", Buffer.from("ffffffff", "hex")],
    ["a size of 2 GiB", Buffer.from("7fffffff", "hex")],
    ["an unknown API", Buffer.from("0000000a03e7000000000001ffff", "hex")],
    ["an old version of Produce", Buffer.from("0000000a00000002000000 01ffff".replaceAll(" ", ""), "hex")],
    ["a frame that is too short", Buffer.from("000000020003", "hex")],
    ["an array count beyond the frame", Buffer.from("0000000e0003000100000001ffff7fffffff", "hex")],
  ])("of %s closes the connection, and the broker still serves", async (_, bytes) => {
    client.write(bytes);
    await client.closed;
    await reconnect();
    expect((await client.request(metadata, 1, { topics: [] })).brokers).toHaveLength(1);
  });

  test("is not read from a client that never reads its answers", async () => {
    let served = 0;
    intercept = ({ apiName }) => {
      if (apiName === "ApiVersions") served++;
      return undefined;
    };
    const greedy = connect({ host: "127.0.0.1", port: broker.port });
    await once(greedy, "connect");
    greedy.pause();
    const asked = 1_000_000;
    const request = Buffer.concat(apiVersions.encodeRequest(0, 1, "t", {}));
    greedy.write(Buffer.alloc(request.length * asked, request));
    // Until nothing more is read, while other clients are served.
    for (let before = -1; before < served; ) {
      before = served;
      for (let at = 0; at < 100; at++) await client.request(metadata, 1, { topics: [] });
    }
    expect(served).toBeGreaterThan(0);
    expect(served).toBeLessThan(asked / 2);
    greedy.destroy();
  });

  test("of any bytes behind a valid header ends at most the connection", async () => {
    const versions = HANDLERS.flatMap(({ key, versions: [first, last] }) => [
      [key, first] as const,
      [key, last] as const,
    ]);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...versions), fc.uint8Array({ maxLength: 60 }), async ([key, version], body) => {
        const hostile = await BrokerClient.connect(broker.port);
        const head = Buffer.alloc(14);
        head.writeInt32BE(10 + body.length, 0);
        head.writeInt16BE(key, 4);
        head.writeInt16BE(version, 6);
        head.writeInt16BE(-1, 12);
        hostile.write(Buffer.concat([head, body]));
        hostile.close();
        expect(
          (await client.request(describeCluster, 0, { includeClusterAuthorizedOperations: false })).errorCode,
        ).toBe(0);
      }),
      { numRuns: 150 },
    );
  });
});

describe("topics", () => {
  test("are created by Metadata if request and broker allow it, and have distinct ids", async () => {
    const request = (allowAutoTopicCreation: boolean) =>
      client.request(metadata, 12, { topics: [{ name: "auto" }], allowAutoTopicCreation });
    expect((await request(false)).topics[0]!.errorCode).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
    const [made] = (await request(true)).topics;
    expect(made).toMatchObject({ errorCode: 0, name: "auto", partitions: [{ leaderId: 1, replicaNodes: [1] }] });
    const byId = await client.request(metadata, 12, { topics: [{ name: null, topicId: made!.topicId }] });
    expect(byId.topics[0]!.name).toBe("auto");
    await client.request(deleteTopics, 6, { topics: [{ topicId: made!.topicId }], timeoutMs: 1 });
    const again = await create("auto");
    expect(again.topicId).not.toBe(made!.topicId);
    const gone = await client.request(metadata, 12, { topics: [{ name: null, topicId: made!.topicId }] });
    expect(gone.topics[0]).toMatchObject({ errorCode: ErrorCodes.UNKNOWN_TOPIC_ID, name: null });
  });

  test("answer every metadata version", async () => {
    await create("t", {}, 3);
    for (let version = 0; version <= 13; version++) {
      const answer = await client.request(metadata, version, { topics: [{ name: "t" }] });
      expect(answer.brokers).toMatchObject([{ nodeId: 1, host: "127.0.0.1", port: broker.port }]);
      expect(answer.topics[0]!.partitions).toHaveLength(3);
    }
    expect((await client.request(metadata, 0, { topics: [] })).topics).toHaveLength(2);
    expect((await client.request(metadata, 1, { topics: [] })).topics).toHaveLength(0);
    expect((await client.request(metadata, 1, { topics: null })).topics).toHaveLength(2);
  });

  test("survive a crash with partitions, settings and records; a deleted one stays deleted", async () => {
    await create("kept", { "retention.ms": "5000" }, 2);
    await create("gone");
    await send("kept", batchOf([{ value: "one" }]), { index: 0 });
    await client.request(createPartitions, 3, {
      topics: [{ name: "kept", count: 4, assignments: null }],
      timeoutMs: 1,
      validateOnly: false,
    });
    const alter = { name: "retention.bytes", configOperation: 0, value: "123456" };
    await client.request(incrementalAlterConfigs, 1, {
      resources: [{ resourceType: 2, resourceName: "kept", configs: [alter] }],
      validateOnly: false,
    });
    await client.request(deleteTopics, 4, { topicNames: ["gone"], timeoutMs: 1 });
    await broker.restart("crash");
    await reconnect();
    const { topics } = await client.request(describeTopicPartitions, 0, { topics: [] });
    expect(topics.map(({ name, partitions }) => [name, partitions.length])).toEqual([
      ["__consumer_offsets", 1],
      ["kept", 4],
    ]);
    expect(await readValues("kept")).toEqual(["one"]);
    const resource = { resourceType: 2, resourceName: "kept", configurationKeys: ["retention.ms", "retention.bytes"] };
    const { results } = await client.request(describeConfigs, 4, { resources: [resource], includeSynonyms: false });
    expect(results[0]!.configs.map(({ name, value, configSource }) => [name, value, configSource])).toEqual([
      ["retention.bytes", "123456", 1],
      ["retention.ms", "5000", 1],
    ]);
  });

  test("grow by at most 10,000 partitions per request, all topics together", async () => {
    await create("a");
    await create("b");
    const grown = (count: number) => ["a", "b"].map((name) => ({ name, count, assignments: null }));
    const request = { topics: grown(5002), timeoutMs: 1, validateOnly: true };
    const { results } = await client.request(createPartitions, 3, request);
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCodes.POLICY_VIOLATION,
      ErrorCodes.POLICY_VIOLATION,
    ]);
    const fewer = await client.request(createPartitions, 3, { ...request, topics: grown(5001) });
    expect(fewer.results.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  });

  test("are described with all 33 settings", async () => {
    await create("t");
    const resource = { resourceType: 2, resourceName: "t", configurationKeys: null };
    const { results } = await client.request(describeConfigs, 4, {
      resources: [resource],
      includeSynonyms: true,
      includeDocumentation: true,
    });
    expect(results[0]!.configs.length).toBeGreaterThanOrEqual(33);
    for (const config of results[0]!.configs)
      expect(config).toMatchObject({ configSource: 5, documentation: expect.stringMatching(/./) });
    const missing = await client.request(describeConfigs, 4, {
      resources: [{ ...resource, resourceName: "no" }],
      includeSynonyms: false,
    });
    expect(missing.results[0]!.errorCode).toBe(ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  });

  test("page through DescribeTopicPartitions", async () => {
    await create("a", {}, 3);
    await create("b", {}, 2);
    const ask = { topics: [{ name: "a" }, { name: "b" }], responsePartitionLimit: 2 };
    const seen: string[] = [];
    for (let cursor: { topicName: string; partitionIndex: number } | null = null; ; ) {
      const answer: ResponseOf<typeof describeTopicPartitions> = await client.request(describeTopicPartitions, 0, {
        ...ask,
        cursor,
      });
      for (const topic of answer.topics)
        for (const { partitionIndex } of topic.partitions) seen.push(`${topic.name}${partitionIndex}`);
      cursor = answer.nextCursor;
      if (!cursor) break;
    }
    expect(seen).toEqual(["a0", "a1", "a2", "b0", "b1"]);
  });

  test("lose records below the offset of DeleteRecords, for good", async () => {
    await create("t");
    for (let at = 0; at < 5; at++) await send("t", batchOf([{ value: `v${at}` }]));
    const remove = (offset: number) =>
      client.request(deleteRecords, 2, {
        topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 1,
      });
    expect((await remove(3)).topics[0]!.partitions[0]).toMatchObject({ lowWatermark: 3, errorCode: 0 });
    expect((await remove(9)).topics[0]!.partitions[0]!.errorCode).toBe(ErrorCodes.OFFSET_OUT_OF_RANGE);
    await broker.restart("crash");
    await reconnect();
    expect((await fetchFrom("t", 0)).errorCode).toBe(ErrorCodes.OFFSET_OUT_OF_RANGE);
    expect(await readValues("t", 3)).toEqual(["v3", "v4"]);
    expect((await remove(-1)).topics[0]!.partitions[0]!.lowWatermark).toBe(5);
  });

  test("find offsets by time", async () => {
    await create("t");
    await send("t", batchOf([100, 300, 200].map((timestampMs) => ({ value: "v", timestampMs }))));
    await send(
      "t",
      batchOf([
        { value: "v", timestampMs: 400 },
        { value: "w", timestampMs: 250 },
      ]),
    );
    const at = async (timestamp: number, version = 7) => {
      const { topics } = await client.request(listOffsets, version, {
        replicaId: -1,
        topics: [{ name: "t", partitions: [{ partitionIndex: 0, timestamp }] }],
      });
      const { offset, timestamp: found, errorCode } = topics[0]!.partitions[0]!;
      return errorCode === 0 ? [offset, found] : errorCode;
    };
    expect(await at(-2)).toEqual([0, -1]);
    expect(await at(-1)).toEqual([5, -1]);
    expect(await at(0)).toEqual([0, 100]);
    expect(await at(150)).toEqual([1, 300]);
    expect(await at(301)).toEqual([3, 400]);
    expect(await at(401)).toEqual([-1, -1]);
    expect(await at(-3)).toEqual([3, 400]);
    expect(await at(-3, 2)).toBe(ErrorCodes.UNSUPPORTED_VERSION);
  });
});

describe("groups", () => {
  const joinRequest = (memberId = "") => ({
    groupId: "g",
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    memberId,
    protocolType: "connect",
    protocols: [{ name: "sessioned", metadata: Buffer.from("meta") }],
  });

  async function joined() {
    const { memberId } = await client.request(joinGroup, 9, joinRequest());
    const join = await client.request(joinGroup, 9, joinRequest(memberId));
    expect(join).toMatchObject({ errorCode: 0, leader: memberId, protocolName: "sessioned" });
    const sync = {
      groupId: "g",
      generationId: join.generationId,
      memberId,
      protocolType: "connect",
      protocolName: "sessioned",
      assignments: [{ memberId, assignment: Buffer.from("work") }],
    };
    const synced = await client.request(syncGroup, 5, sync);
    expect(synced.assignment.toString()).toBe("work");
    return { memberId, generationId: join.generationId, sync };
  }

  const commit = (offset: number, member: { memberId: string; generationId: number }, version = 8) =>
    client.request(offsetCommit, version, {
      groupId: "g",
      memberId: member.memberId,
      generationIdOrMemberEpoch: member.generationId,
      topics: [
        {
          name: "t",
          partitions: [
            { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 3, committedMetadata: "note" },
          ],
        },
      ],
    });

  const committed = async (version: number) => {
    if (version >= 8) {
      const groups = [{ groupId: "g", topics: [{ name: "t", partitionIndexes: [0, 1] }] }];
      const answer = await client.request(offsetFetch, version, { groups });
      return answer.groups[0]!.topics[0]!.partitions;
    }
    const answer = await client.request(offsetFetch, version, {
      groupId: "g",
      topics: [{ name: "t", partitionIndexes: [0, 1] }],
    });
    return answer.topics[0]!.partitions;
  };

  test("pass on assignments, and members and offsets survive a crash", async () => {
    await create("t");
    const member = await joined();
    expect((await commit(42, member)).topics[0]!.partitions[0]!.errorCode).toBe(0);
    expect((await commit(43, { ...member, generationId: 99 })).topics[0]!.partitions[0]!.errorCode).toBe(
      ErrorCodes.ILLEGAL_GENERATION,
    );
    await broker.restart("crash");
    await reconnect();
    const beat = { groupId: "g", generationId: member.generationId, memberId: member.memberId };
    expect((await client.request(heartbeat, 4, beat)).errorCode).toBe(0);
    expect((await client.request(syncGroup, 5, { ...member.sync, assignments: [] })).assignment.toString()).toBe(
      "work",
    );
    for (const version of [1, 5, 7, 8, 9]) {
      const [first, second] = await committed(version);
      expect(first).toMatchObject({ committedOffset: 42, metadata: "note", errorCode: 0 });
      expect(second).toMatchObject({ committedOffset: -1, errorCode: 0 });
    }
    const { groups } = await client.request(describeGroups, 6, { groups: ["g", "none"] });
    expect(groups[0]).toMatchObject({
      groupState: "Stable",
      protocolType: "connect",
      members: [{ clientHost: "/127.0.0.1" }],
    });
    expect(groups[1]).toMatchObject({ errorCode: ErrorCodes.GROUP_ID_NOT_FOUND, groupState: "Dead" });
    const listed = await client.request(listGroups, 5, {});
    expect(listed.groups).toEqual([
      { groupId: "g", protocolType: "connect", groupState: "Stable", groupType: "classic" },
    ]);
  });

  test("hold offsets without members, which can be deleted singly or with the group", async () => {
    await create("t");
    const nobody = { memberId: "", generationId: -1 };
    await commit(7, nobody, 2);
    expect((await committed(1))[0]!.committedOffset).toBe(7);
    const topics = [{ name: "t", partitions: [{ partitionIndex: 0 }] }];
    expect(await client.request(offsetDelete, 0, { groupId: "g", topics })).toMatchObject({ errorCode: 0 });
    expect((await committed(1))[0]!.committedOffset).toBe(-1);
    await commit(8, nobody);
    expect(
      (await client.request(deleteGroups, 2, { groupsNames: ["g", "none"] })).results.map(({ errorCode }) => errorCode),
    ).toEqual([0, ErrorCodes.GROUP_ID_NOT_FOUND]);
    await broker.restart("crash");
    await reconnect();
    expect((await client.request(listGroups, 5, {})).groups).toEqual([]);
  });

  test("forget the offsets of a deleted topic", async () => {
    await create("t");
    await commit(7, { memberId: "", generationId: -1 });
    await client.request(deleteTopics, 4, { topicNames: ["t"], timeoutMs: 1 });
    await create("t");
    expect((await committed(8))[0]!.committedOffset).toBe(-1);
  });

  test("have a coordinator, alone or together", async () => {
    const old = await client.request(findCoordinator, 2, { key: "g", keyType: 0 });
    expect(old).toMatchObject({ errorCode: 0, errorMessage: "NONE", nodeId: 1, host: "127.0.0.1", port: broker.port });
    const several = await client.request(findCoordinator, 6, { keyType: 0, coordinatorKeys: ["a", "b"] });
    expect(several.coordinators.map(({ key, nodeId }) => [key, nodeId])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    const share = await client.request(findCoordinator, 6, { keyType: 2, coordinatorKeys: ["s"] });
    expect(share.coordinators[0]).toMatchObject({ errorCode: ErrorCodes.INVALID_REQUEST, nodeId: -1 });
  });
});

test("clients get the address of advertised.listeners, with the real port for 0", async () => {
  const told = await startTestBroker({ properties: { "advertised.listeners": "PLAINTEXT://broker.example:0" } });
  const other = await BrokerClient.connect(told.port);
  const { brokers } = await other.request(metadata, 12, { topics: [] });
  expect(brokers).toMatchObject([{ host: "broker.example", port: told.port }]);
  other.close();
  await told.close();
  await expect(startTestBroker({ properties: { "advertised.listeners": "nowhere" } })).rejects.toThrow(/HOST:PORT/);
});

test("a topic whose folders cannot be created is refused, and does not exist at the next start", async () => {
  // A file has the name of a partition's folder.
  writeFileSync(join(broker.dataDir, "blocked-1"), "");
  const failed = await create("blocked", {}, 3);
  expect(failed.errorCode).toBe(ErrorCodes.KAFKA_STORAGE_ERROR);
  expect(readdirSync(broker.dataDir)).not.toContain("blocked-0");
  expect((await create("fine")).errorCode).toBe(0);
  await broker.restart("crash");
  await reconnect();
  const { topics } = await client.request(metadata, 12, { topics: null });
  expect(topics.map(({ name }) => name)).toEqual(["__consumer_offsets", "fine"]);
});

describe("an interceptor", () => {
  test("answers an error, delays, loses the request or only its answer", async () => {
    await create("t");
    const onProduce =
      (interception: ReturnType<Interceptor>): Interceptor =>
      ({ apiName }) =>
        apiName === "Produce" ? interception : undefined;
    intercept = onProduce({ kind: "error", errorCode: ErrorCodes.NOT_LEADER_OR_FOLLOWER });
    expect((await send("t", batchOf([{ value: "refused" }]))).errorCode).toBe(ErrorCodes.NOT_LEADER_OR_FOLLOWER);

    const gate = deferred();
    intercept = onProduce({ kind: "delay", until: gate.promise, after: true });
    const held = send("t", batchOf([{ value: "held" }]));
    const other = await BrokerClient.connect(broker.port);
    const { responses } = await other.request(fetch, 12, fetchRequest("t", 0, { maxWaitMs: 60_000 }));
    expect(responses[0]!.partitions[0]!.records!.length).toBeGreaterThan(0);
    gate.resolve();
    expect((await held).baseOffset).toBe(0);
    other.close();

    intercept = onProduce({ kind: "drop" });
    await expect(send("t", batchOf([{ value: "lost" }]))).rejects.toThrow();
    await reconnect();
    intercept = onProduce({ kind: "drop", after: true });
    await expect(send("t", batchOf([{ value: "unanswered" }]))).rejects.toThrow();
    intercept = undefined;
    await reconnect();
    expect(await readValues("t")).toEqual(["held", "unanswered"]);
  });
});

describe("a broker that cannot start", () => {
  const start = (dataDir: string, port: number) =>
    startBroker({
      dataDir,
      listen: `127.0.0.1:${port}`,
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: silentLogger,
    });

  test("names the folder that is in use, and the process", async () => {
    const failure = await start(broker.dataDir, 0).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DataFolderLockedError);
    expect((failure as Error).message).toContain(broker.dataDir);
    expect((failure as Error).message).toContain(String(process.pid));
  });

  test("refuses damaged or missing metadata, and changes nothing", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-broker-"));
    const first = await start(folder, 0);
    await first.close();
    const path = join(folder, "broker-metadata");
    const good = readFileSync(path, "utf8");
    writeFileSync(path, good.replace('"epoch":0', '"epoch":9'));
    await expect(start(folder, 0)).rejects.toThrow(BrokerMetadataError);
    rmSync(path);
    await expect(start(folder, 0)).rejects.toThrow(/__consumer_offsets-0/);
    writeFileSync(path, good);
    const again = await start(folder, 0);
    expect(again.clusterId).toBe(first.clusterId);
    await again.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("names the port that is in use, and releases its folder", async () => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-broker-"));
    const failure = await start(folder, broker.port).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ListenError);
    expect((failure as Error).message).toContain(String(broker.port));
    const unused = join(folder, "unused");
    await expect(start(unused, broker.port)).rejects.toThrow(ListenError);
    expect(readdirSync(folder)).not.toContain("unused");
    const second = await start(folder, 0);
    await second.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
