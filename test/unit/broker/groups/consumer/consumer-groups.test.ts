import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../../src/base/clock.js";
import { BrokerProperties } from "../../../../../src/broker/broker-properties.js";
import { ErrorCodes } from "../../../../../src/protocol/error-codes.js";
import { partitionsOf, CoordinatorWorld as World } from "../../../../support/coordinator-world.js";

const DAY_MS = 86_400_000;

describe("a member of a consumer group", () => {
  test("that is silent for a session is removed, and the others get its partitions with their next heartbeats", async () => {
    const world = new World();
    world.join("a");
    world.join("b");
    const kept = partitionsOf(world.beat("a", 2))!;
    expect(kept).toHaveLength(2);
    world.beat("a", 2, { owned: world.owned("t", ...kept) });
    await world.clock.advance(44_000);
    expect(partitionsOf(world.beat("b", 3))).toHaveLength(2);
    await world.clock.advance(2_000);
    expect(world.beat("a", 3)).toMatchObject({ errorCode: ErrorCodes.UNKNOWN_MEMBER_ID });
    expect(partitionsOf(world.beat("b", 3))).toEqual([0, 1, 2, 3]);
    await world.clock.advance(46_000);
    expect(world.list).toEqual([["consumer", "Empty"]]);
  });

  test("that does not give up partitions within its rebalance timeout is removed, though it sends heartbeats", async () => {
    const world = new World();
    world.join("a");
    world.join("b");
    world.beat("a", 2);
    for (let seconds = 0; seconds < 60; seconds += 20) {
      expect(world.beat("a", 2, { owned: world.owned("t", 0, 1, 2, 3) }).errorCode).toBe(ErrorCodes.NONE);
      expect(partitionsOf(world.beat("b", 3)) ?? []).toEqual([]);
      await world.clock.advance(20_000);
    }
    expect(world.beat("a", 2)).toMatchObject({ errorCode: ErrorCodes.UNKNOWN_MEMBER_ID });
    expect(partitionsOf(world.beat("b", 3))).toEqual([0, 1, 2, 3]);
  });

  test("that comes with an earlier epoch is fenced, unless it missed the last answer and has nothing that is not its own", () => {
    const world = new World();
    world.join("a");
    world.join("b");
    const kept = partitionsOf(world.beat("a", 2))!;
    const isSurplus = (partition: number) => !kept.includes(partition);
    const surplus = [0, 1, 2, 3].filter(isSurplus);
    expect(world.beat("a", 2, { owned: world.owned("t", ...kept) }).memberEpoch).toBe(3);
    expect(world.beat("a", 2, { owned: world.owned("t", ...kept) }).memberEpoch).toBe(3);
    const fenced = { errorCode: ErrorCodes.FENCED_MEMBER_EPOCH };
    expect(world.beat("a", 2, { owned: world.owned("t", ...surplus) })).toMatchObject(fenced);
    expect(world.beat("a", 2)).toMatchObject(fenced);
    expect(world.beat("a", 1, { owned: world.owned("t", ...kept) })).toMatchObject(fenced);
  });

  test("has the session and the heartbeat interval of its group's settings, restarts included", async () => {
    const configs = { "consumer.session.timeout.ms": "50000", "consumer.heartbeat.interval.ms": "7000" };
    const world = new World(configs);
    expect(world.join("a").heartbeatIntervalMs).toBe(7000);
    await world.clock.advance(49_000);
    expect(world.beat("a", 2).errorCode).toBe(ErrorCodes.NONE);
    await world.restart();
    await world.clock.advance(49_000);
    expect(world.list).toEqual([["consumer", "Stable"]]);
    await world.clock.advance(2_000);
    expect(world.list).toEqual([["consumer", "Empty"]]);
  });

  test("gets the partitions that a topic gets, and none of a topic that is gone", () => {
    const world = new World();
    world.join("a", { subscribedTopicNames: ["t", "later"] });
    world.topics.addPartitions("t", 6);
    expect(partitionsOf(world.beat("a", 2))).toEqual([0, 1, 2, 3, 4, 5]);
    world.topics.create("later", 1);
    expect(partitionsOf(world.beat("a", 3))).toEqual([0, 1, 2, 3, 4, 5, 0]);
    world.topics.delete("t");
    expect(partitionsOf(world.beat("a", 4))).toEqual([0]);
  });

  test("reads what its expression matches of the topics that it may describe, new ones too", () => {
    const world = new World();
    const mayMatch = (topic: string) => topic !== "u";
    const regex = { subscribedTopicNames: [], subscribedTopicRegex: "[tuv]" };
    expect(partitionsOf(world.join("a", { ...regex, mayMatch }))).toEqual([0, 1, 2, 3]);
    world.topics.create("v", 1);
    expect(partitionsOf(world.beat("a", 2, { mayMatch }))).toEqual([0, 1, 2, 3, 0]);
    world.topics.create("vv", 1);
    expect(partitionsOf(world.beat("a", 3, { mayMatch }))).toBeUndefined();
  });

  test("reads what a costly expression matches once its heartbeats have matched it", () => {
    const world = new World();
    for (let at = 0; at < 100; at++) world.topics.create(`a-topic-with-a-long-name-${at}`, 1);
    const subscribedTopicRegex = `${".*".repeat(600)}t`;
    let answer = world.join("a", { subscribedTopicNames: [], subscribedTopicRegex });
    expect([answer.errorCode, partitionsOf(answer)]).toEqual([ErrorCodes.NONE, []]);
    while (!partitionsOf(answer)?.length) answer = world.beat("a", answer.memberEpoch);
    expect(partitionsOf(answer)).toEqual([0, 1, 2, 3]);
  });

  test("is one of at most group.consumer.max.size", () => {
    const world = new World();
    const groups = world.groups as unknown as { properties: BrokerProperties };
    groups.properties = new BrokerProperties({ "group.consumer.max.size": "1" });
    world.join("a");
    expect(world.join("b")).toMatchObject({ errorCode: ErrorCodes.GROUP_MAX_SIZE_REACHED });
    expect(world.join("a").errorCode).toBe(ErrorCodes.NONE);
  });
});

describe("a change of a consumer group that cannot be written", () => {
  test("has not happened, and happens later", () => {
    const world = new World();
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(world.join("a")).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE });
    expect(world.list).toEqual([]);
    world.disk.broken = undefined;
    world.join("a");
    world.topics.addPartitions("t", 5);
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(world.beat("a", 2)).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE });
    expect(world.groups.consumerGroup("g")?.state.epoch).toBe(2);
    world.disk.broken = undefined;
    expect(partitionsOf(world.beat("a", 2))).toEqual([0, 1, 2, 3, 4]);
  });

  test("keeps a silent member until it can be", async () => {
    const world = new World();
    world.join("a");
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    await world.clock.advance(50_000);
    expect(world.groups.consumerGroup("g")?.state.members.size).toBe(1);
    expect(world.errors).toContainEqual({ group: "g" });
    world.disk.broken = undefined;
    await world.clock.advance(1_000);
    expect(world.list).toEqual([["consumer", "Empty"]]);
  });
});

describe("after a restart of the broker", () => {
  test("the members go on with their epochs and partitions, and silent ones have a whole session again", async () => {
    const world = new World();
    world.join("a", { instanceId: "i" });
    world.join("b");
    const kept = partitionsOf(world.beat("a", 2, { instanceId: "i" }))!;
    await world.restart();
    // What it has to give up is still its own.
    expect(partitionsOf(world.beat("b", 3)) ?? []).toEqual([]);
    const answer = world.beat("a", 2, { instanceId: "i", owned: world.owned("t", ...kept) });
    expect(answer).toMatchObject({ errorCode: ErrorCodes.NONE, memberEpoch: 3 });
    await world.restart();
    expect(partitionsOf(world.beat("b", 3))).toHaveLength(2);
    expect(world.list).toEqual([["consumer", "Stable"]]);
    await world.clock.advance(46_000);
    expect(world.list).toEqual([["consumer", "Empty"]]);
    await world.restart();
    expect(world.list).toEqual([["consumer", "Empty"]]);
    expect(world.groups.deleteGroup("g")).toBe(ErrorCodes.NONE);
    await world.restart();
    expect(world.list).toEqual([]);
  });

  test("a group is of the protocol that its last member joined by", async () => {
    const world = new World({}, { "group.consumer.migration.policy": "DISABLED" });
    const { memberId } = await world.joinClassic();
    expect(world.join("a")).toMatchObject({ errorCode: ErrorCodes.GROUP_ID_NOT_FOUND });
    world.groups.leave("g", [{ memberId, instanceId: null }]);
    world.commit("", -1, 0);
    world.join("a");
    expect((await world.joinClassic()).errorCode).toBe(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
    await world.restart();
    expect(world.list).toEqual([["consumer", "Stable"]]);
    world.beat("a", -1);
    expect((await world.joinClassic()).errorCode).toBe(ErrorCodes.NONE);
    await world.restart();
    expect(world.list).toEqual([["classic", "Empty"]]);
    expect(world.groups.offsets.get("g", "t", 0)?.offset).toBe(7);
  });
});

describe("offsets of a consumer group", () => {
  test("are committed by members, with an older epoch if they have had the partition since then", () => {
    const world = new World();
    world.join("a");
    world.join("b");
    const kept = partitionsOf(world.beat("a", 2))!;
    world.beat("a", 2, { owned: world.owned("t", ...kept) });
    const given = [0, 1, 2, 3].find((partition) => !kept.includes(partition))!;
    expect(partitionsOf(world.beat("b", 3))).toContain(given);
    expect(world.commit("a", 3, kept[0]!)).toBe(ErrorCodes.NONE);
    expect(world.commit("a", 2, kept[0]!)).toBe(ErrorCodes.NONE);
    expect(world.commit("a", 2, given)).toBe(ErrorCodes.STALE_MEMBER_EPOCH);
    expect(world.commit("a", 1, kept[0]!)).toBe(ErrorCodes.STALE_MEMBER_EPOCH);
    expect(world.commit("a", 4, kept[0]!)).toBe(ErrorCodes.STALE_MEMBER_EPOCH);
    expect(world.commit("x", 3, kept[0]!)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(world.commit("", -1, kept[0]!)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
  });

  test("are committed in transactions of members, whose older epochs are refused in the words of that API", () => {
    const world = new World();
    world.join("a");
    world.join("b");
    expect(world.commit("a", 2, 0, true)).toBe(ErrorCodes.NONE);
    expect(world.commit("a", 1, 0, true)).toBe(ErrorCodes.ILLEGAL_GENERATION);
    expect(world.commit("x", 2, 0, true)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(world.commit("", -1, 0, true)).toBe(ErrorCodes.NONE);
  });

  test("expire from their commit unless a member reads the topic, and take an empty group with them", async () => {
    const world = new World();
    world.join("a");
    world.commit("a", 2, 0);
    await world.groups.settled("g");
    world.clock = new SimClock(world.clock.nowMs() + 8 * DAY_MS);
    await world.restart();
    world.groups.expire();
    expect(world.groups.offsets.get("g", "t", 0)?.offset).toBe(7);
    world.beat("a", -1);
    world.groups.expire();
    expect(world.list).toEqual([]);
  });

  test("of a topic that a member reads are not deleted", () => {
    const world = new World();
    world.join("a");
    const { errorCode, refusalOf } = world.groups.judgeOffsetDelete("g");
    expect([errorCode, refusalOf("t"), refusalOf("u")]).toEqual([0, ErrorCodes.GROUP_SUBSCRIBED_TO_TOPIC, 0]);
  });
});
