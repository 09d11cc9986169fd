import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { SystemClock } from "../../../../src/base/clock.js";
import { CodeOwner } from "../../../../src/worker/host/code-owner.js";

const clock = new SystemClock();

test("code keeps its owner through promises, timers, turns and events; other code has none", async () => {
  const shared = new SharedArrayBuffer(4);
  const outside = () => new Int32Array(shared)[0];
  const owners = new CodeOwner(shared);
  expect([owners.current, outside()]).toEqual([0, 0]);
  const seen: (readonly [string, number, number | undefined])[] = [];
  const note = (where: string) => seen.push([where, owners.current, outside()]);
  const work = owners.run(5, async () => {
    note("at once");
    await null;
    note("a promise");
    await clock.turn();
    note("a turn");
    await new Promise<void>((resolve) => clock.schedule(1, resolve));
    note("a timer");
    const events = new EventEmitter().on("done", () => note("an event"));
    events.emit("done");
  });
  const other = owners.run(-2, async () => {
    await clock.turn();
    note("another owner");
  });
  await Promise.all([work, other]);
  await clock.turn();
  expect([owners.current, outside()]).toEqual([0, 0]);
  expect(seen.filter(([where]) => where !== "another owner").map(([, ...by]) => by)).toEqual(Array(5).fill([5, 5]));
  expect(seen).toContainEqual(["another owner", -2, -2]);
});
