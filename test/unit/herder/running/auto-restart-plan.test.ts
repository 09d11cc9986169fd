import { describe, expect, test } from "vitest";
import { autoRestartFaults, parseAutoRestartPolicy } from "../../../../src/herder/config/auto-restart-config.js";
import { autoRestartNote, NO_RESTARTS, planAutoRestart } from "../../../../src/herder/running/auto-restart-plan.js";

const policy = (keys: Record<string, string> = {}) =>
  parseAutoRestartPolicy({
    "errors.restart.max.attempts": "3",
    "errors.restart.delay.ms": "1000",
    "errors.restart.delay.max.ms": "3000",
    "errors.restart.reset.ms": "60000",
    ...keys,
  });

describe("automatic restarts", () => {
  test("are off unless the connector asks for them", () => {
    expect(planAutoRestart(parseAutoRestartPolicy({}), NO_RESTARTS, "retriable", 0)).toEqual({
      restart: false,
      why: "off",
    });
  });

  test("wait twice as long each time, up to the longest delay, until the budget is used", () => {
    const plans = [0, 1, 2, 3].map((attempts) =>
      planAutoRestart(policy(), { attempts, runningSinceMs: 0 }, "retriable", 10),
    );
    expect(plans).toEqual([
      { restart: true, attempt: 1, delayMs: 1000 },
      { restart: true, attempt: 2, delayMs: 2000 },
      { restart: true, attempt: 3, delayMs: 3000 },
      { restart: false, why: "budget" },
    ]);
  });

  test("never end without a limit", () => {
    const endless = policy({ "errors.restart.max.attempts": "-1" });
    expect(planAutoRestart(endless, { attempts: 5000, runningSinceMs: undefined }, null, 0)).toEqual({
      restart: true,
      attempt: 5001,
      delayMs: 3000,
    });
  });

  test("are counted anew after a long run", () => {
    const history = { attempts: 3, runningSinceMs: 1_000 };
    expect(planAutoRestart(policy(), history, "retriable", 60_999).restart).toBe(false);
    expect(planAutoRestart(policy(), history, "retriable", 61_000)).toMatchObject({ restart: true, attempt: 1 });
  });

  test("are for the classes of errors that the connector names; others are `other`", () => {
    const decide = (classes: string, kind: "data" | null) =>
      planAutoRestart(policy({ "errors.restart.classes": classes }), NO_RESTARTS, kind, 0).restart;
    expect([decide("data", "data"), decide("data", null), decide("other", "data"), decide("other", null)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    // A failure that a restart hardly cures.
    expect(planAutoRestart(policy(), NO_RESTARTS, "config", 0)).toEqual({ restart: false, why: "class" });
  });

  test("say in the status what happens next", () => {
    const note = (attempts: number, kind: "retriable" | "data") => {
      const plan = planAutoRestart(policy(), { attempts, runningSinceMs: undefined }, kind, 0);
      return autoRestartNote(plan, policy(), kind, Date.UTC(2026, 0, 2, 3, 4, 5));
    };
    expect(note(1, "retriable")).toBe(
      "Automatic restart 2 of 3 at 2026-01-02T03:04:07.000Z (errors.restart.max.attempts)",
    );
    expect(note(3, "retriable")).toBe(
      "No automatic restart: it has failed after all 3 of errors.restart.max.attempts. Remove the cause, then restart it",
    );
    expect(note(0, "data")).toContain("errors.restart.classes lacks the error's class, data");
  });

  test("are refused with bad values, by key", () => {
    const faults = autoRestartFaults({
      "errors.restart.max.attempts": "-2",
      "errors.restart.classes": "retriable,often",
      "errors.restart.delay.ms": "5",
      topic: "t",
    });
    expect([...faults].map(([key, [message]]) => [key, message])).toEqual([
      [
        "errors.restart.max.attempts",
        "Invalid value -2 for configuration errors.restart.max.attempts: Value must be -1 (no limit) or at least 0",
      ],
      [
        "errors.restart.classes",
        "Invalid value often for configuration errors.restart.classes: Must be one of: retriable, data, config, not-found, conflict, unsupported, other",
      ],
      [
        "errors.restart.delay.ms",
        "Invalid value 5 for configuration errors.restart.delay.ms: Value must be at least 100",
      ],
    ]);
  });

  test.each([
    [
      { "errors.restart.delay.ms": "70000" },
      "errors.restart.delay.ms",
      "Invalid value 70000 for configuration errors.restart.delay.ms: Value must be at most errors.restart.delay.max.ms, 60000",
    ],
    [
      { "errors.restart.delay.max.ms": "500" },
      "errors.restart.delay.max.ms",
      "Invalid value 500 for configuration errors.restart.delay.max.ms: Value must be at least errors.restart.delay.ms, 1000",
    ],
  ])("with a first delay above the longest are refused: %j", (keys, key, message) => {
    expect(autoRestartFaults(keys)).toEqual(new Map([[key, [message]]]));
    expect(autoRestartFaults({ "errors.restart.delay.ms": "500", "errors.restart.delay.max.ms": "500" })).toEqual(
      new Map(),
    );
  });
});
