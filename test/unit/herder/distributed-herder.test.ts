import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { ConnectorPlugin } from "../../../src/api/index.js";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigValidator } from "../../../src/herder/config/config-validator.js";
import { DistributedHerder } from "../../../src/herder/distributed-herder.js";
import { HerderLoop } from "../../../src/herder/herder-loop.js";
import { configRecord } from "../../../src/stores/config-records.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { StatusStore } from "../../../src/stores/status-store.js";
import { MemoryLog, openLogOver } from "../../support/memory-log.js";
import { FakeGroup } from "./fake-group.js";
import { FakeWorker } from "./fake-worker.js";

const SERVERS = ["$", "{vault:servers}"].join("");
const URL = "http://me:8083/";

describe("the herder of one worker", () => {
  const clock = new SimClock();
  let worker: FakeWorker;
  let configs: MemoryLog;
  let validating: Promise<void> | undefined;
  let loop: HerderLoop;
  let herder: DistributedHerder;
  let sinkConfigs: unknown[];

  beforeEach(async () => {
    configs = new MemoryLog();
    validating = undefined;
    sinkConfigs = [];
    const random = new SeededRandom(7);
    const group = new FakeGroup(clock);
    const openLog = (log = new MemoryLog()) => openLogOver(log, { clock, random, logger: silentLogger });
    loop = new HerderLoop(
      {
        workerId: "me:8083",
        url: URL,
        protocol: "compatible",
        syncTimeoutMs: 3000,
        maxRebalanceDelayMs: 0,
        tracksTopics: true,
        sessionKeyKind: { algorithm: "HmacSHA256" },
        sessionKeyTtlMs: 3_600_000,
        providers: new Map(),
        clock,
        random,
        logger: silentLogger,
      },
      {
        openStores: async (listener) => ({
          config: new ConfigStore(openLog(configs), listener),
          offset: new OffsetStore(openLog()),
          status: new StatusStore(openLog(), () => {}, clock, random, silentLogger),
        }),
        createWorker: async (listener) => (worker = new FakeWorker(listener)),
        joinGroup: (callbacks, protocols) => group.join(callbacks, protocols),
        postTaskConfigs: async () => {},
        onLoggerLevel() {},
      },
    );
    const validator = {
      async validate() {
        await validating;
        return { name: "", error_count: 0, groups: [], configs: [] };
      },
    } as unknown as ConfigValidator;
    herder = new DistributedHerder({
      loop,
      version: "1.0",
      url: URL,
      signatureAlgorithms: [],
      validator: () => validator,
      clusterId: async () => "cluster",
      levels: new LogLevels("info"),
      clock,
      providers: new Map([["vault", { get: () => new Map([["servers", "b:9092"]]) }]]),
      sinkOffsets: async (config) => {
        sinkConfigs.push(config);
        throw new Error(`no broker at ${config["consumer.override.bootstrap.servers"]}`);
      },
    });
    await loop.start();
    await loop.membership.settled();
  });
  afterEach(() => loop.close());

  const put = async (name: string) => {
    await loop.asLeader("put", "put", (writer) => writer.putConnector(name, { name }));
    await clock.settled();
  };

  test.each(["STARTED", "PAUSED", "STOPPED"] as const)(
    "names an unknown connector in a change to %s",
    async (state) => {
      await expect(herder.setTargetState("none", state)).rejects.toMatchObject({
        code: "CONNECTOR_NOT_FOUND",
        message: "Unknown connector none",
      });
    },
  );

  test("two patches of one connector lose nothing, though both were decided on the same config", async () => {
    await put("c");
    const gate = deferred();
    validating = gate.promise;
    const patches = [herder.patchConfig("c", { a: "1" }), herder.patchConfig("c", { b: "2" })];
    await clock.settled();
    gate.resolve();
    await Promise.all(patches);
    expect(herder.connectorInfo("c").config).toEqual({ name: "c", a: "1", b: "2" });
  });

  test("a patch is decided again when another leader has written since the config was read", async () => {
    await put("c");
    const gate = deferred();
    validating = gate.promise;
    const patching = herder.patchConfig("c", { a: "1" });
    await clock.settled();
    // Not read here yet: the write itself must check.
    configs.held = true;
    configs.append(configRecord.connector("c", { name: "c", password: `\${vault:password}` }));
    gate.resolve();
    await clock.settled();
    configs.held = false;
    configs.wake();
    await patching;
    expect(herder.connectorInfo("c").config).toEqual({ name: "c", a: "1", password: `\${vault:password}` });
  });

  test("refuses task configs generated from another config than the leader's", async () => {
    await put("c");
    const before = configs.texts.length;
    const published = herder.publishTaskConfigs("c", [{ task: "x" }], Buffer.from("[]"), undefined, 99);
    await expect(published).rejects.toMatchObject({ name: "ConflictError", code: "CONFIG_CHANGED" });
    expect(configs.texts).toHaveLength(before);
  });

  test("restarts with flags no connector without a status", async () => {
    worker.blocked.add("slow");
    await put("slow");
    const request = { connector: "slow", includeTasks: true, onlyFailed: false };
    await expect(herder.requestRestart(request)).rejects.toMatchObject({
      code: "STATUS_NOT_FOUND",
      message: "Status for connector slow not found",
    });
  });

  test("reports a task that fails at once on its restart", async () => {
    await put("c");
    const id = { connector: "c", task: 0 };
    await herder.restartTask(id);
    worker.startTask = async () => {
      throw new Error("task.isolation is wrong");
    };
    await expect(herder.restartTask(id)).rejects.toThrow(/^Failed to start task: c-0$/);
    await clock.settled();
    expect(herder.taskStatus(id)).toMatchObject({ state: "FAILED" });
  });

  test("reads a sink's offsets with its references' values, and shows none of them", async () => {
    vi.spyOn(worker.plugins, "find").mockReturnValue({ type: "sink" } as ConnectorPlugin);
    const config = { name: "s", "connector.class": "Sink", "consumer.override.bootstrap.servers": SERVERS };
    await loop.asLeader("put", "put", (writer) => writer.putConnector("s", config));
    await clock.settled();
    await expect(herder.offsets("s")).rejects.toThrow(`no broker at ${SERVERS}`);
    expect(sinkConfigs).toEqual([{ ...config, "consumer.override.bootstrap.servers": "b:9092" }]);
  });
});
