import { beforeEach, describe, expect, test } from "vitest";
import { ConfigError, ConflictError, NotFoundError } from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { Redactions } from "../../../../src/herder/config/redaction.js";
import { TaskConfigPublisher } from "../../../../src/herder/membership/task-config-publisher.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import type { StoreRecord } from "../../../../src/stores/log-transport.js";
import { configsOf, connectorRecords } from "../configs.js";
import { FakeWorker } from "../fake-worker.js";

describe("the publisher of task configs", () => {
  let clock: SimClock;
  let worker: FakeWorker;
  let published: unknown[][];
  let decidedOn: number[];
  let reported: (string | null)[];
  let failure: Error | undefined;
  let gate: Promise<void> | undefined;
  let publisher: TaskConfigPublisher;
  let records: readonly StoreRecord[];
  let startedFrom: number;

  beforeEach(async () => {
    clock = new SimClock();
    worker = new FakeWorker({ connectorStatus() {}, taskStatus() {}, requestReconfiguration() {}, topicUsed() {} });
    published = [];
    decidedOn = [];
    reported = [];
    failure = undefined;
    gate = undefined;
    records = connectorRecords("c", 1);
    startedFrom = 0;
    publisher = new TaskConfigPublisher({
      worker,
      clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      signal: new AbortController().signal,
      redactions: new Redactions(clock),
      configs: () => configsOf(...records),
      startedFrom: () => startedFrom,
      report: (_connector, trace) => reported.push(trace?.split("\n")[0] ?? null),
      async publish(connector, taskConfigs, configOffset) {
        await gate;
        if (failure) throw failure;
        decidedOn.push(configOffset);
        published.push([connector, taskConfigs]);
      },
    });
    await worker.startConnector("c", {}, "STARTED");
  });

  test("publishes changed task configs, and nothing without a change", async () => {
    publisher.request("c");
    await clock.advance(0);
    expect(published).toEqual([]);
    worker.generated.set("c", [{ a: "1" }]);
    publisher.request("c");
    await clock.advance(0);
    expect(published).toEqual([["c", [{ a: "1" }]]]);
    expect(decidedOn).toEqual([0]);
  });

  test("makes one more call for all requests that arrive during a call", async () => {
    worker.generated.set("c", [{ a: "1" }]);
    const open = deferred();
    gate = open.promise;
    publisher.request("c");
    await clock.advance(0);
    for (let request = 0; request < 5; request++) publisher.request("c");
    worker.generated.set("c", [{ a: "2" }]);
    open.resolve();
    await clock.advance(0);
    expect(published).toEqual([
      ["c", [{ a: "1" }]],
      ["c", [{ a: "2" }]],
    ]);
  });

  test("retries until it succeeds, and shows the failure meanwhile", async () => {
    worker.generated.set("c", [{ a: "1" }]);
    failure = new Error("no leader");
    publisher.request("c");
    await clock.advance(249);
    expect(reported).toEqual(["Its task configurations could not be published; retrying: Error: no leader"]);
    await clock.advance(1);
    expect(reported).toHaveLength(2);
    failure = undefined;
    await clock.advance(500);
    expect(published).toHaveLength(1);
    expect(reported.at(-1)).toBeNull();
    expect(clock.pendingTimers).toBe(0);
  });

  test.each([
    new NotFoundError("CLASS_NOT_FOUND", "no such table"),
    new ConflictError("CONNECTOR_EXISTS", "the slot is in use"),
  ])("does not mistake a plugin's own %s for a missing connector", async (error) => {
    worker.taskConfigs = async () => {
      throw error;
    };
    publisher.request("c");
    await clock.advance(250);
    expect(reported).toHaveLength(2);
    expect(reported[0]).toContain(error.message);
  });

  test("publishes nothing generated from a config that has changed meanwhile: it may contain a secret", async () => {
    const answer = deferred<Record<string, string>[]>();
    worker.taskConfigs = () => answer.promise;
    records = [configRecord.connector("c", { name: "c", password: `\${vault:password}` }), ...records.slice(1)];
    publisher.request("c");
    await clock.advance(0);
    // By now the user has removed the password; the generated configs still contain the reference's value.
    records = [...records, configRecord.connector("c", { name: "c" })];
    answer.resolve([{ password: "hunter2" }]);
    await clock.advance(60_000);
    expect(published).toEqual([]);
  });

  test("commits the tasks of a PAUSED connector again after its config was written, or compaction would lose them", async () => {
    await worker.setConnectorTargetState("c", "PAUSED");
    records = [configRecord.targetState("c", "PAUSED"), ...connectorRecords("c", 1)];
    publisher.request("c");
    await clock.advance(0);
    expect(published).toEqual([]);
    records = [...records, configRecord.connector("c", { name: "c", changed: "yes" })];
    startedFrom = 4;
    publisher.request("c");
    await clock.advance(0);
    expect([published, decidedOn]).toEqual([[["c", [{ task: "0" }]]], [4]]);
  });

  test("does not retry for a connector that does not run, or that has FAILED by its task configs", async () => {
    await worker.setConnectorTargetState("c", "PAUSED");
    publisher.request("c");
    await clock.advance(60_000);
    await worker.stopConnectors(["c"]);
    worker.taskConfigs = async () => {
      throw new ConfigError("tasks.max", "too many");
    };
    publisher.request("c");
    await clock.advance(60_000);
    expect([published, reported, clock.pendingTimers]).toEqual([[], [], 0]);
  });
});
