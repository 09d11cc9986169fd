import { describe, expect, test } from "vitest";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { configsOf, create, cut, expectSame, first, useExportPair } from "../../support/export-pair.js";
import { readAll, recordOf, runExport, send, transactional } from "../../support/export-run.js";

const NEVER = /^note: (cluster|transactional ids|users): /;
const findingsOf = (lines: readonly string[]) => lines.filter((line) => /^(note|incomplete): /.test(line));

const pair = useExportPair();

describe("what an export carries", () => {
  test("records of every shape and codec, in their partitions and order, with offsets where nothing was missing", async () => {
    const future = { "message.timestamp.after.max.ms": "9223372036854775807" };
    const hindering = { "retention.ms": "1000", "message.timestamp.before.max.ms": "99", "cleanup.policy": "compact" };
    const configs = { ...future, ...hindering, "compression.type": "gzip" };
    await create(pair.from, "shapes", 3, { ...future, "retention.ms": "-1" });
    const headers = [
      { key: "h", value: Buffer.from("x") },
      { key: "h", value: null },
      { key: "", value: Buffer.alloc(0) },
    ];
    for (const [at, codec] of ["none", "gzip", "snappy", "lz4", "zstd", "none"].entries()) {
      const records = Array.from({ length: 400 }, (_, n) => recordOf("shapes", 0, `k${n}`, `${codec} ${at} ${n}`));
      await send(pair.from, records, codec);
    }
    await send(pair.from, [
      recordOf("shapes", 1, null, null),
      recordOf("shapes", 1, null, "no key", { headers }),
      recordOf("shapes", 1, "tombstone", null, { timestampMs: -1 }),
      recordOf("shapes", 1, "", "", { timestampMs: 0 }),
      recordOf("shapes", 1, "large", "x".repeat(900_000), { timestampMs: 4_000_000_000_000 }),
    ]);
    await pair.from.admin.alterTopicConfigs("shapes", configs);
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(findingsOf(lines).filter((line) => !NEVER.test(line))).toEqual([]);
    expect(isComplete).toBe(true);
    expect(lines).toContain("topic shapes: 3 partitions, 2405 records, offsets kept");
    for (const partition of [0, 1, 2]) {
      const offsets = await expectSame(pair, "shapes", partition);
      expect(offsets.target).toEqual(offsets.source);
    }
    expect(await configsOf(pair.to, "shapes")).toEqual(configs);
  });

  test("timestamps that the source's broker has set, though the target would set its own", async () => {
    await create(pair.from, "logged", 1, { "message.timestamp.type": "LogAppendTime" });
    await send(pair.from, [recordOf("logged", 0, "a", "1"), recordOf("logged", 0, "b", "2")]);
    const { isComplete } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(true);
    await expectSame(pair, "logged", 0);
    expect((await readAll(pair.to, "logged", 0)).records[0]!.timestampMs).toBeGreaterThan(1_700_000_000_000);
    expect(await configsOf(pair.to, "logged")).toEqual({ "message.timestamp.type": "LogAppendTime" });
  });

  test("offsets of groups: those in a gap, before the first record and at the end, with their metadata", async () => {
    await create(pair.from, "gaps", 2, { "cleanup.policy": "compact,delete", "retention.ms": "-1" });
    await create(pair.from, "plain");
    await send(pair.from, [
      recordOf("gaps", 0, "a", "0"),
      recordOf("gaps", 0, "b", "1"),
      recordOf("gaps", 0, "c", "2"),
    ]);
    const producer = await transactional(pair.from, "writer");
    producer.begin();
    await producer.send([recordOf("gaps", 0, "d", "aborted"), recordOf("gaps", 0, "e", "aborted")]);
    await producer.abort();
    producer.begin();
    await producer.send([recordOf("gaps", 0, "f", "committed"), recordOf("gaps", 0, "g", "committed")]);
    await producer.commit();
    await send(pair.from, [recordOf("gaps", 0, "h", "last"), recordOf("plain", 0, null, "x")]);
    await cut(pair.from, "gaps", 0, 2);
    // Source: 2 | 3 4 aborted | 5 marker | 6 7 | 8 marker | 9 and the end, 10. Target: 2 | 3 4 | 5 and the end, 6.
    const expected = { 0: 2, 2: 2, 3: 3, 5: 3, 6: 3, 7: 4, 8: 5, 9: 5, 10: 6 };
    for (const offset of Object.keys(expected).map(Number)) {
      await pair.from.admin.alterGroupOffsets(`at ${offset}`, [
        { topic: "gaps", partition: 0, offset, metadata: `m${offset}` },
        { topic: "plain", partition: 0, offset: 1 },
      ]);
    }
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(true);
    expect((await expectSame(pair, "gaps", 0)).target).toEqual([2, 3, 4, 5]);
    for (const [offset, translated] of Object.entries(expected)) {
      expect(await pair.to.admin.listGroupOffsets(`at ${offset}`)).toEqual([
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
    await create(pair.from, "compacted", 1, {
      "cleanup.policy": "delete",
      "retention.ms": "-1",
      "segment.bytes": "2000",
    });
    for (let at = 0; at < 200; at++) await send(pair.from, [recordOf("compacted", 0, `k${at % 7}`, `v${at}`)]);
    await pair.from.admin.alterTopicConfigs("compacted", {
      "cleanup.policy": "compact",
      "min.cleanable.dirty.ratio": "0.01",
    });
    await pair.compacted.promise;
    const committed = Array.from({ length: 201 }, (_, offset) => offset);
    for (const offset of committed) {
      await pair.from.admin.alterGroupOffsets(`at ${offset}`, [{ topic: "compacted", partition: 0, offset }]);
    }
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(true);
    const offsets = await expectSame(pair, "compacted", 0);
    expect(offsets.source.length).toBeLessThan(200);
    expect(offsets.target).toEqual(offsets.source.map((_, at) => at));
    for (const offset of committed) {
      const before = offsets.source.filter((each) => each < offset).length;
      expect(await pair.to.admin.listGroupOffsets(`at ${offset}`)).toMatchObject([{ offset: before }]);
    }
    expect(await configsOf(pair.to, "compacted")).toEqual(await configsOf(pair.from, "compacted"));
    expect(lines).toContain(
      `topic compacted: 1 partitions, ${offsets.source.length} records, offsets changed in 1 partitions`,
    );
  });

  test("offsets where the first records are deleted, also all of them", async () => {
    await create(pair.from, "cut", 3);
    const records = Array.from({ length: 2_000 }, (_, at) => recordOf("cut", at % 2, `k${at}`, `v${at}`));
    await send(pair.from, records);
    await cut(pair.from, "cut", 0, 700);
    await cut(pair.from, "cut", 1, 1_000);
    await pair.from.admin.alterGroupOffsets("g", [
      { topic: "cut", partition: 0, offset: 900 },
      { topic: "cut", partition: 1, offset: 1_000 },
    ]);
    const partitions = [0, 1, 2].map((partition) => ({ topic: "cut", partition }));
    const bounds = async (client: KafkaClient) => [
      (await client.admin.startOffsets(partitions)).map(({ offset }) => offset),
      (await client.admin.endOffsets(partitions)).map(({ offset }) => offset),
    ];
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(true);
    expect(lines).toContain("topic cut: 3 partitions, 300 records, offsets kept");
    expect(await bounds(pair.to)).toEqual([
      [700, 1_000, 0],
      [1_000, 1_000, 0],
    ]);
    const offsets = await expectSame(pair, "cut", 0);
    expect(offsets.target).toEqual(offsets.source);
    expect(await pair.to.admin.listGroupOffsets("g")).toMatchObject([{ offset: 900 }, { offset: 1_000 }]);

    await pair.to.admin.deleteTopics(["cut"]);
    const translated = await runExport(pair.from, pair.to, { keepsOffsets: false });
    expect(translated.isComplete).toBe(true);
    expect(translated.lines).toContain("topic cut: 3 partitions, 300 records, offsets changed in 1 partitions");
    expect(await bounds(pair.to)).toEqual([
      [0, 0, 0],
      [300, 0, 0],
    ]);
    expect(await pair.to.admin.listGroupOffsets("g")).toMatchObject([{ offset: 200 }, { offset: 0 }]);

    await pair.to.admin.deleteTopics(["cut"]);
    const errorCode = ErrorCodes.TOPIC_AUTHORIZATION_FAILED;
    const answers = [0, 1].map((partitionIndex) => ({ partitionIndex, lowWatermark: -1, errorCode }));
    const response = { throttleTimeMs: 0, topics: [{ name: "cut", partitions: answers }] };
    pair.atTarget = first("DeleteRecords", () => ({ kind: "answer", response }));
    const refused = await runExport(pair.from, pair.to);
    expect(refused.isComplete).toBe(true);
    expect(refused.lines.filter((line) => line.startsWith("note: topic cut: "))).toEqual([
      expect.stringMatching(
        /its offsets are not kept, since the target does not delete records: .*TOPIC_AUTHORIZATION_FAILED/,
      ),
    ]);
    expect(await bounds(pair.to)).toEqual([
      [0, 0, 0],
      [300, 0, 0],
    ]);
  });

  test("each record once, even if the answer to a batch is lost", async () => {
    await create(pair.from, "once");
    await send(pair.from, [recordOf("once", 0, null, "a"), recordOf("once", 0, null, "b")]);
    pair.atTarget = first("Produce", () => ({ kind: "drop", after: true }));
    expect((await runExport(pair.from, pair.to)).isComplete).toBe(true);
    expect((await expectSame(pair, "once", 0)).target).toEqual([0, 1]);
  });

  test("ACLs", async () => {
    const acl = { resourceType: 2, patternType: 3, host: "*", permissionType: 3 };
    const acls = [
      { ...acl, resourceName: "orders", principal: "User:ann", operation: 3 },
      { ...acl, resourceName: "pay", patternType: 4, principal: "User:bob", operation: 4, permissionType: 2 },
    ];
    expect(await pair.from.admin.createAcls(acls)).toEqual([undefined, undefined]);
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(true);
    expect(await pair.to.admin.describeAcls()).toEqual(expect.arrayContaining(acls));
    expect(lines.filter((line) => line.startsWith("note: users: "))).toEqual([
      expect.stringMatching(/Kafka tells nobody the passwords of users \(ann\)/),
    ]);
    expect(lines.at(-1)).toBe("export: 0 topics, 0 records, 0 offsets of 0 groups, 2 ACLs: complete");
  });

  test("only the named topics, and no internal one", async () => {
    for (const name of ["a", "b", "c"]) await create(pair.from, name);
    await pair.from.admin.alterGroupOffsets("g", [
      { topic: "a", partition: 0, offset: 0 },
      { topic: "b", partition: 0, offset: 0 },
    ]);
    const { isComplete, lines } = await runExport(pair.from, pair.to, { topics: ["b", "nope", "__consumer_offsets"] });
    expect(isComplete).toBe(false);
    expect((await pair.to.admin.listTopics()).filter((name) => !name.startsWith("__"))).toEqual(["b"]);
    expect((await pair.to.admin.listGroupOffsets("g")).map(({ topic }) => topic)).toEqual(["b"]);
    const unfinished = lines.filter((line) => line.startsWith("incomplete: "));
    expect(unfinished).toEqual([
      expect.stringMatching(/^incomplete: topic nope: it does not exist at the source/),
      expect.stringMatching(/^incomplete: topic __consumer_offsets: a cluster's internal topics/),
    ]);
  });
});
