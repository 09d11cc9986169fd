import { describe, expect, test } from "vitest";
import { planGroupOffsets } from "../../../src/export/group-offsets.js";
import { PartitionCopy } from "../../../src/export/partition-copy.js";

const at = (topic: string, offset: number, metadata?: string | null) => ({
  topic,
  partition: 0,
  offset,
  ...(metadata === undefined ? {} : { metadata }),
});

/** A finished copy of a topic's records 10 to 19, to 0 and on. */
function copies(...committed: number[]): ReadonlyMap<string, PartitionCopy> {
  const copy = new PartitionCopy({ topic: "t", partition: 0, start: 10, end: 20 }, 0, committed);
  const run = copy.runOf(10);
  for (let offset = 11; offset < 20; offset++) copy.runOf(offset);
  copy.acknowledged(run, 10, 0);
  copy.finish();
  return new Map([["t-0", copy]]);
}

const plan = (before: ReturnType<typeof at>[], now = before) =>
  planGroupOffsets({ groupId: "g", offsets: before }, now, copies(...before.map(({ offset }) => offset)));

describe("the plan of a group's offsets", () => {
  test("translates them, keeps their metadata, and leaves out what was not copied", () => {
    expect(plan([at("t", 12, "m"), at("other", 3)])).toEqual({
      offsets: [{ topic: "t", partition: 0, offset: 2, metadata: "m" }],
      findings: [],
    });
    expect(plan([at("t", 20)])).toMatchObject({ offsets: [{ offset: 10 }], findings: [] });
  });

  test("one beyond the copied records stands at their end, which is a finding", () => {
    const { offsets, findings } = plan([at("t", 25)]);
    expect(offsets).toMatchObject([{ offset: 10 }]);
    expect(findings).toMatchObject([
      { kind: "incomplete", subject: "group g", text: expect.stringContaining("t-0 (25, copied before 20)") },
    ]);
  });

  test("one that has moved meanwhile is carried as it was, which is a finding", () => {
    const { offsets, findings } = plan([at("t", 12), at("other", 1)], [at("t", 13), at("other", 2)]);
    expect(offsets).toMatchObject([{ topic: "t", offset: 2 }]);
    expect(findings).toMatchObject([
      { kind: "incomplete", text: expect.stringMatching(/committed during the export.*: t-0$/) },
    ]);
  });
});
