import { beforeEach, describe, expect, test } from "vitest";
import { DataError, type SourceOffset, UnsupportedError } from "../../../../src/api/index.js";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { OffsetModifier, type OffsetTarget } from "../../../../src/herder/offsets/offset-modifier.js";
import type { ConnectorFacts } from "../../../../src/worker/worker.js";

const ALTERED = "The offsets for this connector have been altered successfully";
const FILE = { partition: { file: "f" }, offset: { at: 1 } };
const T0 = { partition: { kafka_topic: "t", kafka_partition: 0 }, offset: { kafka_offset: 5 } };

describe("offsets are modified", () => {
  let clock: SimClock;
  let steps: string[];
  let stored: SourceOffset[];
  let judge: (offsets: readonly object[]) => Promise<boolean>;
  let modifier: OffsetModifier;
  let target: OffsetTarget;
  let hasChanged: boolean;

  const targetOf = (type: "source" | "sink"): OffsetTarget => ({
    name: "c",
    plugin: { type, className: "X" } as ConnectorFacts,
    config: { name: "c" },
    confirm: async () => {
      steps.push("confirm");
      target.assert();
    },
    assert: () => {
      if (hasChanged) throw new Error("c was resumed");
    },
  });

  beforeEach(() => {
    clock = new SimClock();
    steps = [];
    stored = [];
    hasChanged = false;
    judge = async () => true;
    target = targetOf("source");
    modifier = new OffsetModifier({
      code: {
        async alterOffsets(className, _props, offsets) {
          steps.push(`judge ${className}`);
          return judge(offsets);
        },
      },
      store: {
        list: async () => [FILE],
        async alter(_connector, offsets, _nowMs, permit) {
          permit();
          steps.push("alter");
          stored.push(...offsets);
        },
        async reset(_connector, _nowMs, permit) {
          permit();
          steps.push("reset");
        },
      },
      sinks: {
        async alter(_target, offsets, judged) {
          const isComplete = await judged(offsets);
          steps.push(`alter ${JSON.stringify(offsets)}`);
          return isComplete;
        },
        async reset(_target, judged) {
          const isComplete = await judged([{ topic: "t", partition: 0, offset: null }]);
          steps.push("reset");
          return isComplete;
        },
      },
      clock,
    });
  });

  test("of a source: judged by its connector before they are stored", async () => {
    expect(await modifier.modify(target, [FILE])).toBe(ALTERED);
    expect(steps).toEqual(["judge X", "confirm", "alter"]);
    expect(stored).toEqual([FILE]);
  });

  test("of a source: a reset is judged with null for every partition", async () => {
    const judged: object[] = [];
    judge = async (offsets) => {
      judged.push(...offsets);
      return false;
    };
    expect(await modifier.modify(target, undefined)).toBe(
      "The Connect framework-managed offsets for this connector have been reset successfully. However, if this connector manages offsets externally, they will need to be manually reset in the system that the connector uses.",
    );
    expect(judged).toEqual([{ ...FILE, offset: null }]);
    expect(steps).toEqual(["judge X", "confirm", "reset"]);
  });

  test("of a sink: altered and reset through its group", async () => {
    target = targetOf("sink");
    expect(await modifier.modify(target, [T0])).toBe(ALTERED);
    await modifier.modify(target, undefined);
    const alter = 'alter [{"topic":"t","partition":0,"offset":5}]';
    expect(steps).toEqual(["judge X", "confirm", alter, "judge X", "confirm", "reset"]);
  });

  test.each([
    ["its own refusal", new DataError("OFFSET_INVALID", "no such place"), "no such place"],
    [
      "no support",
      new UnsupportedError("OFFSETS_FIXED", "never"),
      "Failed to modify offsets for connector c because it doesn't support external modification of offsets",
    ],
    ["a bug", new Error("x is undefined"), "Failed to modify offsets for source connector c: x is undefined"],
  ])("not at all after %s of the connector", async (_, error, message) => {
    judge = () => Promise.reject(error);
    await expect(modifier.modify(target, [FILE])).rejects.toThrow(message);
    expect(stored).toEqual([]);
  });

  test("not at all if the connector was resumed while it judged them", async () => {
    judge = async () => (hasChanged = true);
    await expect(modifier.modify(target, [FILE])).rejects.toThrow("c was resumed");
    target = targetOf("sink");
    await expect(modifier.modify(target, [T0])).rejects.toThrow("c was resumed");
    expect(steps.filter((step) => /reset|alter/.test(step))).toEqual([]);
  });

  test.each(["source", "sink"] as const)("not after the client of a %s has got its timeout", async (type) => {
    target = targetOf(type);
    const answered = deferred<boolean>();
    judge = () => answered.promise;
    const modified = modifier.modify(target, type === "sink" ? [T0] : [FILE]);
    await clock.advance(90_000);
    answered.resolve(true);
    await expect(modified).rejects.toThrow("Timed out while modifying the offsets of connector c");
    expect(steps.filter((step) => /reset|alter/.test(step))).toEqual([]);
  });
});
