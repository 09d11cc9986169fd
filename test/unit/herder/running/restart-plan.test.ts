import { describe, expect, test } from "vitest";
import { planRestart, strongerRestart } from "../../../../src/herder/running/restart-plan.js";

const tasks = [
  [0, "RUNNING"],
  [1, "FAILED"],
] as const;

describe("a restart", () => {
  test.each([
    [false, false, "RUNNING", { connector: true, tasks: [] }],
    [false, true, "RUNNING", { connector: true, tasks: [0, 1] }],
    [true, false, "RUNNING", { connector: false, tasks: [] }],
    [true, true, "RUNNING", { connector: false, tasks: [1] }],
    [true, false, "FAILED", { connector: true, tasks: [] }],
    [true, true, "FAILED", { connector: true, tasks: [1] }],
  ] as const)(
    "with onlyFailed=%s and includeTasks=%s of a connector that is %s",
    (onlyFailed, includeTasks, state, plan) => {
      expect(planRestart({ onlyFailed, includeTasks }, state, tasks)).toEqual(plan);
    },
  );

  test("with the larger effect wins over another one of the same connector", () => {
    const request = (onlyFailed: boolean, includeTasks: boolean) => ({ connector: "c", onlyFailed, includeTasks });
    const rising = [request(true, false), request(true, true), request(false, false), request(false, true)];
    for (const [index, weaker] of rising.entries()) {
      for (const stronger of rising.slice(index)) {
        expect(strongerRestart(weaker, stronger)).toBe(stronger);
        expect(strongerRestart(stronger, weaker)).toEqual(stronger);
      }
    }
  });
});
