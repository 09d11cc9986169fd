import { describe, expect, it } from "vitest";
import { INT32, SinkRecord, SourceRecord, STRING } from "../../../src/api/index.js";

const source = new SourceRecord({ server: "a" }, { lsn: 1 }, "t", 3, STRING, "k", INT32, 1, 1_000, [
  { key: "h", schema: STRING, value: "x" },
]);
const sink = new SinkRecord("t", 3, STRING, "k", INT32, 1, 42, 1_000, "CreateTime", source.headers);

describe("SourceRecord.with", () => {
  it("changes the named members alone, and keeps source partition and offset", () => {
    const changed = source.with({ topic: "u", valueSchema: STRING, value: "v" });
    expect(changed).toEqual(
      new SourceRecord({ server: "a" }, { lsn: 1 }, "u", 3, STRING, "k", STRING, "v", 1_000, source.headers),
    );
    expect(changed.sourcePartition).toBe(source.sourcePartition);
    expect(source.topic).toBe("t");
  });

  it("takes null as a value", () => {
    const cleared = { partition: null, keySchema: null, key: null, valueSchema: null, value: null, timestampMs: null };
    expect(source.with({ ...cleared, headers: [] })).toMatchObject({ ...cleared, headers: [] });
  });
});

describe("SinkRecord.with", () => {
  it("keeps the position as it was read", () => {
    const changed = sink.with({ topic: "u", partition: 7, key: null, timestampMs: null });
    expect(changed).toMatchObject({ topic: "u", partition: 7, key: null, value: 1, offset: 42, timestampMs: null });
    expect(changed).toMatchObject({ originalTopic: "t", originalPartition: 3, originalOffset: 42 });
    expect(changed.with({ topic: "v" }).originalTopic).toBe("t");
  });
});
