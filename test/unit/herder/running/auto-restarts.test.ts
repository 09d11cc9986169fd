import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { AutoRestarts } from "../../../../src/herder/running/auto-restarts.js";
import type { ConfigSnapshot } from "../../../../src/stores/config-fold.js";
import { configRecord } from "../../../../src/stores/config-records.js";
import type { StatusSubject } from "../../../../src/stores/status-fold.js";
import { configsOf } from "../configs.js";

const TASK = { connector: "c", task: 0 };
const WRITTEN = configRecord.connector("c", { "errors.restart.max.attempts": "2" });

describe("automatic restarts", () => {
  let clock: SimClock;
  let configs: ConfigSnapshot;
  let restarted: (readonly [StatusSubject, number])[];
  let beforeTurn: () => void;
  let restarts: AutoRestarts;
  let readProvider: () => ReadonlyMap<string, string>;

  beforeEach(() => {
    clock = new SimClock();
    configs = configsOf(WRITTEN);
    restarted = [];
    beforeTurn = () => {};
    readProvider = () => new Map([["attempts", "2"]]);
    restarts = new AutoRestarts({
      clock,
      logger: silentLogger,
      providers: new Map([["vault", { get: () => readProvider() }]]),
      configs: () => configs,
      run: async (_, step) => {
        beforeTurn();
        await step();
      },
      restart: async (subject) => void restarted.push([subject, clock.monotonicMs()]),
    });
  });

  test("come after the delay, while FAILED is the newest status", async () => {
    const startMs = clock.monotonicMs();
    expect(restarts.failed(TASK, null)).toMatch(/^Automatic restart 1 of 2 at /);
    await clock.advance(999);
    expect(restarted).toEqual([]);
    await clock.advance(1);
    expect(restarted).toEqual([[TASK, startMs + 1000]]);
    restarts.left(TASK, "RUNNING");
    expect(restarts.failed(TASK, null)).toMatch(/^Automatic restart 2 of 2 at /);
    await clock.advance(2_000);
    restarts.left(TASK, "RUNNING");
    expect(restarts.failed(TASK, null)).toMatch(/^No automatic restart: .* all 2 of /);
    await clock.advance(3_600_000);
    expect(restarted).toHaveLength(2);
  });

  test.each(["RUNNING", "PAUSED", "UNASSIGNED", "STOPPED"] as const)("do not come after %s", async (state) => {
    restarts.failed(TASK, null);
    restarts.left(TASK, state);
    await clock.advance(3_600_000);
    expect(restarted).toEqual([]);
  });

  test("do not come once somebody else restarted it between the timer and its turn", async () => {
    beforeTurn = () => restarts.left(TASK, "RUNNING");
    restarts.failed(TASK, null);
    await clock.advance(1_000);
    expect(restarted).toEqual([]);
  });

  test("of a connector and of its tasks are counted apart", async () => {
    expect(restarts.failed({ connector: "c" }, null)).toMatch(/restart 1 of 2/);
    expect(restarts.failed(TASK, null)).toMatch(/restart 1 of 2/);
    await clock.advance(1_000);
    expect(restarted.map(([subject]) => subject)).toEqual([{ connector: "c" }, TASK]);
  });

  test("come as promised while the provider of their keys is down, and go on with the same budget", async () => {
    configs = configsOf(configRecord.connector("c", { "errors.restart.max.attempts": `\${vault:restarts:attempts}` }));
    expect(restarts.failed(TASK, null)).toMatch(/restart 1 of 2/);
    readProvider = () => {
      throw new Error("the vault is sealed");
    };
    await clock.advance(1_000);
    expect(restarted.map(([subject]) => subject)).toEqual([TASK]);
    restarts.begun(TASK);
    expect(restarts.failed(TASK, null)).toMatch(/restart 2 of 2/);
  });

  test("begin with a fresh budget under a new config", async () => {
    restarts.failed(TASK, null);
    restarts.left(TASK, "RUNNING");
    configs = configsOf(WRITTEN, WRITTEN);
    expect(restarts.failed(TASK, null)).toMatch(/restart 1 of 2/);
  });

  test("do not come for a connector that is gone, nor after the end", async () => {
    restarts.failed(TASK, null);
    configs = configsOf();
    await clock.advance(1_000);
    configs = configsOf(WRITTEN);
    restarts.failed(TASK, null);
    restarts.stop();
    await clock.advance(3_600_000);
    expect(restarted).toEqual([]);
  });
});
