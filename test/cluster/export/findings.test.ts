import { describe, expect, test } from "vitest";
import { deferred } from "../../../src/base/deferred.js";
import { createPartitions } from "../../../src/protocol/apis/create-partitions.js";
import { ErrorCodes } from "../../../src/protocol/error-codes.js";
import { startTestBroker } from "../../support/broker.js";
import { BrokerClient } from "../../support/broker-client.js";
import { configsOf, create, cut, expectSame, first, useExportPair } from "../../support/export-pair.js";
import { clientOf, readAll, recordOf, runExport, send, transactional } from "../../support/export-run.js";

const pair = useExportPair();

describe("what an export refuses or reports", () => {
  test("topics at the target that hold records or have other partitions are left as they are", async () => {
    for (const name of ["full", "other", "empty"]) await create(pair.from, name, 2, { "retention.ms": "7" });
    await send(
      pair.from,
      ["full", "other", "empty"].map((name) => recordOf(name, 1, "k", "of the source")),
    );
    await create(pair.to, "full", 2);
    await create(pair.to, "other", 3);
    await create(pair.to, "empty", 2, { "segment.ms": "99999", "cleanup.policy": "compact" });
    await send(pair.to, [recordOf("full", 0, "k", "of the target")]);
    const { isComplete, lines } = await runExport(pair.from, pair.to);
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
    expect((await readAll(pair.to, "full", 0)).records.map(({ value }) => value)).toEqual(["of the target"]);
    expect(await configsOf(pair.to, "full")).toEqual({});
    expect(await configsOf(pair.to, "empty")).toEqual({
      "segment.ms": "99999",
      "cleanup.policy": "compact",
      "retention.ms": "7",
    });
  });

  test("a config that the target refuses; the others are set", async () => {
    await create(pair.from, "strict", 1, { "segment.ms": "99999", "file.delete.delay.ms": "7" });
    const responses = [{ errorCode: 44, errorMessage: "too short", resourceType: 2, resourceName: "strict" }];
    pair.atTarget = ({ apiName, request }) => {
      if (apiName !== "IncrementalAlterConfigs" || !JSON.stringify(request).includes("segment.ms")) return undefined;
      return { kind: "answer", response: { throttleTimeMs: 0, responses } };
    };
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic strict: the target refuses segment.ms=99999: .*too short \(POLICY_VIOLATION, 44\)/,
      ),
    ]);
    expect(await configsOf(pair.to, "strict")).toEqual({ "file.delete.delay.ms": "7" });
  });

  test("a target that goes away while offsets of groups are set", async () => {
    await create(pair.from, "t");
    await pair.from.admin.alterGroupOffsets("g", [{ topic: "t", partition: 0, offset: 0 }]);
    await pair.to.close();
    pair.to = clientOf(pair.target.bootstrap, { "default.api.timeout.ms": "300" });
    pair.atTarget = first("OffsetCommit", () => ({ kind: "delay", until: pair.target.crash() }));
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: export: it broke off after the topics were copied: .*delete t at the target/),
    ]);
    await pair.target.restart("crash");
  });

  test("an open transaction, whose records are not copied, nor those behind it", async () => {
    await create(pair.from, "held");
    const producer = await transactional(pair.from, "hanging");
    await send(pair.from, [recordOf("held", 0, null, "before")]);
    producer.begin();
    await producer.send([recordOf("held", 0, null, "open")]);
    await send(pair.from, [recordOf("held", 0, null, "behind")]);
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(false);
    expect((await readAll(pair.to, "held", 0)).records.map(({ value }) => value)).toEqual(["before"]);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/an open transaction holds back held-0 from offset 1: 2 offsets are not copied/),
    ]);
    await producer.abort();
  });

  test("records and offsets that are written meanwhile", async () => {
    for (const name of ["busy", "calm"]) await create(pair.from, name);
    await send(pair.from, [recordOf("busy", 0, null, "first"), recordOf("calm", 0, null, "first")]);
    for (const group of ["moving", "still"]) {
      await pair.from.admin.alterGroupOffsets(group, [{ topic: "busy", partition: 0, offset: 1 }]);
    }
    const meanwhile = async () => {
      await send(pair.from, [recordOf("busy", 0, null, "second")]);
      await pair.from.admin.alterGroupOffsets("moving", [{ topic: "busy", partition: 0, offset: 2 }]);
    };
    pair.atTarget = first("Produce", () => ({ kind: "delay", until: meanwhile() }));
    const { isComplete, lines } = await runExport(pair.from, pair.to);
    expect(isComplete).toBe(false);
    expect((await readAll(pair.to, "busy", 0)).records.map(({ value }) => value)).toEqual(["first"]);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: group moving: it has committed during the export, .*: busy-0\. What to do/),
      expect.stringMatching(
        /^incomplete: topic busy: it was written to during the export; .*\(busy-0\)\. What to do: stop/,
      ),
    ]);
    for (const group of ["moving", "still"]) {
      expect(await pair.to.admin.listGroupOffsets(group)).toMatchObject([{ topic: "busy", partition: 0, offset: 1 }]);
    }
  });

  test("topics, partitions and groups that are new meanwhile", async () => {
    await create(pair.from, "grows");
    await send(pair.from, [recordOf("grows", 0, null, "x")]);
    const meanwhile = async () => {
      await create(pair.from, "late");
      const raw = await BrokerClient.connect(pair.source.port);
      const topics = [{ name: "grows", count: 2, assignments: null }];
      await raw.request(createPartitions, 3, { topics, timeoutMs: 10_000, validateOnly: false });
      raw.close();
      await pair.from.admin.alterGroupOffsets("new", [{ topic: "grows", partition: 0, offset: 1 }]);
    };
    pair.atTarget = first("Produce", () => ({ kind: "delay", until: meanwhile() }));
    const { isComplete, lines } = await runExport(pair.from, pair.to);
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
    await create(pair.from, "left");
    await send(pair.from, [recordOf("left", 0, null, "x")]);
    const stop = new AbortController();
    pair.atTarget = first("InitProducerId", () => {
      stop.abort(new Error("stopped by SIGINT"));
      return { kind: "drop" };
    });
    expect((await runExport(pair.from, pair.to, { signal: stop.signal })).isComplete).toBe(false);
    const { lines } = await runExport(pair.from, pair.to);
    expect(lines.filter((line) => line.startsWith("note: topic left: "))).toEqual([
      expect.stringMatching(/at the target only: .*retention\.ms=-1.* broken off may have left it/),
    ]);
  });

  test("records that somebody else writes to the target meanwhile", async () => {
    await create(pair.from, "shared");
    await send(pair.from, [recordOf("shared", 0, null, "a"), recordOf("shared", 0, null, "b")]);
    const other = clientOf(pair.target.bootstrap);
    const write = async () => {
      await send(other, [recordOf("shared", 0, null, "foreign")]);
    };
    pair.atTarget = first("Produce", () => ({ kind: "delay", until: write() }));
    const { isComplete, lines } = await runExport(pair.from, pair.to);
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
      await create(pair.from, name);
      await send(pair.from, [recordOf(name, 0, null, "x")]);
    }
    pair.atTarget = first("Produce", () => ({ kind: "error", errorCode: ErrorCodes.INVALID_RECORD }));
    const { isComplete, lines } = await runExport(pair.from, pair.to);
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
      await create(pair.from, name);
      await send(pair.from, [recordOf(name, 0, null, name)]);
    }
    await pair.from.admin.alterGroupOffsets("g", [{ topic: "a", partition: 0, offset: 1 }]);
    await pair.to.close();
    pair.to = clientOf(pair.target.bootstrap, { "delivery.timeout.ms": "300", "default.api.timeout.ms": "300" });
    let produced = 0;
    pair.atTarget = ({ apiName }) => {
      if (apiName !== "Produce" || ++produced < 2) return undefined;
      return { kind: "delay", until: pair.target.crash() };
    };
    const broken = await runExport(pair.from, pair.to);
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
    pair.atTarget = () => undefined;
    await pair.target.restart("crash");
    await pair.to.close();
    pair.to = clientOf(pair.target.bootstrap);
    expect((await pair.to.admin.deleteTopics(["a", "b"])).map(({ error }) => error)).toEqual([undefined, undefined]);
    expect((await runExport(pair.from, pair.to)).lines.at(-1)).toBe(
      "export: 3 topics, 3 records, 1 offsets of 1 groups, 0 ACLs: complete",
    );
    for (const name of ["a", "b", "c"]) await expectSame(pair, name, 0);
  });

  test("a source that sends nothing any more", async () => {
    for (const name of ["a", "b"]) {
      await create(pair.from, name);
      await send(pair.from, [recordOf(name, 0, null, name)]);
    }
    pair.atSource = ({ apiName }) => (apiName === "Fetch" ? { kind: "drop" } : undefined);
    const { isComplete, lines } = await runExport(pair.from, pair.to, { readTimeoutMs: 300 });
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(
        /^incomplete: topic a: .*Reading a-0: the source sent nothing for 300 ms, at offset 0 of 1: /,
      ),
      expect.stringMatching(/^incomplete: export: it broke off: topics b and the offsets/),
    ]);
  });

  test("an export that is stopped", async () => {
    await create(pair.from, "t");
    await send(pair.from, [recordOf("t", 0, null, "x")]);
    const stop = new AbortController();
    const never = deferred();
    pair.atTarget = first("Produce", () => {
      stop.abort(new Error("stopped by SIGINT"));
      return { kind: "delay", until: never.promise };
    });
    const { isComplete, lines } = await runExport(pair.from, pair.to, { signal: stop.signal });
    expect(isComplete).toBe(false);
    expect(lines.join("\n")).toMatch(
      /topic t: it is not copied: stopped by SIGINT; 0 of its records were acknowledged/,
    );
    never.resolve();
  });

  test("an export that is stopped before it fills up a partition writes nothing", async () => {
    await create(pair.from, "cut");
    await send(pair.from, [recordOf("cut", 0, null, "a"), recordOf("cut", 0, null, "b")]);
    await cut(pair.from, "cut", 0, 1);
    const stop = new AbortController();
    let produced = 0;
    pair.atTarget = ({ apiName }) => {
      if (apiName === "DeleteRecords") stop.abort(new Error("stopped by SIGINT"));
      if (apiName === "Produce") produced++;
      return undefined;
    };
    const { isComplete, lines } = await runExport(pair.from, pair.to, { signal: stop.signal });
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
    await pair.from.admin.createAcls([{ ...acl, operation: 3 }]);
    const { isComplete, lines } = await runExport(pair.from, client);
    expect(isComplete).toBe(false);
    expect(lines.filter((line) => line.startsWith("incomplete: "))).toEqual([
      expect.stringMatching(/^incomplete: ACLs: none of the 1 is at the target, which has no authorizer/),
    ]);
    await client.close();
    await open.close();
  });

  test("an export to itself", async () => {
    const again = clientOf(pair.source.bootstrap);
    await expect(runExport(pair.from, again)).rejects.toThrow("--from and --to are the same cluster");
    await again.close();
  });
});
