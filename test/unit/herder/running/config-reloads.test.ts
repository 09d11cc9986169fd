import { expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { ConfigReloads } from "../../../../src/herder/running/config-reloads.js";

function rig() {
  const clock = new SimClock();
  const restarted: string[] = [];
  let beforeTurn = () => {};
  let restart = (connector: string): void => void restarted.push(connector);
  const reloads = new ConfigReloads({
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    run: async (_stage, step) => {
      beforeTurn();
      await step();
    },
    restart: async (connector) => restart(connector),
  });
  return {
    clock,
    restarted,
    reloads,
    onTurn: (step: () => void) => (beforeTurn = step),
    onRestart: (step: typeof restart) => (restart = step),
  };
}

test("values without a time, and config.action.reload=none, restart nothing", async () => {
  const { clock, restarted, reloads } = rig();
  reloads.resolved("a", {}, undefined);
  reloads.resolved("b", { "config.action.reload": " none " }, 1_000);
  reloads.resolved("c", { "config.action.reload": "restart" }, 1_000);
  await clock.advance(10_000);
  expect(restarted).toEqual(["c"]);
});

test("values that are not valid for a second restart their connector after one, and very long ones are waited for", async () => {
  const { clock, restarted, reloads } = rig();
  reloads.resolved("now", {}, 0);
  reloads.resolved("later", {}, 1e15);
  await clock.advance(999);
  expect(restarted).toEqual([]);
  await clock.advance(10_000);
  expect(restarted).toEqual(["now"]);
});

test("a connector that was stopped before the command's turn is not restarted", async () => {
  const { clock, restarted, reloads, onTurn } = rig();
  reloads.resolved("c", {}, 1_000);
  onTurn(() => reloads.ended("c"));
  await clock.advance(10_000);
  expect(restarted).toEqual([]);
});

test("nothing restarts once the herder stops", async () => {
  const { clock, restarted, reloads } = rig();
  reloads.resolved("c", {}, 1_000);
  reloads.stop();
  await clock.advance(10_000);
  expect([restarted, clock.pendingTimers]).toEqual([[], 0]);
});

test("a restart that fails is tried again, until it succeeds or the connector stops", async () => {
  const { clock, reloads, onRestart } = rig();
  const attempts: string[] = [];
  onRestart((connector) => {
    attempts.push(connector);
    if (connector === "down" || attempts.length < 5) throw new Error("sealed");
    // As the runner does when the connector starts with new values.
    reloads.resolved(connector, {}, 3_600_000);
  });
  reloads.resolved("c", {}, 1_000);
  await clock.advance(100_000);
  expect(attempts).toEqual(["c", "c", "c", "c", "c"]);
  reloads.ended("c");

  reloads.resolved("down", {}, 1_000);
  await clock.advance(1_000_000);
  // At most a minute apart.
  expect(attempts.length).toBeGreaterThan(5 + 16);
  reloads.ended("down");
  const made = attempts.length;
  await clock.advance(1_000_000);
  expect([attempts.length, clock.pendingTimers]).toEqual([made, 0]);
});
