import { describe, expect, test } from "vitest";
import {
  creationConfigs,
  defaultDifferences,
  notInForce,
  planConfigs,
  replacesTimestamps,
  type TopicConfigs,
} from "../../../src/export/config-plan.js";

const DEFAULTS = {
  "cleanup.policy": "delete",
  "retention.ms": "604800000",
  "retention.bytes": "-1",
  "max.message.bytes": "1048588",
  "message.timestamp.type": "CreateTime",
  "message.timestamp.before.max.ms": "9223372036854775807",
  "message.timestamp.after.max.ms": "3600000",
  "min.insync.replicas": "1",
  "segment.bytes": "1073741824",
};

/** A topic's configs: the defaults of its cluster, and what is set on it. */
function configs(set: Record<string, string>, defaults: Record<string, string> = DEFAULTS): TopicConfigs {
  return new Map(
    Object.keys({ ...defaults, ...set }).map((name) => [
      name,
      { name, value: set[name] ?? defaults[name]!, isDefault: !(name in set), isSensitive: false },
    ]),
  );
}

const HELD_BY_DEFAULT = {
  "retention.ms": "-1",
  "message.timestamp.after.max.ms": "9223372036854775807",
  "max.message.bytes": "2097176",
};
const nulls = (keys: object) => Object.fromEntries(Object.keys(keys).map((key) => [key, null]));

describe("the plan of a topic's configs", () => {
  test("what is set on the topic is set first; what would hinder the copy is held, and given back", () => {
    const plan = planConfigs("t", configs({ "segment.bytes": "1000" }), configs({}), 1);
    expect(plan).toEqual({
      first: { "segment.bytes": "1000" },
      holds: HELD_BY_DEFAULT,
      last: nulls(HELD_BY_DEFAULT),
      findings: [],
    });
  });

  test("a hindering config of the source comes last", () => {
    const set = {
      "message.timestamp.type": "LogAppendTime",
      "message.timestamp.before.max.ms": "1",
      "cleanup.policy": "compact",
      "retention.bytes": "5",
      "max.message.bytes": "2000000",
    };
    const { first, holds, last } = planConfigs("t", configs(set), configs({}), 1);
    expect(first).toEqual({});
    expect(holds).toEqual({
      ...HELD_BY_DEFAULT,
      "message.timestamp.type": "CreateTime",
      "message.timestamp.before.max.ms": "9223372036854775807",
      "cleanup.policy": "delete",
      "retention.bytes": "-1",
      "max.message.bytes": "4000000",
    });
    expect(last).toEqual({ ...set, "retention.ms": null, "message.timestamp.after.max.ms": null });
  });

  test("a small limit for messages hinders the copy, too: its batches are other ones", () => {
    const { first, holds, last } = planConfigs("t", configs({ "max.message.bytes": "500" }), configs({}), 1);
    expect([first["max.message.bytes"], holds["max.message.bytes"], last["max.message.bytes"]]).toEqual([
      undefined,
      "1048588",
      "500",
    ]);
  });

  test("defaults of the target that hinder are held; configs of an empty topic there come back", () => {
    const there = configs({ "retention.ms": "7" }, { ...DEFAULTS, "message.timestamp.type": "LogAppendTime" });
    const { holds, last } = planConfigs("t", configs({}), there, 1);
    expect(holds).toMatchObject({ "message.timestamp.type": "CreateTime", "retention.ms": "-1" });
    expect(last).toMatchObject({ "message.timestamp.type": null, "retention.ms": "7" });
  });

  test("what is set at the target only is kept and named: a broken-off export may have left it", () => {
    const there = configs({
      "retention.ms": "-1",
      "segment.bytes": "99",
      "cleanup.policy": "delete",
      "retention.bytes": "5",
    });
    const source = configs({ "retention.bytes": "7" });
    const { first, last, findings } = planConfigs("t", source, there, 1);
    expect({ ...first, ...last }).not.toHaveProperty("retention.ms");
    expect(findings).toEqual([
      {
        kind: "note",
        subject: "topic t",
        text: expect.stringMatching(/at the target only: retention\.ms=-1, segment\.bytes=99\. An export/),
        remedy: expect.stringContaining("--delete-config"),
      },
    ]);
    const createdWith = creationConfigs(source);
    expect(planConfigs("t", source, configs(createdWith), 1, createdWith).findings).toEqual([]);
  });

  test("a topic that was created for the copy loses what it was created with", () => {
    const createdWith = creationConfigs(configs({ "max.message.bytes": "2000000" }));
    expect(createdWith).toEqual({
      "message.timestamp.type": "CreateTime",
      "message.timestamp.before.max.ms": "9223372036854775807",
      "message.timestamp.after.max.ms": "9223372036854775807",
      "cleanup.policy": "delete",
      "retention.ms": "-1",
      "retention.bytes": "-1",
      "max.message.bytes": "4000000",
    });
    const source = configs({ "cleanup.policy": "compact", "retention.ms": "-1" });
    const { first, holds, last } = planConfigs("t", source, configs(createdWith), 1, createdWith);
    expect(first).toEqual({});
    expect(last).toEqual({ ...nulls(createdWith), "cleanup.policy": "compact", "retention.ms": "-1" });
    // In force already; what the source has set is not asked for twice.
    expect(Object.keys(holds).filter((key) => holds[key] !== createdWith[key])).toEqual([]);
  });

  test("what is not in force is told by value, however it is written", () => {
    const there = configs({ "cleanup.policy": "compact,delete", "segment.bytes": "0.5" });
    const expected = {
      "cleanup.policy": "compact, delete",
      "segment.bytes": "0.50",
      "retention.ms": null,
      unknown: null,
    };
    expect(notInForce(expected, there)).toEqual([]);
    expect(notInForce({ "cleanup.policy": "compact", "segment.bytes": null, unknown: "x" }, there)).toEqual([
      "cleanup.policy",
      "segment.bytes",
      "unknown",
    ]);
  });

  test("a topic that would replace timestamps is told", () => {
    expect(replacesTimestamps(configs({}))).toBe(false);
    expect(replacesTimestamps(configs({}, { ...DEFAULTS, "message.timestamp.type": "LogAppendTime" }))).toBe(true);
    expect(replacesTimestamps(new Map())).toBe(false);
  });

  test("a target that does not know a config is not asked to hold it", () => {
    const { "message.timestamp.after.max.ms": _, ...older } = DEFAULTS;
    expect(planConfigs("t", configs({}), configs({}, older), 1).holds).toEqual({
      "retention.ms": "-1",
      "max.message.bytes": "2097176",
    });
  });

  test("min.insync.replicas that nobody could meet is a finding", () => {
    const source = configs({ "min.insync.replicas": "2" });
    expect(planConfigs("t", source, configs({}), 2)).toMatchObject({ first: { "min.insync.replicas": "2" } });
    const { first, findings } = planConfigs("t", source, configs({}), 1);
    expect(first).toEqual({});
    expect(findings).toMatchObject(
      [{ kind: "incomplete", subject: "topic t", text: /min.insync.replicas=2/ }].map((each) => ({
        ...each,
        text: expect.stringMatching(each.text),
      })),
    );
  });

  test("other defaults are named, if the topic has them at both", () => {
    const there = configs({}, { ...DEFAULTS, "retention.ms": "1000", "cleanup.policy": "compact" });
    expect(defaultDifferences(configs({ "cleanup.policy": "delete" }), there)).toEqual([
      { key: "retention.ms", source: "604800000", target: "1000" },
    ]);
  });
});
