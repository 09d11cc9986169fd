import { describe, expect, test } from "vitest";
import { type RecordFacts, Rotation, type RotationSettings } from "../../../../../connectors/s3/partition/rotation.js";
import { planNextRotation } from "../../../../../connectors/s3/partition/rotation-schedule.js";
import { TimeZone } from "../../../../../connectors/s3/time/time-zone.js";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

function rotationOf(settings: Partial<RotationSettings>, nowMs = 0): Rotation {
  return new Rotation(
    {
      flushSize: 1000,
      flushBytes: undefined,
      intervalMs: undefined,
      rotateOnPartitionChange: true,
      nextScheduledMs: undefined,
      idleMs: undefined,
      tombstonePartition: undefined,
      maxOpenFiles: undefined,
      ...settings,
    },
    nowMs,
  );
}

const facts = (
  encodedPartition: string,
  timestampMs: number | null = null,
  schema: RecordFacts["schema"] = "same",
) => ({
  encodedPartition,
  timestampMs,
  schema,
});

/** Start offsets of the files of each directory, for records [directory, time]; the last files may stay open. */
function filesOf(rotation: Rotation, records: readonly (readonly [string, number])[], nowMs = 0): string[] {
  const files: string[] = [];
  let open = new Map<string, number[]>();
  const rotate = (cause: Parameters<Rotation["rotated"]>[0]) => {
    for (const [directory, offsets] of open) files.push(`${directory}:${offsets.join(",")}`);
    open = new Map();
    rotation.rotated(cause, nowMs);
  };
  records.forEach(([directory, timestampMs], offset) => {
    const factsNow = () => facts(directory, timestampMs, open.has(directory) ? "same" : "no-file");
    const before = rotation.judge(factsNow(), nowMs);
    if (before) rotate(before);
    const written = factsNow();
    open.set(directory, [...(open.get(directory) ?? []), offset]);
    const after = rotation.note(written, 100 * (open.get(directory)?.length ?? 0), nowMs);
    if (after) rotate(after);
  });
  return files;
}

describe("by size", () => {
  test("records count over all directories, which are finished together", () => {
    const records = ["a", "b", "a", "b", "c", "a", "a"].map((directory) => [directory, 0] as const);
    expect(filesOf(rotationOf({ flushSize: 3 }), records)).toEqual(["a:0,2", "b:1", "b:3", "c:4", "a:5"]);
  });
  test("the largest file's bytes finish all of them, and are counted anew", () => {
    const records = ["a", "b", "a", "a", "b", "b", "b", "a"].map((directory) => [directory, 0] as const);
    expect(filesOf(rotationOf({ flushBytes: 250 }), records)).toEqual(["a:0,2,3", "b:1", "b:4,5,6"]);
  });
  test.each([1, 0, -5])("flush.size %i is one record per file", (flushSize) => {
    expect(
      filesOf(rotationOf({ flushSize }), [
        ["a", 0],
        ["a", 0],
      ]),
    ).toEqual(["a:0", "a:1"]);
  });
});

describe("by record time", () => {
  const minutes = [0, -2, 9, -5, 10];
  const records = minutes.map((minute) => [minute < 0 ? "before" : "hour", minute * MINUTE_MS] as const);

  test("a span of ten minutes is closed by the record that is ten minutes after the first", () => {
    const rotation = rotationOf({ intervalMs: 10 * MINUTE_MS, rotateOnPartitionChange: false });
    expect(filesOf(rotation, records)).toEqual(["hour:0,2", "before:1,3"]);
  });
  test("with rotate.file.on.partition.change every change of directory closes it too", () => {
    expect(filesOf(rotationOf({ intervalMs: 10 * MINUTE_MS }), records)).toEqual([
      "hour:0",
      "before:1",
      "hour:2",
      "before:3",
    ]);
  });
  test("the clock never closes it: only a later record does", () => {
    const rotation = rotationOf({ intervalMs: MINUTE_MS });
    rotation.note(facts("a", 0, "no-file"), 0, 0);
    expect(rotation.judgeIdle(HOUR_MS)).toBeNull();
    expect(rotation.judge(facts("a", MINUTE_MS), 0)).toBe("interval");
  });
});

describe("by schedule", () => {
  const everyMinute = { nextScheduledMs: (nowMs: number) => (Math.floor(nowMs / MINUTE_MS) + 1) * MINUTE_MS };

  test("idle files are finished at the scheduled time", () => {
    const rotation = rotationOf(everyMinute);
    rotation.note(facts("a", null, "no-file"), 0, 0);
    expect(rotation.judgeIdle(MINUTE_MS - 1)).toBeNull();
    expect(rotation.judgeIdle(MINUTE_MS)).toBe("schedule");
  });
  test("a time that passed while nothing was open moves on, so the first record is not finished alone", () => {
    const rotation = rotationOf(everyMinute);
    expect(rotation.judgeIdle(5 * MINUTE_MS)).toBeNull();
    expect(rotation.judge(facts("a", null, "no-file"), 5 * MINUTE_MS)).toBeNull();
    rotation.note(facts("a", null, "no-file"), 0, 0);
    expect(rotation.judge(facts("a"), 5 * MINUTE_MS)).toBeNull();
    expect(rotation.judge(facts("a"), 6 * MINUTE_MS)).toBe("schedule");
  });
  test("a rotation by size does not change the schedule", () => {
    const rotation = rotationOf({ ...everyMinute, flushSize: 2 });
    expect(rotation.note(facts("a", null, "no-file"), 0, 0)).toBeNull();
    expect(rotation.note(facts("a"), 0, 0)).toBe("flush-size");
    expect(rotation.judgeIdle(0)).toBe("flush-size");
    rotation.rotated("flush-size", MINUTE_MS - 1);
    rotation.note(facts("a", null, "no-file"), 0, 0);
    expect(rotation.judge(facts("a"), MINUTE_MS)).toBe("schedule");
  });

  test("moments are counted from local midnight, and midnight is always one", () => {
    const berlin = TimeZone.of("Europe/Berlin")!;
    const next = (iso: string, hours: number) =>
      new Date(planNextRotation(Date.parse(iso), hours * HOUR_MS, berlin)).toISOString();
    expect(next("2024-01-10T10:30:00Z", 1)).toBe("2024-01-10T11:00:00.000Z");
    expect(next("2024-01-10T10:30:00Z", 7)).toBe("2024-01-10T13:00:00.000Z");
    expect(next("2024-01-10T22:30:00Z", 7)).toBe("2024-01-10T23:00:00.000Z");
    expect(next("2024-01-10T10:30:00Z", 48)).toBe("2024-01-10T23:00:00.000Z");
    // A day of 23 hours ends before its 24th, one of 25 has a 24th and midnight an hour later.
    expect(next("2024-03-31T20:30:00Z", 24)).toBe("2024-03-31T22:00:00.000Z");
    expect(next("2024-10-27T12:00:00Z", 24)).toBe("2024-10-27T22:00:00.000Z");
    expect(next("2024-10-27T22:00:00Z", 24)).toBe("2024-10-27T23:00:00.000Z");
    expect(next("2024-01-10T23:00:00Z", 1)).toBe("2024-01-11T00:00:00.000Z");
  });
});

describe("by idleness", () => {
  test("files are finished once no record has come for so long", () => {
    const rotation = rotationOf({ idleMs: MINUTE_MS });
    expect(rotation.judgeIdle(HOUR_MS)).toBeNull();
    rotation.note(facts("a", null, "no-file"), 0, HOUR_MS);
    rotation.note(facts("a"), 0, HOUR_MS + 1);
    expect(rotation.judgeIdle(HOUR_MS + MINUTE_MS)).toBeNull();
    expect(rotation.judgeIdle(HOUR_MS + MINUTE_MS + 1)).toBe("idle");
  });
});

test("the directory of records without a value does not end an interval, to it or from it", () => {
  const rotation = rotationOf({ intervalMs: HOUR_MS, tombstonePartition: "gone" });
  rotation.note(facts("a", 0, "no-file"), 0, 0);
  expect(rotation.judge(facts("b", 0, "no-file"), 0)).toBe("partition-change");
  expect(rotation.judge(facts("gone", 0, "no-file"), 0)).toBeNull();
  rotation.note(facts("gone", 0, "no-file"), 0, 0);
  expect(rotation.judge(facts("b", 0, "no-file"), 0)).toBeNull();
});

describe("by schema and open files", () => {
  test("a changed schema and a change between schema and none close files, once there is a record", () => {
    const rotation = rotationOf({});
    expect(rotation.judge(facts("a", null, "changed"), 0)).toBeNull();
    rotation.note(facts("a", null, "no-file"), 0, 0);
    expect(rotation.judge(facts("a", null, "changed"), 0)).toBe("schema-change");
    expect(rotation.judge(facts("a", null, "null-flip"), 0)).toBe("null-schema");
    expect(rotation.judge(facts("a"), 0)).toBeNull();
  });
  test("the file beyond partitioner.max.open.files closes the others first", () => {
    const records = ["a", "b", "a", "c", "b", "d"].map((directory) => [directory, 0] as const);
    expect(filesOf(rotationOf({ maxOpenFiles: 2 }), records)).toEqual(["a:0,2", "b:1", "c:3", "b:4"]);
  });
});
