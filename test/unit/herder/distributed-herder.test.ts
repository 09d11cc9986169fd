import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigValidator } from "../../../src/herder/config/config-validator.js";
import { DistributedHerder } from "../../../src/herder/distributed-herder.js";
import { HerderLoop } from "../../../src/herder/herder-loop.js";
import { CompactedLog } from "../../../src/stores/compacted-log.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { StatusStore } from "../../../src/stores/status-store.js";
import { MemoryLog } from "../../support/memory-log.js";
import { FakeGroup } from "./fake-group.js";
import { FakeWorker } from "./fake-worker.js";

const URL = "http://me:8083/";

describe("the herder of one worker", () => {
  let worker: FakeWorker;
  let loop: HerderLoop;
  let herder: DistributedHerder;

  beforeEach(async () => {
    const clock = new SimClock();
    const random = new SeededRandom(7);
    const group = new FakeGroup();
    const openLog = (apply: ConstructorParameters<typeof CompactedLog>[0]["apply"]) =>
      new CompactedLog({ topic: "t", transport: new MemoryLog(), clock, random, logger: silentLogger, apply });
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
          config: new ConfigStore(openLog, listener, silentLogger),
          offset: new OffsetStore(openLog, silentLogger),
          status: new StatusStore(openLog, () => {}, clock, silentLogger),
        }),
        createWorker: async (listener) => (worker = new FakeWorker(listener)),
        joinGroup: (callbacks, protocols) => group.join(callbacks, protocols),
        postTaskConfigs: async () => {},
        onLoggerLevel() {},
      },
    );
    herder = new DistributedHerder({
      loop,
      version: "1.0",
      url: URL,
      signatureAlgorithms: [],
      validator: () => ({}) as ConfigValidator,
      clusterId: async () => "cluster",
      sinkOffsets: async () => [],
    });
    await loop.start();
    await loop.membership.settled();
  });
  afterEach(() => loop.close());

  /** Lets everything that is under way come to rest: all of it is promises and in-memory topics. */
  const rest = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  };
  const put = async (name: string) => {
    await loop.asLeader("put", "put", () => loop.stores.config.putConnector(name, { name }));
    await rest();
  };

  test.each(["STARTED", "PAUSED", "STOPPED"] as const)("names an unknown connector that is to be %s", async (state) => {
    await expect(herder.setTargetState("none", state)).rejects.toMatchObject({
      code: "CONNECTOR_NOT_FOUND",
      message: "Unknown connector none",
    });
  });

  test("restarts with flags no connector whose status nobody has written yet", async () => {
    worker.blocked.add("slow");
    await put("slow");
    const request = { connector: "slow", includeTasks: true, onlyFailed: false };
    await expect(herder.requestRestart(request)).rejects.toMatchObject({
      code: "STATUS_NOT_FOUND",
      message: "Status for connector slow not found",
    });
  });

  test("says of a task that failed at once on its restart that it did", async () => {
    await put("c");
    const id = { connector: "c", task: 0 };
    await herder.restartTask(id);
    worker.startTask = async () => {
      throw new Error("task.isolation is wrong");
    };
    await expect(herder.restartTask(id)).rejects.toThrow(/^Failed to start task: c-0$/);
    await rest();
    expect(herder.taskStatus(id)).toMatchObject({ state: "FAILED" });
  });
});
