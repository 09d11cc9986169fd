import { expect, test } from "vitest";
import { runWithKills } from "../../support/kill-run.js";
import { seedOf } from "../../support/seed.js";

// The long form of both is test/kill.
test("3 kills of the worker lose nothing, and objects hold every record exactly once", async () => {
  const result = await runWithKills({ victim: "worker", kills: 3, seed: seedOf("worker kills") });
  expect(result.faulty).toEqual([]);
  expect(result.duringSnapshot).toBeGreaterThan(0);
}, 240_000);

test("a kill of the broker loses nothing that was acknowledged, and the worker recovers by itself", async () => {
  const result = await runWithKills({ victim: "broker", kills: 1, seed: seedOf("broker kills") });
  expect(result.faulty).toEqual([]);
}, 240_000);
