import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Digest,
  isComplete,
  isFlawless,
  judgePipeline,
  type ObjectContents,
  type TopicEvent,
  type TopicVerdict,
} from "../../../../src/demo/check/judge-pipeline.js";

const topic = "t";

/** Events written as `key:kind:position[:version]`, at consecutive offsets of one partition. */
function log(...texts: string[]): TopicEvent[] {
  return texts.map((text, offset) => {
    const [key = "", kind = "update", position = "0", version] = text.split(":");
    const isRow = kind !== "delete" && kind !== "tombstone";
    return {
      topic,
      partition: 0,
      offset,
      key,
      kind: kind as TopicEvent["kind"],
      position: Number(position),
      row: isRow ? `${key}v${version ?? position}` : null,
      version: isRow && version ? Number(version) : undefined,
      digest: kind === "tombstone" ? "" : `${key}@${position}`,
    };
  });
}

/** Objects of the records at these offsets; tombstones are left out. */
function objects(events: readonly TopicEvent[], ...ranges: [number, number][]): ObjectContents[] {
  return ranges.map(([start, end]) => ({
    object: `o+${start}`,
    topic,
    partition: 0,
    startOffset: start,
    digests: events.filter((e) => e.offset >= start && e.offset < end && e.kind !== "tombstone").map((e) => e.digest),
  }));
}

function judge(
  events: readonly TopicEvent[],
  rows: Readonly<Record<string, Digest>>,
  contents: readonly ObjectContents[] | undefined = undefined,
): TopicVerdict {
  const [verdict] = judgePipeline(new Map([[topic, new Map(Object.entries(rows))]]), events, contents);
  if (!verdict) throw new Error("no verdict");
  return verdict;
}

describe("rows and events", () => {
  test("a run in which all is well is flawless", () => {
    const events = log("a:read:10:1", "b:read:10:1", "a:update:20:2", "b:delete:30", "b:tombstone", "c:create:40:1");
    const verdict = judge(events, { a: "av2", c: "cv1" }, objects(events, [0, 3], [3, 6]));
    expect(isFlawless(verdict)).toBe(true);
    expect(verdict).toMatchObject({ rows: 2, events: 6, records: 5, findings: [] });
  });

  test.each([
    ["a row without an event", log("a:read:10"), { a: "av10", b: "bv1" }, { missing: 1 }],
    ["a row whose last event is another version", log("a:read:10", "a:update:20"), { a: "av30" }, { missing: 1 }],
    ["a deleted row without its delete", log("a:read:10"), {}, { leftOver: 1 }],
    ["a version that was skipped", log("a:read:10:1", "a:update:30:3"), { a: "av3" }, { skipped: 1 }],
    [
      "an update behind a newer one",
      log("a:read:10", "a:update:30", "a:update:20", "a:update:40"),
      { a: "av40" },
      { outOfOrder: 1 },
    ],
    [
      "a snapshot event behind an update",
      log("a:update:30", "a:read:10", "a:update:40"),
      { a: "av40" },
      { outOfOrder: 1 },
    ],
  ])("%s is found", (_, events, rows, expected) => {
    const verdict = judge(events, rows);
    expect(verdict).toMatchObject(expected);
    expect(isComplete(verdict)).toBe(false);
    expect(verdict.findings).not.toEqual([]);
  });

  test("what is sent again after a crash is told apart from disorder", () => {
    const verdict = judge(log("a:create:10", "a:update:20", "a:create:10", "a:update:20", "a:update:30"), {
      a: "av30",
    });
    expect(verdict).toMatchObject({ resent: 2, outOfOrder: 0 });
    expect(isComplete(verdict)).toBe(true);
    expect(isFlawless(verdict)).toBe(false);
  });

  test("a snapshot done again may be followed by older streamed events", () => {
    const verdict = judge(log("a:read:10:1", "a:read:50:3", "a:update:20:2", "a:update:30:3"), { a: "av3" });
    expect(verdict).toMatchObject({ beforeSnapshot: 2, outOfOrder: 0, missing: 0, skipped: 0 });
    expect(isComplete(verdict)).toBe(true);
    expect(isFlawless(verdict)).toBe(false);
  });

  test("a snapshot done again may follow streamed events that are sent again after it", () => {
    const verdict = judge(log("a:create:30:1", "a:update:40:2", "a:read:10:2", "a:create:30:1", "a:update:40:2"), {
      a: "av2",
    });
    expect(verdict).toMatchObject({ beforeSnapshot: 1, resent: 2, outOfOrder: 0, missing: 0, skipped: 0 });
    expect(isComplete(verdict)).toBe(true);
    expect(isFlawless(verdict)).toBe(false);
  });

  test("a snapshot done again whose stream leaves out an event from before it is found", () => {
    const verdict = judge(log("a:create:30:1", "a:update:40:2", "a:read:10:2", "a:create:30:1", "a:update:50:3"), {
      a: "av3",
    });
    expect(verdict).toMatchObject({ outOfOrder: 1 });
    expect(verdict.findings).toEqual(["t-0@2: an older event of key a follows a newer one"]);
  });

  test("a row inserted again under the key of a deleted one is no leftover", () => {
    const events = log("a:create:10:1", "a:delete:20", "a:tombstone", "a:create:30:1");
    expect(isFlawless(judge(events, { a: "av1" }))).toBe(true);
  });
});

describe("objects", () => {
  const events = log("a:read:10", "b:read:10", "b:delete:20", "b:tombstone", "c:create:30", "d:create:40");
  const rows = { a: "av10", c: "cv30", d: "dv40" };

  test("a gap between objects is found", () => {
    expect(judge(events, rows, objects(events, [0, 2], [4, 6]))).toMatchObject({ missingRecords: 1, duplicated: 0 });
  });

  test("an overlap is found", () => {
    expect(judge(events, rows, objects(events, [0, 3], [2, 6]))).toMatchObject({ missingRecords: 0, duplicated: 1 });
  });

  test("a record that is not the topic's is found", () => {
    const [whole] = objects(events, [0, 6]);
    const digests = whole?.digests.map((digest, index) => (index === 1 ? "other" : digest)) ?? [];
    const verdict = judge(events, rows, [{ ...(whole as ObjectContents), digests: [...digests, "one too many"] }]);
    expect(verdict).toMatchObject({ foreign: 2, missingRecords: 1, duplicated: 0 });
  });

  test("however the records are cut into objects, all are found once; without one of them its records are missing", () =>
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
        fc.array(fc.integer({ min: 0, max: 29 })),
        fc.nat(),
        (isTombstone, cuts, left) => {
          const all = log(
            ...isTombstone.map((tombstone, i) => (tombstone ? `k${i}:tombstone` : `k${i}:create:${i + 1}`)),
          );
          const bounds = [...new Set([0, ...cuts.filter((cut) => cut < all.length), all.length])].sort((a, b) => a - b);
          const contents = objects(all, ...bounds.slice(1).map((end, i): [number, number] => [bounds[i] ?? 0, end]));
          const finals = Object.fromEntries(all.filter((e) => e.row !== null).map((e) => [e.key, e.row ?? ""]));
          expect(isFlawless(judge(all, finals, contents))).toBe(true);
          const lost = left % contents.length;
          expect(judge(all, finals, contents.toSpliced(lost, 1))).toMatchObject({
            missingRecords: contents[lost]?.digests.length,
            duplicated: 0,
            foreign: 0,
          });
        },
      ),
    ));
});
