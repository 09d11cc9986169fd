import { expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";
import { StageTracker } from "../../../src/herder/stage-tracker.js";

test("a stage that ended while another one was shown is never shown as current", () => {
  const stages = new StageTracker(new SimClock(1_000));
  const leaveWrite = stages.enter("writing");
  const leaveValidation = stages.enter("validating");
  leaveWrite();
  expect(stages.current).toMatchObject({ description: "validating", completedMs: undefined });
  leaveValidation();
  expect(stages.current).toMatchObject({ description: "validating", completedMs: 1_000 });
});

test("the longer stage shows again when the shorter one within it ends, and the last one when none is left", async () => {
  const stages = new StageTracker(new SimClock(1_000));
  const outer = stages.during("starting", async () => {
    await stages.during("reading", () => {});
    return stages.current;
  });
  expect(await outer).toMatchObject({ description: "starting", completedMs: undefined });
  expect(stages.current).toMatchObject({ description: "starting", completedMs: 1_000 });
});
