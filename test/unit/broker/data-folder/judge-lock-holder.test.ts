import { describe, expect, test } from "vitest";
import { type HolderVerdict, judgeLockHolder } from "../../../../src/broker/data-folder/judge-lock-holder.js";
import {
  type LockHolder,
  lookForProcess,
  type ProcessSight,
  parseLockHolder,
  thisProcess,
} from "../../../../src/broker/data-folder/lock-holder.js";

const HERE = "boot-1 pid:[1]";
const holder: LockHolder = { pid: 7, started: "500", place: HERE, host: "h" };
const alive = (started: string | null): ProcessSight => ({ kind: "alive", started });
const gone: ProcessSight = { kind: "gone" };

describe("the holder of a lock", () => {
  test.each<[string, LockHolder | undefined, string | null, ProcessSight, HolderVerdict]>([
    ["lives here", holder, HERE, alive("500"), "held"],
    ["has gone from here", holder, HERE, gone, "stale"],
    ["has gone, and its id was given out again", holder, HERE, alive("900"), "stale"],
    ["lives here, but the system shows no start times", holder, HERE, alive(null), "watch"],
    ["did not know its own start time", { ...holder, started: null }, HERE, alive("500"), "watch"],
    ["has gone, which needs no start time", { ...holder, started: null }, HERE, gone, "stale"],
    ["is in another PID namespace, where its id is nobody's here", holder, "boot-1 pid:[2]", gone, "watch"],
    ["is in another PID namespace, where its id is another's here", holder, "boot-1 pid:[2]", alive("1"), "watch"],
    [
      "is in another PID namespace, where id and start agree by chance",
      holder,
      "boot-1 pid:[2]",
      alive("500"),
      "watch",
    ],
    ["is of another boot: another host, or this one restarted", holder, "boot-2 pid:[1]", gone, "watch"],
    ["did not know where it is", { ...holder, place: null }, null, gone, "watch"],
    ["has not written its name yet", undefined, HERE, gone, "watch"],
  ])("%s", (_, who, place, sight, verdict) => {
    expect(judgeLockHolder(who, place, sight)).toBe(verdict);
  });

  test("reads back from its file, and nothing else does", () => {
    expect(parseLockHolder(JSON.stringify(holder))).toEqual(holder);
    for (const text of [
      "",
      "{",
      "7 500",
      "null",
      "{}",
      '{"pid":"7","host":"h"}',
      JSON.stringify({ ...holder, place: 3 }),
    ])
      expect(parseLockHolder(text), text).toBeUndefined();
  });

  test("is found when it is this process", () => {
    const self = thisProcess();
    expect(judgeLockHolder(self, self.place, lookForProcess(self.pid))).toBe(
      process.platform === "linux" ? "held" : "watch",
    );
  });
});
