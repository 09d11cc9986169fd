import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { parseAutoRestartPolicy } from "../../../../src/herder/config/auto-restart-config.js";
import { AutoRestarts } from "../../../../src/herder/work/auto-restarts.js";
import type { StatusSubject } from "../../../../src/stores/status-fold.js";

const TASK = { connector: "c", task: 0 };

describe("automatic restarts", () => {
  let clock: SimClock;
  let restarted: (readonly [StatusSubject, boolean, number])[];
  let configOffset: number | undefined;
  let restarts: AutoRestarts;

  beforeEach(() => {
    clock = new SimClock();
    restarted = [];
    configOffset = 7;
    restarts = new AutoRestarts({
      clock,
      logger: silentLogger,
      policyOf: () =>
        configOffset === undefined
          ? undefined
          : { policy: parseAutoRestartPolicy({ "errors.restart.max.attempts": "2" }), configOffset },
      restart: (subject) => restarted.push([subject, restarts.isWaiting(subject), clock.monotonicMs()]),
    });
  });

  test("come after the delay, while FAILED is the newest status", async () => {
    const startMs = clock.monotonicMs();
    expect(restarts.failed(TASK, null)).toMatch(/^Automatic restart 1 of 2 at /);
    await clock.advance(999);
    expect(restarted).toEqual([]);
    await clock.advance(1);
    expect(restarted).toEqual([[TASK, true, startMs + 1000]]);
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
    expect(restarts.isWaiting(TASK)).toBe(false);
  });

  test("do not wait any more once somebody else restarted it between the timer and its turn", async () => {
    restarts.failed(TASK, null);
    await clock.advance(1_000);
    expect(restarts.isWaiting(TASK)).toBe(true);
    restarts.left(TASK, "RUNNING");
    expect(restarts.isWaiting(TASK)).toBe(false);
  });

  test("of a connector and of its tasks are counted apart", async () => {
    expect(restarts.failed({ connector: "c" }, null)).toMatch(/restart 1 of 2/);
    expect(restarts.failed(TASK, null)).toMatch(/restart 1 of 2/);
    await clock.advance(1_000);
    expect(restarted.map(([subject]) => subject)).toEqual([{ connector: "c" }, TASK]);
  });

  test("begin with a fresh budget under a new config", async () => {
    restarts.failed(TASK, null);
    restarts.left(TASK, "RUNNING");
    configOffset = 8;
    expect(restarts.failed(TASK, null)).toMatch(/restart 1 of 2/);
  });

  test("do not come for a connector that is gone, nor after the end", async () => {
    restarts.failed(TASK, null);
    configOffset = undefined;
    await clock.advance(1_000);
    configOffset = 7;
    restarts.failed(TASK, null);
    restarts.stop();
    await clock.advance(3_600_000);
    expect(restarted).toEqual([]);
  });
});
