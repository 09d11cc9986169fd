import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { LogLevels } from "../../../src/base/log/log-levels.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { ConfigValidator } from "../../../src/herder/config/config-validator.js";
import { DistributedHerder } from "../../../src/herder/distributed-herder.js";
import { HerderLoop } from "../../../src/herder/herder-loop.js";
import { workOf } from "../../../src/herder/work.js";
import { configRecord } from "../../../src/stores/config-records.js";
import { ConfigStore } from "../../../src/stores/config-store.js";
import { OffsetStore } from "../../../src/stores/offset-store.js";
import { StatusStore } from "../../../src/stores/status-store.js";
import type { ConnectorFacts } from "../../../src/worker/worker.js";
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
  let validator: ConfigValidator;
  let sinkConfigs: unknown[];
  let group: FakeGroup;
  let offsets: MemoryLog;

  beforeEach(async () => {
    configs = new MemoryLog();
    validating = undefined;
    sinkConfigs = [];
    const random = new SeededRandom(7);
    group = new FakeGroup(clock);
    offsets = new MemoryLog();
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
        openStores: async (listeners) => ({
          config: new ConfigStore(openLog(configs), listeners.config),
          offset: new OffsetStore(openLog(offsets)),
          status: new StatusStore(openLog(), listeners.status, clock, random, silentLogger),
        }),
        createWorker: async (listener) => (worker = new FakeWorker(listener)),
        joinGroup: (callbacks, protocols) => group.join(callbacks, protocols),
        postTaskConfigs: async () => {},
        putFence: async () => {},
        fenceProducers: async () => {},
        onLoggerLevel() {},
      },
    );
    validator = {
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
      protocol: "sessioned",
      validator: () => validator,
      clusterId: async () => "cluster",
      levels: new LogLevels("info"),
      clock,
      providers: new Map([["vault", { get: () => new Map([["servers", "b:9092"]]) }]]),
      fencesSources: false,
      sinkOffsets: {
        async list(config) {
          sinkConfigs.push(config);
          throw new Error(`no broker at ${config["consumer.override.bootstrap.servers"]}`);
        },
        alter: async (_target, offsets, judge) => judge(offsets),
        reset: async (_target, judge) => judge([]),
      },
    });
    await loop.start();
    await loop.membership.settled();
  });
  afterEach(() => loop.close());

  const put = async (name: string, config: Readonly<Record<string, string>> = {}) => {
    await loop.asLeader("put", "put", (writer) => writer.putConnector(name, { name, ...config }));
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

  test("names an unknown connector in a restart", async () => {
    const unknown = { code: "CONNECTOR_NOT_FOUND", message: "Unknown connector: none" };
    await expect(herder.restartConnector("none")).rejects.toMatchObject(unknown);
    const request = { connector: "none", includeTasks: true, onlyFailed: false };
    await expect(herder.requestRestart(request)).rejects.toMatchObject(unknown);
    await expect(herder.restartTask({ connector: "none", task: 0 })).rejects.toMatchObject(unknown);
  });

  test("shows what will restart as RESTARTING, with its version and the trace of its failure", async () => {
    await put("c");
    worker.listener.taskStatus({ connector: "c", task: 0 }, "FAILED", "Error: boom", "1.0");
    await clock.settled();
    const { connector, tasks } = await herder.requestRestart({ connector: "c", includeTasks: true, onlyFailed: true });
    expect(connector).toMatchObject({ state: "RUNNING" });
    expect(tasks).toMatchObject([{ id: 0, state: "RESTARTING", version: "1.0", trace: "Error: boom" }]);
  });

  test("a patch leaves the name alone: another one, or none, is refused", async () => {
    await put("c", { a: "1" });
    await expect(herder.patchConfig("c", { name: "d" })).rejects.toThrow("(d) doesn't match connector name in the URL");
    const validated = vi.spyOn(validator, "validate").mockRejectedValue(new Error("Missing required configuration"));
    await expect(herder.patchConfig("c", { name: null })).rejects.toThrow("Missing required configuration");
    expect(validated).toHaveBeenCalledWith({ a: "1" });
  });

  test("tasks that still use a topic note it again after a reset, whichever worker was asked", async () => {
    await put("c");
    worker.listener.topicUsed({ connector: "c", task: 0 }, "t");
    worker.listener.topicUsed({ connector: "deleted", task: 0 }, "t");
    await clock.settled();
    expect([herder.topics("c"), herder.topics("deleted")]).toEqual([["t"], []]);
    herder.resetTopics("c");
    await clock.settled();
    expect(herder.topics("c")).toEqual([]);
    expect(worker.calls.at(-1)).toBe("forget topics of c");
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
    vi.spyOn(worker.plugins, "find").mockReturnValue({ type: "sink" } as ConnectorFacts);
    const config = { name: "s", "connector.class": "Sink", "consumer.override.bootstrap.servers": SERVERS };
    await loop.asLeader("put", "put", (writer) => writer.putConnector("s", config));
    await clock.settled();
    await expect(herder.offsets("s")).rejects.toThrow(`no broker at ${SERVERS}`);
    expect(sinkConfigs).toEqual([{ ...config, "consumer.override.bootstrap.servers": "b:9092" }]);
  });

  describe("modifies offsets", () => {
    const ONE = { partition: { file: "f", of: 1 }, offset: { at: 1 } };
    const KEY = '["c",{"file":"f","of":1}]';
    const alterations = () => worker.calls.filter((call) => call === "alter offsets of X").length;

    beforeEach(async () => {
      vi.spyOn(worker.plugins, "find").mockReturnValue({ type: "source", className: "X" } as ConnectorFacts);
      await put("c", { "connector.class": "X" });
    });
    const stop = async () => {
      await herder.setTargetState("c", "STOPPED");
      await clock.settled();
    };

    test("of no connector that is unknown, runs or is paused", async () => {
      await expect(herder.alterOffsets("none", [ONE])).rejects.toMatchObject({ message: "Connector none not found" });
      const refusal = {
        code: "CONNECTOR_NOT_STOPPED",
        message:
          "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified connector by issuing a 'PUT' request to the '/connectors/c/stop' endpoint",
      };
      await expect(herder.alterOffsets("c", [ONE])).rejects.toMatchObject(refusal);
      await herder.setTargetState("c", "PAUSED");
      await expect(herder.resetOffsets("c")).rejects.toMatchObject(refusal);
    });

    test("under the key that is in the topic already, and resets them", async () => {
      await stop();
      const javaKey = '["c",{"of":1,"file":"f"}]';
      offsets.append({ key: Buffer.from(javaKey), value: Buffer.from('{"at":9}') });
      await herder.alterOffsets("c", [ONE, { partition: { file: "g" }, offset: { at: 2 } }]);
      expect(await herder.offsets("c")).toEqual([ONE, { partition: { file: "g" }, offset: { at: 2 } }]);
      await herder.resetOffsets("c");
      expect(await herder.offsets("c")).toEqual([]);
      expect(offsets.texts.slice(1)).toEqual([
        [javaKey, '{"at":1}'],
        ['["c",{"file":"g"}]', '{"at":2}'],
        [javaKey, null],
        ['["c",{"file":"g"}]', null],
        ['["c",null]', "{}"],
      ]);
    });

    test("only once every worker has stopped the tasks", async () => {
      const gate = deferred();
      group.gate = gate.promise;
      await herder.setTargetState("c", "STOPPED");
      const altered = herder.alterOffsets("c", [ONE]);
      await clock.settled();
      expect(alterations()).toBe(0);
      gate.resolve();
      await altered;
      expect(offsets.texts).toEqual([[KEY, '{"at":1}']]);
    });

    test("not once their clients have got their timeouts, while the group or an earlier request took so long", async () => {
      const gate = deferred();
      group.gate = gate.promise;
      await herder.setTargetState("c", "STOPPED");
      const both = [herder.alterOffsets("c", [ONE]), herder.resetOffsets("c")];
      const refused = both.map((each) => expect(each).rejects.toMatchObject({ code: "OFFSETS_NOT_ALTERED" }));
      await clock.advance(90_000);
      gate.resolve();
      await clock.advance(1_000);
      await Promise.all(refused);
      expect([alterations(), offsets.texts]).toEqual([0, []]);
    });

    test("not of a connector that is resumed meanwhile, even if this worker has not read that yet", async () => {
      await stop();
      const judged = deferred<boolean>();
      worker.judgeOffsets = () => judged.promise;
      const altered = herder.alterOffsets("c", [ONE]);
      await clock.settled();
      configs.held = true;
      configs.append(configRecord.targetState("c", "STARTED"));
      judged.resolve(true);
      await clock.settled();
      configs.held = false;
      configs.wake();
      await expect(altered).rejects.toMatchObject({ code: "CONFIG_CHANGED" });
      expect(offsets.texts).toEqual([]);
    });

    test("of one connector one request at a time", async () => {
      await stop();
      const judged = deferred<boolean>();
      worker.judgeOffsets = () => judged.promise;
      const both = [herder.alterOffsets("c", [ONE]), herder.resetOffsets("c")];
      await clock.settled();
      expect(alterations()).toBe(1);
      judged.resolve(true);
      await Promise.all(both);
      expect(offsets.texts).toEqual([
        [KEY, '{"at":1}'],
        [KEY, null],
        ['["c",null]', "{}"],
      ]);
    });

    test("on the leader", async () => {
      group.elsewhere = { url: "http://other:8083/", work: workOf([], []) };
      await group.rebalance();
      await expect(herder.alterOffsets("c", [ONE])).rejects.toMatchObject({ url: "http://other:8083/" });
    });

    test("with the values of the connector's references, and shows none of them", async () => {
      const config = { "connector.class": "X", servers: SERVERS };
      await put("c", config);
      await stop();
      let asked: object | undefined;
      worker.judgeOffsets = async (_offsets, props) => {
        asked = props;
        throw new Error("b:9092 refuses");
      };
      await expect(herder.resetOffsets("c")).rejects.toThrow(
        `Failed to modify offsets for source connector c: ${SERVERS} refuses`,
      );
      expect(asked).toEqual({ name: "c", ...config, servers: "b:9092" });
    });
  });
});
