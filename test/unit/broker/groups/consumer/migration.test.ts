import { describe, expect, test } from "vitest";
import { encodeAssignment, encodeSubscription } from "../../../../../src/protocol/consumer-protocol.js";
import { ErrorCodes } from "../../../../../src/protocol/error-codes.js";
import { partitionsOf, CoordinatorWorld as World } from "../../../../support/coordinator-world.js";

const ALL = [0, 1, 2, 3];
const { NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION } = ErrorCodes;

/** A classic group whose one member has all of t. */
async function classicGroup(world: World): Promise<string> {
  const { memberId } = await world.joinClassic();
  await world.sync(memberId, 1, { [memberId]: ALL });
  return memberId;
}

/** A group of a classic member and `b`, each with half of t, at epoch 2. */
async function mixedGroup(world: World): Promise<{ memberId: string; kept: readonly number[] }> {
  const memberId = await classicGroup(world);
  world.join("b");
  await world.joinGroup({ memberId, owned: ALL });
  const kept = (await world.sync(memberId, 1)) as number[];
  await world.joinGroup({ memberId, owned: kept });
  await world.sync(memberId, 2);
  world.beat("b", 2);
  return { memberId, kept };
}

describe("a classic group that a member of the consumer protocol joins", () => {
  test("becomes one of that protocol, and its members give up partitions before the new one gets them", async () => {
    const world = new World();
    const memberId = await classicGroup(world);
    expect(partitionsOf(world.join("b"))).toEqual([]);
    expect(world.list).toEqual([["consumer", "Reconciling"]]);
    expect(world.heartbeat(memberId, 1)).toBe(REBALANCE_IN_PROGRESS);
    expect(world.commit(memberId, 1, 0)).toBe(NONE);
    expect(await world.joinGroup({ memberId, owned: ALL })).toMatchObject({ generationId: 1, leader: "", members: [] });
    const kept = (await world.sync(memberId, 1)) as number[];
    expect(kept).toHaveLength(2);
    expect(partitionsOf(world.beat("b", 2)) ?? []).toEqual([]);
    expect(await world.joinGroup({ memberId, owned: kept })).toMatchObject({ errorCode: NONE, generationId: 2 });
    expect(await world.sync(memberId, 2)).toEqual(kept);
    expect(world.heartbeat(memberId, 2)).toBe(NONE);
    expect(partitionsOf(world.beat("b", 2))).toEqual(ALL.filter((each) => !kept.includes(each)));
    expect(world.list).toEqual([["consumer", "Stable"]]);
  });

  test("by a static one, has members join whose protocol is another one now, rather than refuse them for good", async () => {
    const world = new World();
    const metadata = encodeSubscription(1, { topics: ["t"], userData: null, ownedPartitions: [] });
    const protocols = (...names: string[]) => names.map((name) => ({ name, metadata }));
    const first = world.joinGroup({ instanceId: "i", protocols: protocols("range") });
    await world.clock.settled();
    const second = world.joinGroup({ protocols: protocols("cooperative-sticky", "range") });
    await world.clock.settled();
    const leader = await world.joinGroup({
      ...{ memberId: (await first).memberId, instanceId: "i" },
      protocols: protocols("range"),
    });
    const { memberId, generationId, protocolName } = await second;
    expect(protocolName).toBe("range");
    const assignments = [leader.memberId, memberId].map((to, at) => {
      const assignedPartitions = [{ topic: "t", partitions: at === 0 ? [0, 1] : [2, 3] }];
      return { memberId: to, assignment: encodeAssignment(1, { assignedPartitions, userData: null }) };
    });
    const rest = { generationId, protocolType: "consumer", protocolName };
    await world.groups.sync("g", { memberId: leader.memberId, instanceId: "i", assignments, ...rest });
    world.join("b", { instanceId: "i" });
    const answer = await world.groups.sync("g", { memberId, instanceId: null, assignments: [], ...rest });
    expect(answer.errorCode).toBe(REBALANCE_IN_PROGRESS);
  });

  test("refuses its parked requests, so that they are sent again", async () => {
    const world = new World();
    const memberId = await classicGroup(world);
    const parked = world.joinGroup();
    await world.clock.settled();
    expect(world.heartbeat(memberId, 1)).toBe(REBALANCE_IN_PROGRESS);
    world.join("b");
    expect(await parked).toMatchObject({ errorCode: REBALANCE_IN_PROGRESS, memberId: expect.stringMatching(/^c-/) });
    expect(await world.joinGroup({ memberId: (await parked).memberId })).toMatchObject({ errorCode: NONE });
  });

  test("stays a classic one if that cannot be written", async () => {
    const world = new World();
    const memberId = await classicGroup(world);
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(world.join("b")).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE });
    expect(world.list).toEqual([["classic", "Stable"]]);
    expect(world.heartbeat(memberId, 1)).toBe(NONE);
    world.disk.broken = undefined;
    expect(world.join("b").errorCode).toBe(NONE);
  });

  test("stays a classic one if the member is refused", async () => {
    const world = new World({}, { "group.consumer.max.size": "1" });
    const memberId = await classicGroup(world);
    expect(world.join("b")).toMatchObject({ errorCode: ErrorCodes.GROUP_MAX_SIZE_REACHED });
    expect(world.list).toEqual([["classic", "Stable"]]);
    await world.restart();
    expect(world.heartbeat(memberId, 1)).toBe(NONE);
  });

  test("may be in its first rebalance", async () => {
    const world = new World({}, { "group.initial.rebalance.delay.ms": "3000" });
    const parked = world.joinGroup();
    await world.clock.settled();
    expect(partitionsOf(world.join("b"))).toHaveLength(2);
    const { memberId } = await parked;
    const { generationId } = await world.joinGroup({ memberId });
    expect(await world.sync(memberId, generationId)).toHaveLength(2);
  });

  test("leaves a member what it had when it joined until it joins again", async () => {
    const world = new World();
    const memberId = await classicGroup(world);
    const second = world.joinGroup();
    await world.clock.settled();
    await world.joinGroup({ memberId, owned: ALL });
    await second;
    await world.sync(memberId, 2, { [memberId]: [0, 1] });
    expect(partitionsOf(world.join("b"))).toEqual([]);
    await world.joinGroup({ memberId, owned: [0, 1] });
    expect(partitionsOf(world.beat("b", 3))).not.toEqual([]);
  });

  test("whose leader has assigned a partition twice has it once", async () => {
    const world = new World();
    const first = world.joinGroup();
    await world.clock.settled();
    const { memberId } = await first;
    const second = world.joinGroup();
    await world.clock.settled();
    await world.joinGroup({ memberId });
    const other = (await second).memberId;
    await world.sync(memberId, 2, { [memberId]: ALL, [other]: [3] });
    world.join("b");
    const { state } = world.groups.consumerGroup("g")!;
    expect([...state.current(other).assigned]).toEqual([]);
  });
});

describe("a member of the classic protocol in a group of the consumer protocol", () => {
  test("gets what others have given up once it joins again, which its heartbeats ask for", async () => {
    const world = new World();
    world.join("a");
    const { memberId, generationId } = await world.joinGroup();
    expect(await world.sync(memberId, generationId)).toEqual([]);
    expect(world.heartbeat(memberId, generationId)).toBe(NONE);
    const kept = partitionsOf(world.beat("a", 2))!;
    world.beat("a", 2, { owned: world.owned("t", ...kept) });
    expect(world.heartbeat(memberId, generationId)).toBe(REBALANCE_IN_PROGRESS);
    expect(await world.joinGroup({ memberId })).toMatchObject({ generationId });
    expect(await world.sync(memberId, generationId)).toHaveLength(2);
    expect(world.heartbeat(memberId, generationId)).toBe(NONE);
  });

  test("is removed after its own session without a request", async () => {
    const world = new World();
    const { memberId } = await mixedGroup(world);
    await world.clock.advance(9_000);
    expect(world.heartbeat(memberId, 2)).toBe(NONE);
    await world.clock.advance(9_000);
    expect(world.heartbeat(memberId, 2)).toBe(NONE);
    await world.clock.advance(11_000);
    expect(world.heartbeat(memberId, 2)).toBe(UNKNOWN_MEMBER_ID);
    expect(partitionsOf(world.beat("b", 2))).toEqual(ALL);
  });

  test.each(["JoinGroup", "SyncGroup"])("is removed if it owes a %s for its rebalance timeout", async (owed) => {
    const world = new World();
    const memberId = await classicGroup(world);
    world.join("b");
    if (owed === "SyncGroup") await world.joinGroup({ memberId, owned: ALL });
    for (let seconds = 0; seconds < 21; seconds += 7) {
      expect(world.heartbeat(memberId, 1)).toBe(REBALANCE_IN_PROGRESS);
      await world.clock.advance(7_000);
    }
    expect(world.heartbeat(memberId, 1)).toBe(UNKNOWN_MEMBER_ID);
    expect(partitionsOf(world.beat("b", 2))).toEqual(ALL);
  });

  test("that was removed gives up what it reads before it is let in again: others may have that", async () => {
    const world = new World();
    const { memberId, kept } = await mixedGroup(world);
    for (let seconds = 0; seconds < 15; seconds += 5) {
      await world.clock.advance(5_000);
      world.beat("b", 2);
    }
    expect(await world.joinGroup({ memberId, owned: kept })).toMatchObject({ errorCode: UNKNOWN_MEMBER_ID, memberId });
    expect(await world.joinGroup()).toMatchObject({ errorCode: NONE });
  });

  test("commits in transactions by its generation", async () => {
    const world = new World();
    const { memberId } = await mixedGroup(world);
    expect(world.commit(memberId, 2, 0, true)).toBe(NONE);
    expect(world.commit(memberId, 3, 0, true)).toBe(ILLEGAL_GENERATION);
    expect(world.groups.fetchFault("g", memberId, 2)).toBeUndefined();
    expect(world.groups.fetchFault("g", memberId, 1)).toBe(ILLEGAL_GENERATION);
  });

  test("that cannot be written has not joined", async () => {
    const world = new World();
    world.join("a");
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(await world.joinGroup()).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE });
    expect(world.groups.consumerGroup("g")?.state.members.size).toBe(1);
  });

  test("makes the expressions of those that are gone be forgotten", async () => {
    const world = new World();
    world.join("a", { instanceId: "i", subscribedTopicNames: [], subscribedTopicRegex: "t" });
    world.join("b");
    expect(await world.joinGroup({ instanceId: "i" })).toMatchObject({ errorCode: NONE });
    expect(world.groups.consumerGroup("g")?.state.regexes.size).toBe(0);
  });
});

describe("a group whose last member of the consumer protocol is gone", () => {
  test("is a classic one, and rebalances", async () => {
    const world = new World();
    const { memberId, kept } = await mixedGroup(world);
    world.beat("b", -1);
    expect(world.list).toEqual([["classic", "PreparingRebalance"]]);
    expect(world.heartbeat(memberId, 2)).toBe(REBALANCE_IN_PROGRESS);
    expect(world.commit(memberId, 2, kept[0]!)).toBe(NONE);
    expect(world.beat("b", 2)).toMatchObject({ errorCode: ErrorCodes.GROUP_ID_NOT_FOUND });
    expect(await world.joinGroup({ memberId })).toMatchObject({ generationId: 3, leader: memberId });
    expect(await world.sync(memberId, 3, { [memberId]: ALL })).toEqual(ALL);
  });

  test("asks a member to join whose protocol is another one now, rather than refuse it for good", async () => {
    const world = new World();
    world.join("b");
    const metadata = encodeSubscription(1, { topics: ["t"], userData: null, ownedPartitions: [] });
    const protocols = (...names: string[]) => names.map((name) => ({ name, metadata }));
    await world.joinGroup({ protocols: protocols("cooperative-sticky") });
    const { memberId, generationId, protocolName } = await world.joinGroup({
      protocols: protocols("range", "cooperative-sticky"),
    });
    expect(protocolName).toBe("range");
    world.beat("b", -1);
    const rest = { instanceId: null, protocolType: "consumer", assignments: [] };
    const answer = await world.groups.sync("g", { memberId, generationId, protocolName, ...rest });
    expect(answer.errorCode).toBe(REBALANCE_IN_PROGRESS);
    await world.restart();
    expect(world.list).toEqual([["classic", "PreparingRebalance"]]);
  });

  test("and whose place a static one of the classic protocol takes rebalances if members were told other protocols", async () => {
    for (const preferred of ["range", "cooperative-sticky"]) {
      const world = new World();
      world.join("b", { instanceId: "i" });
      const metadata = encodeSubscription(1, { topics: ["t"], userData: null, ownedPartitions: [] });
      const protocols = (...names: string[]) => names.map((name) => ({ name, metadata }));
      const asked = { protocols: protocols("cooperative-sticky", "range") };
      const { memberId } = await world.joinGroup(asked);
      const kept = partitionsOf(world.beat("b", 2, { owned: world.owned("t", ...ALL) }))!;
      world.beat("b", 2, { owned: world.owned("t", ...kept) });
      const { generationId, protocolName } = await world.joinGroup({ memberId, ...asked });
      const other = preferred === "range" ? "cooperative-sticky" : "range";
      await world.joinGroup({ instanceId: "i", protocols: protocols(preferred, other) });
      expect(world.list).toEqual([["classic", preferred === "range" ? "PreparingRebalance" : "Stable"]]);
      const rest = { instanceId: null, protocolType: "consumer", assignments: [] };
      const answer = await world.groups.sync("g", { memberId, generationId, protocolName, ...rest });
      expect(answer.errorCode).toBe(preferred === "range" ? REBALANCE_IN_PROGRESS : NONE);
    }
  });

  test("and has no leader yet shares out new partitions, and rebalances after a restart", async () => {
    const world = new World();
    world.join("b", { instanceId: "i" });
    const { memberId } = await world.joinGroup();
    const kept = partitionsOf(world.beat("b", 2, { owned: world.owned("t", ...ALL) }))!;
    world.beat("b", 2, { owned: world.owned("t", ...kept) });
    const { generationId } = await world.joinGroup({ memberId });
    await world.joinGroup({ instanceId: "i" });
    expect(world.list).toEqual([["classic", "Stable"]]);
    expect(world.heartbeat(memberId, generationId)).toBe(NONE);
    world.topics.addPartitions("u", 5);
    expect(world.heartbeat(memberId, generationId)).toBe(NONE);
    world.topics.addPartitions("t", 5);
    expect(world.heartbeat(memberId, generationId)).toBe(REBALANCE_IN_PROGRESS);
    await world.restart();
    expect(world.heartbeat(memberId, generationId)).toBe(REBALANCE_IN_PROGRESS);
  });

  test("because it was silent, or its administrator removed it, is a classic one, too", async () => {
    const silent = new World();
    const { memberId } = await mixedGroup(silent);
    for (let seconds = 0; seconds < 46; seconds += 5) {
      silent.heartbeat(memberId, 2);
      await silent.clock.advance(5_000);
    }
    expect(silent.list[0]![0]).toBe("classic");
    const removed = new World();
    await mixedGroup(removed);
    expect(removed.groups.leave("g", [{ memberId: "b", instanceId: null }])).toEqual([NONE]);
    expect(removed.list).toEqual([["classic", "PreparingRebalance"]]);
  });

  test("stays one of the consumer protocol if the policy or the size forbids it, and its members share out again", async () => {
    for (const [name, value] of [
      ["group.consumer.migration.policy", "upgrade"],
      ["group.max.size", "1"],
    ] as const) {
      const world = new World({}, { [name]: value });
      const { memberId } = await mixedGroup(world);
      const other = (await world.joinGroup()).memberId;
      world.beat("b", -1);
      expect(world.list[0]![0]).toBe("consumer");
      expect(world.heartbeat(memberId, 2)).toBe(REBALANCE_IN_PROGRESS);
      const { generationId } = await world.joinGroup({ memberId });
      const mine = (await world.sync(memberId, generationId)) as number[];
      await world.joinGroup({ memberId: other });
      const theirs = (await world.sync(other, generationId)) as number[];
      expect([...mine, ...theirs].sort()).toEqual(ALL);
    }
  });

  test("stays one of the consumer protocol until that can be written", async () => {
    const world = new World();
    const { memberId } = await mixedGroup(world);
    world.disk.broken = { call: "write", path: /\.log$/, code: "ENOSPC" };
    expect(world.beat("b", -1)).toMatchObject({ errorCode: ErrorCodes.COORDINATOR_NOT_AVAILABLE });
    expect(world.list).toEqual([["consumer", "Stable"]]);
    expect(world.heartbeat(memberId, 2)).toBe(NONE);
    world.disk.broken = undefined;
    world.beat("b", -1);
    expect(world.list).toEqual([["classic", "PreparingRebalance"]]);
  });
});

describe("a group that changes its protocol before it has settled", () => {
  test("and back again leaves its members what they have not given up", async () => {
    const world = new World();
    const memberId = await classicGroup(world);
    world.join("b");
    world.beat("b", -1);
    expect(world.list).toEqual([["classic", "PreparingRebalance"]]);
    expect(partitionsOf(world.join("c"))).toEqual([]);
    expect(world.groups.consumerGroup("g")!.state.ownerOf(world.topics.get("t")!.id, 3)).toBe(memberId);
  });

  test.each(["is rebalancing", "has not noticed new partitions"])(
    "by a static member that has nothing new to say shares out everything if it %s",
    async (why) => {
      const world = new World();
      const first = world.joinGroup({ instanceId: "i" });
      await world.clock.settled();
      const { memberId } = await first;
      if (why === "is rebalancing") expect(memberId).toMatch(/^i-/);
      else await world.sync(memberId, 1, { [memberId]: ALL });
      if (why !== "is rebalancing") world.topics.addPartitions("t", 5);
      const partitions = why === "is rebalancing" ? ALL : [...ALL, 4];
      expect(partitionsOf(world.join("b", { instanceId: "i" }))).toEqual(partitions);
    },
  );
});

describe("after a restart of the broker", () => {
  test("members of both protocols go on, each with a session of its own length", async () => {
    const world = new World();
    const { memberId, kept } = await mixedGroup(world);
    await world.restart();
    expect(world.list).toEqual([["consumer", "Stable"]]);
    expect(world.heartbeat(memberId, 2)).toBe(NONE);
    expect(await world.sync(memberId, 2)).toEqual(kept);
    expect(world.beat("b", 2).errorCode).toBe(NONE);
    await world.clock.advance(11_000);
    expect(world.heartbeat(memberId, 2)).toBe(UNKNOWN_MEMBER_ID);
    expect(partitionsOf(world.beat("b", 2))).toEqual(ALL);
  });

  test("a group that was downgraded still rebalances, and nobody's partitions are forgotten", async () => {
    const world = new World();
    const { memberId } = await mixedGroup(world);
    world.beat("b", -1);
    await world.restart();
    expect(world.list).toEqual([["classic", "PreparingRebalance"]]);
    expect(world.heartbeat(memberId, 2)).toBe(REBALANCE_IN_PROGRESS);
    const { generationId } = await world.joinGroup({ memberId });
    expect(await world.sync(memberId, generationId, { [memberId]: ALL })).toEqual(ALL);
    await world.restart();
    expect(world.list).toEqual([["classic", "Stable"]]);
    expect(world.heartbeat(memberId, generationId)).toBe(NONE);
  });
});
