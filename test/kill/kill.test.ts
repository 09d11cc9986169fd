import { expect, test } from "vitest";
import { runWithKills } from "../support/kill-run.js";
import { seedOf } from "../support/seed.js";

test("20 kills of the worker lose nothing, and objects hold every record exactly once", async () => {
  const result = await runWithKills({ victim: "worker", kills: 20, seed: seedOf("worker kills") });
  console.log(result);
  expect(result.faulty).toEqual([]);
  expect(result.duringSnapshot).toBeGreaterThan(0);
  expect(result.duringSnapshot).toBeLessThan(10);
  expect(result.events).toBeGreaterThan(100_000);
});

test("20 kills of the broker lose nothing that was acknowledged, and the worker recovers by itself", async () => {
  const result = await runWithKills({ victim: "broker", kills: 20, seed: seedOf("broker kills") });
  console.log(result);
  expect(result.faulty).toEqual([]);
  expect(result.duringSnapshot).toBeLessThan(10);
});
