import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runExport as runExportCommand } from "../../../src/app/stack-commands.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import { type LogFields, silentLogger } from "../../../src/base/logger.js";
import type { Interception, Interceptor } from "../../../src/broker/interceptor.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { createPartitions } from "../../../src/protocol/apis/create-partitions.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { startTestBroker, type TestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { clientOf, readAll, recordOf, runExport, send, transactional } from "../../support/export-run.js";
import { MillraceProcess } from "../../support/millrace-process.js";

const AUTHORIZER = {
  "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
  "super.users": "User:ANONYMOUS",
};
const NEVER = /^note: (cluster|transactional ids|users): /;

let source: TestBroker;
let target: TestBroker;
let from: KafkaClient;
let to: KafkaClient;
let atSource: Interceptor;
let atTarget: Interceptor;
/** Resolves once the source has compacted a log. */
let compacted: Deferred<LogFields | undefined>;
beforeEach(async () => {
  compacted = deferred();
  atSource = () => undefined;
  atTarget = () => undefined;
  const ann = { name: "ann", mechanism: "SCRAM-SHA-256", password: "secret", iterations: 4096 } as const;
  source = await startTestBroker({
    properties: { ...AUTHORIZER, "log.cleaner.backoff.ms": "50", "millrace.segment.bytes.min": "100" },
    logger: {
      ...silentLogger,
      info: (message, fields) => {
        if (message === "Compacted a log") compacted.resolve(fields);
      },
    },
    scramUsers: [ann],
    interceptor: (request) => atSource(request),
  });
  target = await startTestBroker({
    properties: { ...AUTHORIZER, "millrace.segment.bytes.min": "100" },
    interceptor: (request) => atTarget(request),
  });
  from = clientOf(source.bootstrap);
  to = clientOf(target.bootstrap);
});
afterEach(async () => {
  await from?.close();
  await to?.close();
  await source?.close();
  await target?.close();
});

/** Intercepts the first request of an API. */
function first(apiName: string, intercept: () => Interception): Interceptor {
  let isDone = false;
  return (request) => {
    if (isDone || request.apiName !== apiName) return undefined;
    isDone = true;
    return intercept();
  };
}

async function create(client: KafkaClient, name: string, partitions = 1, configs: Record<string, string> = {}) {
  expect(await client.admin.createTopics([{ name, partitions, replicationFactor: -1, configs }])).toEqual([{ name }]);
}

const cut = (topic: string, partition: number, offset: number) =>
  from.admin.deleteRecords([{ topic, partition, offset }]);

/** The configs that are set on a topic. */
async function configsOf(client: KafkaClient, topic: string) {
  const all = await client.admin.describeTopicConfigs(topic);
  return Object.fromEntries(
    [...all.values()].filter((each) => !each.isDefault).map(({ name, value }) => [name, value]),
  );
}

async function expectSame(topic: string, partition: number) {
  const [there, here] = [await readAll(to, topic, partition), await readAll(from, topic, partition)];
  expect(there.records).toEqual(here.records);
  return { source: here.offsets, target: there.offsets };
}

const findingsOf = (lines: readonly string[]) => lines.filter((line) => /^(note|incomplete): /.test(line));

describe("what an export carries", () => {
  test("records of every shape and codec, in their partitions and order, with offsets where nothing was missing", async () => {
    const future = { "message.timestamp.after.max.ms": "9223372036854775807" };
    const hindering = { "retention.ms": "1000", "message.timestamp.before.max.ms": "99", "cleanup.policy": "compact" };
    const configs = { ...future, ...hindering, "compression.type": "gzip" };
    await create(from, "shapes", 3, { ...future, "retention.ms": "-1" });
    const headers = [
      { key: "h", value: Buffer.from("x") },
      { key: "h", value: null },
      { key: "", value: Buffer.alloc(0) },
    ];
    for (const [at, codec] of ["none", "gzip", "snappy", "lz4", "zstd", "none"].entries()) {
      const records = Array.from({ length: 400 }, (_, n) => recordOf("shapes", 0, `k${n}`, `${codec} ${at} ${n}`));
      await send(from, records, codec);
    }
    await send(from, [
      recordOf("shapes", 1, null, null),
      recordOf("shapes", 1, null, "no key", { headers }),
      recordOf("shapes", 1, "tombstone", null, { timestampMs: -1 }),
      recordOf("shapes", 1, "", "", { timestampMs: 0 }),
      recordOf("shapes", 1, "large", "x".repeat(900_000), { timestampMs: 4_000_000_000_000 }),
    ]);
    await from.admin.alterTopicConfigs("shapes", configs);
    const { isComplete, lines } = await runExport(from, to);
    expect(findingsOf(lines).filter((line) => !NEVER.test(line))).toEqual([]);
    expect(isComplete).toBe(true);
    expect(lines).toContain("topic shapes: 3 partitions, 2405 records, offsets kept");
    for (const partition of [0, 1, 2]) {
      const offsets = await expectSame("shapes", partition);
      expect(offsets.target).toEqual(offsets.source);
    }
    expect(await configsOf(to, "shapes")).toEqual(configs);
  });

  test("timestamps that the source's broker has set, though the target would set its own", async () => {
    await create(from, "logged", 1, { "message.timestamp.type": "LogAppendTime" });
    await send(from, [recordOf("logged", 0, "a", "1"), recordOf("logged", 0, "b", "2")]);
    const { isComplete } = await runExport(from, to);
    expect(isComplete).toBe(true);
    await expectSame("logged", 0);
    expect((await readAll(to, "logged", 0)).records[0]!.timestampMs).toBeGreaterThan(1_700_000_000_000);
    expect(await configsOf(to, "logged")).toEqual({ "message.timestamp.type": "LogAppendTime" });
  });

  test("offsets of groups: those in a gap, before the first record and at the end, with their metadata", async () => {
    await create(from, "gaps", 2, { "cleanup.policy": "compact,delete", "retention.ms": "-1" });
    await create(from, "plain");
    await send(from, [recordOf("gaps", 0, "a", "0"), recordOf("gaps", 0, "b", "1"), recordOf("gaps", 0, "c", "2")]);
    const producer = await transactional(from, "writer");
    producer.begin();
    await producer.send([recordOf("gaps", 0, "d", "aborted"), recordOf("gaps", 0, "e", "aborted")]);
    await producer.abort();
    producer.begin();
    await producer.send([recordOf("gaps", 0, "f", "committed"), recordOf("gaps", 0, "g", "committed")]);
    await producer.commit();
    await send(from, [recordOf("gaps", 0, "h", "last"), recordOf("plain", 0, null, "x")]);
    await cut("gaps", 0, 2);
    // Source: 2 | 3 4 aborted | 5 marker | 6 7 | 8 marker | 9 and the end, 10. Target: 2 | 3 4 | 5 and the end, 6.
    const expected = { 0: 2, 2: 2, 3: 3, 5: 3, 6: 3, 7: 4, 8: 5, 9: 5, 10: 6 };
    for (const offset of Object.keys(expected).map(Number)) {
      await from.admin.alterGroupOffsets(`at ${offset}`, [
        { topic: "gaps", partition: 0, offset, metadata: `m${offset}` },
        { topic: "plain", partition: 0, offset: 1 },
      ]);
    }
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(true);
    expect((await expectSame("gaps", 0)).target).toEqual([2, 3, 4, 5]);
    for (const [offset, translated] of Object.entries(expected)) {
      expect(await to.admin.listGroupOffsets(`at ${offset}`)).toEqual([
        { topic: "gaps", partition: 0, offset: translated, metadata: `m${offset}` },
        { topic: "plain", partition: 0, offset: 1, metadata: "" },
      ]);
    }
    expect(lines).toContain("topic gaps: 2 partitions, 4 records, offsets changed in 1 partitions");
    expect(lines).toContain("topic plain: 1 partitions, 1 records, offsets kept");
    expect(lines.filter((line) => line.startsWith("note: topics: "))).toEqual([
      expect.stringMatching(/gaps \(in gaps-0 offset 6 is now 3\)\. .*S3 sinks name objects by offset/),
    ]);
    expect(lines.filter((line) => line.startsWith("note: transactional ids: "))).toEqual([
      expect.stringContaining("writer (CompleteCommit)"),
    ]);
    expect(lines.at(-1)).toBe("export: 2 topics, 5 records, 18 offsets of 9 groups, 0 ACLs: complete");
  });

  test("a compacted topic, whose gaps are closed, and the offsets that point into them", async () => {
    await create(from, "compacted", 1, { "cleanup.policy": "delete", "retention.ms": "-1", "segment.bytes": "2000" });
    for (let at = 0; at < 200; at++) await send(from, [recordOf("compacted", 0, `k${at % 7}`, `v${at}`)]);
    await from.admin.alterTopicConfigs("compacted", {
      "cleanup.policy": "compact",
      "min.cleanable.dirty.ratio": "0.01",
    });
    await compacted.promise;
    const committed = Array.from({ length: 201 }, (_, offset) => offset);
    for (const offset of committed) {
      await from.admin.alterGroupOffsets(`at ${offset}`, [{ topic: "compacted", partition: 0, offset }]);
    }
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(true);
    const offsets = await expectSame("compacted", 0);
    expect(offsets.source.length).toBeLessThan(200);
    expect(offsets.target).toEqual(offsets.source.map((_, at) => at));
    for (const offset of committed) {
      const before = offsets.source.filter((each) => each < offset).length;
      expect(await to.admin.listGroupOffsets(`at ${offset}`)).toMatchObject([{ offset: before }]);
    }
    expect(await configsOf(to, "compacted")).toEqual(await configsOf(from, "compacted"));
    expect(lines).toContain(
      `topic compacted: 1 partitions, ${offsets.source.length} records, offsets changed in 1 partitions`,
    );
  });

  test("offsets where the first records are deleted, also all of them", async () => {
    await create(from, "cut", 3);
    const records = Array.from({ length: 2_000 }, (_, at) => recordOf("cut", at % 2, `k${at}`, `v${at}`));
    await send(from, records);
    await cut("cut", 0, 700);
    await cut("cut", 1, 1_000);
    await from.admin.alterGroupOffsets("g", [
      { topic: "cut", partition: 0, offset: 900 },
      { topic: "cut", partition: 1, offset: 1_000 },
    ]);
    const partitions = [0, 1, 2].map((partition) => ({ topic: "cut", partition }));
    const bounds = async (client: KafkaClient) => [
      (await client.admin.startOffsets(partitions)).map(({ offset }) => offset),
      (await client.admin.endOffsets(partitions)).map(({ offset }) => offset),
    ];
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(true);
    expect(lines).toContain("topic cut: 3 partitions, 300 records, offsets kept");
    expect(await bounds(to)).toEqual([
      [700, 1_000, 0],
      [1_000, 1_000, 0],
    ]);
    const offsets = await expectSame("cut", 0);
    expect(offsets.target).toEqual(offsets.source);
    expect(await to.admin.listGroupOffsets("g")).toMatchObject([{ offset: 900 }, { offset: 1_000 }]);

    await to.admin.deleteTopics(["cut"]);
    const translated = await runExport(from, to, { keepsOffsets: false });
    expect(translated.isComplete).toBe(true);
    expect(translated.lines).toContain("topic cut: 3 partitions, 300 records, offsets changed in 1 partitions");
    expect(await bounds(to)).toEqual([
      [0, 0, 0],
      [300, 0, 0],
    ]);
    expect(await to.admin.listGroupOffsets("g")).toMatchObject([{ offset: 200 }, { offset: 0 }]);

    await to.admin.deleteTopics(["cut"]);
    const errorCode = ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
    const answers = [0, 1].map((partitionIndex) => ({ partitionIndex, lowWatermark: -1, errorCode }));
    const response = { throttleTimeMs: 0, topics: [{ name: "cut", partitions: answers }] };
    atTarget = first("DeleteRecords", () => ({ kind: "answer", response }));
    const refused = await runExport(from, to);
    expect(refused.isComplete).toBe(true);
    expect(refused.lines.filter((line) => line.startsWith("note: topic cut: "))).toEqual([
      expect.stringMatching(
        /its offsets are not kept, since the target does not delete records: .*TOPIC_AUTHORIZATION_FAILED/,
      ),
    ]);
    expect(await bounds(to)).toEqual([
      [0, 0, 0],
      [300, 0, 0],
    ]);
  });

  test("each record once, even if the answer to a batch is lost", async () => {
    await create(from, "once");
    await send(from, [recordOf("once", 0, null, "a"), recordOf("once", 0, null, "b")]);
    atTarget = first("Produce", () => ({ kind: "drop", after: true }));
    expect((await runExport(from, to)).isComplete).toBe(true);
    expect((await expectSame("once", 0)).target).toEqual([0, 1]);
  });

  test("ACLs", async () => {
    const acl = { resourceType: 2, patternType: 3, host: "*", permissionType: 3 };
    const acls = [
      { ...acl, resourceName: "orders", principal: "User:ann", operation: 3 },
      { ...acl, resourceName: "pay", patternType: 4, principal: "User:bob", operation: 4, permissionType: 2 },
    ];
    expect(await from.admin.createAcls(acls)).toEqual([undefined, undefined]);
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(true);
    expect(await to.admin.describeAcls()).toEqual(expect.arrayContaining(acls));
    expect(lines.filter((line) => line.startsWith("note: users: "))).toEqual([
      expect.stringMatching(/Kafka tells nobody the passwords of users \(ann\)/),
    ]);
    expect(lines.at(-1)).toBe("export: 0 topics, 0 records, 0 offsets of 0 groups, 2 ACLs: complete");
  });

  test("only the named topics, and no internal one", async () => {
    for (const name of ["a", "b", "c"]) await create(from, name);
    await from.admin.alterGroupOffsets("g", [
      { topic: "a", partition: 0, offset: 0 },
      { topic: "b", partition: 0, offset: 0 },
    ]);
    const { isComplete, lines } = await runExport(from, to, { topics: ["b", "nope", "__consumer_offsets"] });
    expect(isComplete).toBe(false);
    expect((await to.admin.listTopics()).filter((name) => !name.startsWith("__"))).toEqual(["b"]);
    expect((await to.admin.listGroupOffsets("g")).map(({ topic }) => topic)).toEqual(["b"]);
    const unfinished = lines.filter((line) => line.startsWith("incomplete: "));
    expect(unfinished).toEqual([
      expect.stringMatching(/^incomplete: topic nope: it does not exist at the source/),
      expect.stringMatching(/^incomplete: topic __consumer_offsets: a cluster's internal topics/),
    ]);
  });
});

describe("what an export refuses or reports", () => {
  test("topics at the target that hold records or have other partitions are left as they are", async () => {
    for (const name of ["full", "other", "empty"]) await create(from, name, 2, { "retention.ms": "7" });
    await send(
      from,
      ["full", "other", "empty"].map((name) => recordOf(name, 1, "k", "of the source")),
    );
    await create(to, "full", 2);
    await create(to, "other", 3);
    await create(to, "empty", 2, { "segment.ms": "99999", "cleanup.policy": "compact" });
    await send(to, [recordOf("full", 0, "k", "of the target")]);
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines).toContain("topic empty: 2 partitions, 1 records, offsets kept");
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic full: it is not copied: it exists at the target and holds records \(full-0\)\. What to do: delete/,
      ),
      expect.stringMatching(
        /^incomplete: topic other: it is not copied: it exists at the target with 3 partitions, and has 2/,
      ),
    ]);
    expect((await readAll(to, "full", 0)).records.map(({ value }) => value)).toEqual(["of the target"]);
    expect(await configsOf(to, "full")).toEqual({});
    expect(await configsOf(to, "empty")).toEqual({
      "segment.ms": "99999",
      "cleanup.policy": "compact",
      "retention.ms": "7",
    });
  });

  test("a config that the target refuses; the others are set", async () => {
    await create(from, "strict", 1, { "segment.ms": "99999", "file.delete.delay.ms": "7" });
    const responses = [{ errorCode: 44, errorMessage: "too short", resourceType: 2, resourceName: "strict" }];
    atTarget = ({ apiName, request }) => {
      if (apiName !== "IncrementalAlterConfigs" || !JSON.stringify(request).includes("segment.ms")) return undefined;
      return { kind: "answer", response: { throttleTimeMs: 0, responses } };
    };
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic strict: the target refuses segment.ms=99999: .*too short \(POLICY_VIOLATION, 44\)/,
      ),
    ]);
    expect(await configsOf(to, "strict")).toEqual({ "file.delete.delay.ms": "7" });
  });

  test("a target that goes away while offsets of groups are set", async () => {
    await create(from, "t");
    await from.admin.alterGroupOffsets("g", [{ topic: "t", partition: 0, offset: 0 }]);
    await to.close();
    to = clientOf(target.bootstrap, { "default.api.timeout.ms": "300" });
    atTarget = first("OffsetCommit", () => ({ kind: "delay", until: target.crash() }));
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: export: it broke off after the topics were copied: .*delete t at the target/),
    ]);
    await target.restart("crash");
  });

  test("an open transaction, whose records are not copied, nor those behind it", async () => {
    await create(from, "held");
    const producer = await transactional(from, "hanging");
    await send(from, [recordOf("held", 0, null, "before")]);
    producer.begin();
    await producer.send([recordOf("held", 0, null, "open")]);
    await send(from, [recordOf("held", 0, null, "behind")]);
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect((await readAll(to, "held", 0)).records.map(({ value }) => value)).toEqual(["before"]);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/an open transaction holds back held-0 from offset 1: 2 offsets are not copied/),
    ]);
    await producer.abort();
  });

  test("records and offsets that are written meanwhile", async () => {
    for (const name of ["busy", "calm"]) await create(from, name);
    await send(from, [recordOf("busy", 0, null, "first"), recordOf("calm", 0, null, "first")]);
    for (const group of ["moving", "still"]) {
      await from.admin.alterGroupOffsets(group, [{ topic: "busy", partition: 0, offset: 1 }]);
    }
    const meanwhile = async () => {
      await send(from, [recordOf("busy", 0, null, "second")]);
      await from.admin.alterGroupOffsets("moving", [{ topic: "busy", partition: 0, offset: 2 }]);
    };
    atTarget = first("Produce", () => ({ kind: "delay", until: meanwhile() }));
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect((await readAll(to, "busy", 0)).records.map(({ value }) => value)).toEqual(["first"]);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: group moving: it has committed during the export, .*: busy-0\. What to do/),
      expect.stringMatching(
        /^incomplete: topic busy: it was written to during the export; .*\(busy-0\)\. What to do: stop/,
      ),
    ]);
    for (const group of ["moving", "still"]) {
      expect(await to.admin.listGroupOffsets(group)).toMatchObject([{ topic: "busy", partition: 0, offset: 1 }]);
    }
  });

  test("topics, partitions and groups that are new meanwhile", async () => {
    await create(from, "grows");
    await send(from, [recordOf("grows", 0, null, "x")]);
    const meanwhile = async () => {
      await create(from, "late");
      const raw = await BrokerClient.connect(source.port);
      const topics = [{ name: "grows", count: 2, assignments: null }];
      await raw.request(createPartitions, 3, { topics, timeoutMs: 10_000, validateOnly: false });
      raw.close();
      await from.admin.alterGroupOffsets("new", [{ topic: "grows", partition: 0, offset: 1 }]);
    };
    atTarget = first("Produce", () => ({ kind: "delay", until: meanwhile() }));
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic grows: it has 2 partitions now, of which only the first 1 are copied\. What to do: stop/,
      ),
      expect.stringMatching(
        /^incomplete: topic late: it was created during the export, .*export it with --topics late\.$/,
      ),
      expect.stringMatching(
        /^incomplete: group new: it has committed its first offsets during the export, .*: grows-0\. What/,
      ),
    ]);
  });

  test("a topic that a broken-off export has left at the target keeps the configs of the copy, and is named", async () => {
    await create(from, "left");
    await send(from, [recordOf("left", 0, null, "x")]);
    const stop = new AbortController();
    atTarget = first("InitProducerId", () => {
      stop.abort(new Error("stopped by SIGINT"));
      return { kind: "drop" };
    });
    expect((await runExport(from, to, { signal: stop.signal })).isComplete).toBe(false);
    const { lines } = await runExport(from, to);
    expect(lines.filter((line) => line.startsWith("note: topic left: "))).toEqual([
      expect.stringMatching(/at the target only: .*retention\.ms=-1.* broken off may have left it/),
    ]);
  });

  test("records that somebody else writes to the target meanwhile", async () => {
    await create(from, "shared");
    await send(from, [recordOf("shared", 0, null, "a"), recordOf("shared", 0, null, "b")]);
    const other = clientOf(target.bootstrap);
    const write = async () => {
      await send(other, [recordOf("shared", 0, null, "foreign")]);
    };
    atTarget = first("Produce", () => ({ kind: "delay", until: write() }));
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /partition shared-0 holds 1 records more than the 2 that were acknowledged.* export it again with --topics shared/,
      ),
    ]);
    await other.close();
  });

  test("a record that the target does not take; the other topics are carried", async () => {
    for (const name of ["bad", "good"]) {
      await create(from, name);
      await send(from, [recordOf(name, 0, null, "x")]);
    }
    atTarget = first("Produce", () => ({ kind: "error", errorCode: ErrorCodes.INVALID_RECORD }));
    const { isComplete, lines } = await runExport(from, to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic bad: it is not copied: .*bad-0.*INVALID_RECORD.*; 0 of its records were acknowledged/,
      ),
    ]);
    expect(lines).toContain("topic good: 1 partitions, 1 records, offsets kept");
  });

  test("a target that dies in the middle of a copy; a new export to it is whole", async () => {
    for (const name of ["a", "b", "c"]) {
      await create(from, name);
      await send(from, [recordOf(name, 0, null, name)]);
    }
    await from.admin.alterGroupOffsets("g", [{ topic: "a", partition: 0, offset: 1 }]);
    await to.close();
    to = clientOf(target.bootstrap, { "delivery.timeout.ms": "300", "default.api.timeout.ms": "300" });
    let produced = 0;
    atTarget = ({ apiName }) => {
      if (apiName !== "Produce" || ++produced < 2) return undefined;
      return { kind: "delay", until: target.crash() };
    };
    const broken = await runExport(from, to);
    expect(broken.isComplete).toBe(false);
    expect(broken.lines.filter((line) => !line.startsWith("note: "))).toEqual([
      "topic a: 1 partitions, 1 records, offsets kept",
      "topic b: NOT COPIED, for the reason below",
      expect.stringMatching(
        /^incomplete: topic b: it is not copied: .*b-0.*delivery.timeout.ms=300.*; 0 of its records were acknowledged/,
      ),
      expect.stringMatching(
        /^incomplete: export: it broke off: topics c and the offsets of groups and the ACLs are not carried\. What to do: .*delete a, b at the target/,
      ),
      "export: 1 topics, 1 records, 0 offsets of 0 groups, 0 ACLs: INCOMPLETE, 2 findings",
    ]);
    atTarget = () => undefined;
    await target.restart("crash");
    await to.close();
    to = clientOf(target.bootstrap);
    expect((await to.admin.deleteTopics(["a", "b"])).map(({ error }) => error)).toEqual([undefined, undefined]);
    expect((await runExport(from, to)).lines.at(-1)).toBe(
      "export: 3 topics, 3 records, 1 offsets of 1 groups, 0 ACLs: complete",
    );
    for (const name of ["a", "b", "c"]) await expectSame(name, 0);
  });

  test("a source that sends nothing any more", async () => {
    for (const name of ["a", "b"]) {
      await create(from, name);
      await send(from, [recordOf(name, 0, null, name)]);
    }
    atSource = ({ apiName }) => (apiName === "Fetch" ? { kind: "drop" } : undefined);
    const { isComplete, lines } = await runExport(from, to, { readTimeoutMs: 300 });
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic a: .*Reading a-0: the source sent nothing for 300 ms, at offset 0 of 1: /,
      ),
      expect.stringMatching(/^incomplete: export: it broke off: topics b and the offsets/),
    ]);
  });

  test("an export that is stopped", async () => {
    await create(from, "t");
    await send(from, [recordOf("t", 0, null, "x")]);
    const stop = new AbortController();
    const never = deferred();
    atTarget = first("Produce", () => {
      stop.abort(new Error("stopped by SIGINT"));
      return { kind: "delay", until: never.promise };
    });
    const { isComplete, lines } = await runExport(from, to, { signal: stop.signal });
    expect(isComplete).toBe(false);
    expect(lines.join("\n")).toMatch(
      /topic t: it is not copied: stopped by SIGINT; 0 of its records were acknowledged/,
    );
    never.resolve();
  });

  test("an export that is stopped before it fills up a partition writes nothing", async () => {
    await create(from, "cut");
    await send(from, [recordOf("cut", 0, null, "a"), recordOf("cut", 0, null, "b")]);
    await cut("cut", 0, 1);
    const stop = new AbortController();
    let produced = 0;
    atTarget = ({ apiName }) => {
      if (apiName === "DeleteRecords") stop.abort(new Error("stopped by SIGINT"));
      if (apiName === "Produce") produced++;
      return undefined;
    };
    const { isComplete, lines } = await runExport(from, to, { signal: stop.signal });
    expect(isComplete).toBe(false);
    expect(lines.join("\n")).toMatch(/topic cut: it is not copied: stopped by SIGINT/);
    expect(produced).toBe(0);
  });

  test("a target without an authorizer takes no ACLs", async () => {
    const open = await startTestBroker();
    const client = clientOf(open.bootstrap);
    const acl = {
      resourceType: 2,
      patternType: 3,
      host: "*",
      permissionType: 3,
      resourceName: "t",
      principal: "User:a",
    };
    await from.admin.createAcls([{ ...acl, operation: 3 }]);
    const { isComplete, lines } = await runExport(from, client);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: ACLs: none of the 1 is at the target, which has no authorizer/),
    ]);
    await client.close();
    await open.close();
  });

  test("an export to itself", async () => {
    const again = clientOf(source.bootstrap);
    await expect(runExport(from, again)).rejects.toThrow("--from and --to are the same cluster");
    await again.close();
  });
});

describe("millrace broker export", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-export-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const run = async (...args: string[]) => {
    const exported = new MillraceProcess(["broker", "export", ...args], { MILLRACE_LOG_LEVEL: "error" });
    return { status: await exported.exited, lines: exported.log };
  };

  test("prints the report, and its exit code says whether all was carried", async () => {
    await create(from, "orders");
    await send(from, [recordOf("orders", 0, "k", "v")]);
    const both = ["--from", source.bootstrap, "--to", target.bootstrap];
    const first = await run(...both, "--topics", "orders", "--replication-factor", "1");
    expect(first.lines).toContain("topic orders: 1 partitions, 1 records, offsets kept");
    expect(first.status).toBe("status 0");
    const second = await run(...both);
    expect(second.lines).toContain(
      "export: 0 topics, 0 records, 0 offsets of 0 groups, 0 ACLs: INCOMPLETE, 1 findings",
    );
    expect(second.status).toBe("status 3");
  });

  test("says that it was stopped while a server was silent", async () => {
    const stop = deferred<string>();
    const silent = createServer(() => stop.resolve("SIGINT"));
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    const reported: string[] = [];
    const host = {
      env: {},
      print: () => {},
      report: (line: string) => void reported.push(line),
      stopRequested: stop.promise,
    };
    const { port } = silent.address() as AddressInfo;
    const options = { from: source.bootstrap, to: `127.0.0.1:${port}`, keepOffsets: true };
    expect(await runExportCommand(options, host)).toBe(2);
    expect(reported).toEqual(["millrace: stopped by SIGINT"]);
    silent.close();
  });

  test("names a file or a server that is wrong", async () => {
    const file = join(folder, "to.properties");
    writeFileSync(file, "sasl.mechanism=NONSENSE\nsecurity.protocol=SASL_PLAINTEXT\n");
    const bad = await run("--from", source.bootstrap, "--to", target.bootstrap, "--to-config", file);
    expect(bad.lines).toMatch(/^millrace: Invalid value NONSENSE for configuration sasl.mechanism/);
    expect(bad.status).toBe("status 1");
    const gone = await run("--from", source.bootstrap, "--to", "127.0.0.1:1");
    expect(gone.lines).toMatch(/^millrace: The Kafka of --to cannot .*=127.0.0.1:1 answered.* needs: --to-config FILE/);
    expect(gone.status).toBe("status 2");
    const absent = await run("--from", "127.0.0.1:1", "--to", target.bootstrap);
    expect(absent.lines).toMatch(/^millrace: The Kafka of --from cannot .* needs: --from-config FILE/);
  });
});
