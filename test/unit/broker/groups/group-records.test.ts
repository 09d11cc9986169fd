import { describe, expect, test } from "vitest";
import { expiredOffsets, GroupOffsets } from "../../../../src/broker/groups/group-offsets.js";
import { decodeGroupRecord, encodeGroupRecord, type GroupRecord } from "../../../../src/broker/groups/group-records.js";
import { javaStringHash, partitionOfId } from "../../../../src/broker/internal-topics/coordinator-log.js";

const committed = { offset: 7, leaderEpoch: 2, metadata: "m", commitTimestamp: 1000, expireTimestamp: -1 };

describe("records of the offsets topic", () => {
  test("have Kafka's bytes", () => {
    const { key, value } = encodeGroupRecord({
      kind: "offset",
      group: "g",
      topic: "t",
      partition: 3,
      value: committed,
    });
    expect(key.toString("hex")).toBe("00010001670001740000 0003".replace(" ", ""));
    expect(value!.toString("hex")).toBe("0003000000000000000700000002 00016d 00000000000003e8".replaceAll(" ", ""));
  });

  test("read back as they were written, tombstones too", () => {
    const member = {
      memberId: "m1",
      instanceId: "i",
      clientId: "c",
      clientHost: "/1.2.3.4",
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocols: [{ name: "range", metadata: Buffer.from("sub") }],
      assignment: Buffer.from("asg"),
      deadlineMs: 0,
      isNew: false,
      parkedJoin: undefined,
      parkedSync: undefined,
    };
    const group = {
      protocolType: "consumer",
      generationId: 4,
      protocolName: "range",
      leader: "m1",
      stateTimestamp: 9,
      members: [member],
    };
    const records: GroupRecord[] = [
      { kind: "offset", group: "g", topic: "t", partition: 0, value: committed },
      {
        kind: "offset",
        group: "g",
        topic: "t",
        partition: 0,
        value: { ...committed, leaderEpoch: -1, expireTimestamp: 5000 },
      },
      { kind: "offset", group: "g", topic: "t", partition: 0, value: null },
      { kind: "group", group: "g", value: group },
      { kind: "group", group: "g", value: { ...group, protocolName: null, leader: null, members: [] } },
      { kind: "group", group: "g", value: null },
    ];
    for (const record of records) {
      const { key, value } = encodeGroupRecord(record);
      expect(decodeGroupRecord(key, value)).toEqual(record);
    }
  });

  test("of other kinds are left alone", () => {
    expect(decodeGroupRecord(Buffer.from("00090001", "hex"), null)).toBeUndefined();
  });

  test("lie where Kafka would put them", () => {
    expect(javaStringHash("my-group")).toBe(-1_906_497_762);
    expect(partitionOfId("polygenelubricants", 50)).toBe(0);
  });
});

describe("committed offsets expire", () => {
  const offsets = (commitTimestamp: number, expireTimestamp = -1) => {
    const group = new GroupOffsets();
    group.set("read", 0, { ...committed, commitTimestamp, expireTimestamp });
    group.set("left", 0, { ...committed, commitTimestamp, expireTimestamp });
    return group;
  };
  const context = { protocolType: "consumer", isEmpty: false, stateTimestamp: 0, subscribedTopics: new Set(["read"]) };
  const topics = (group: GroupOffsets, changes: object, nowMs: number) =>
    expiredOffsets(group.entries(), { ...context, ...changes }, nowMs, 100).map(({ topic }) => topic);

  test("of a group with members, only for topics nobody reads", () => {
    expect(topics(offsets(0), {}, 100)).toEqual(["left"]);
    expect(topics(offsets(0), { subscribedTopics: undefined }, 100)).toEqual([]);
  });

  test("of a group without members, counted from when the last one left", () => {
    expect(topics(offsets(0), { isEmpty: true, stateTimestamp: 50 }, 149)).toEqual([]);
    expect(topics(offsets(0), { isEmpty: true, stateTimestamp: 50 }, 150)).toEqual(["read", "left"]);
  });

  test("without a group, each from its commit, or when the client said", () => {
    expect(topics(offsets(0), { protocolType: "", isEmpty: true, stateTimestamp: 5000 }, 100)).toEqual([
      "read",
      "left",
    ]);
    expect(topics(offsets(0, 30), { isEmpty: true }, 29)).toEqual([]);
    expect(topics(offsets(0, 30), { isEmpty: true }, 30)).toEqual(["read", "left"]);
  });
});
