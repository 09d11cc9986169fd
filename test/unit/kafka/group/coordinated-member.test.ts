import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../../src/base/deferred.js";
import type {
  GroupAssignment,
  GroupMemberCallbacks,
  GroupMemberOptions,
} from "../../../../src/kafka/client/group-member.js";
import { findCoordinator } from "../../../../src/protocol/apis/find-coordinator.js";
import { heartbeat } from "../../../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../../../src/protocol/apis/leave-group.js";
import { offsetCommit } from "../../../../src/protocol/apis/offset-commit.js";
import { syncGroup } from "../../../../src/protocol/apis/sync-group.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { ScriptedBroker, scriptedClient } from "../scripted-broker.js";

/** A coordinator of a group whose only member is its leader. */
function scriptGroup(broker: ScriptedBroker) {
  const group = { generation: 0, ids: 0, heartbeatError: 0, members: new Set<string>() };
  broker.on(joinGroup, ({ memberId, protocols }) => {
    const refused = (errorCode: number, id = "") => ({
      errorCode,
      leader: "",
      memberId: id,
      protocolName: "",
      members: [],
    });
    if (memberId === "") {
      const id = `member-${++group.ids}`;
      group.members.add(id);
      return refused(ErrorCodes.MEMBER_ID_REQUIRED, id);
    }
    if (!group.members.has(memberId)) return refused(ErrorCodes.UNKNOWN_MEMBER_ID);
    group.heartbeatError = 0;
    return {
      errorCode: 0,
      generationId: ++group.generation,
      protocolName: protocols[0]!.name,
      leader: memberId,
      memberId,
      members: [{ memberId, metadata: protocols[0]!.metadata }],
    };
  });
  broker.on(syncGroup, ({ assignments }) => ({ errorCode: 0, assignment: assignments[0]!.assignment }));
  broker.on(heartbeat, ({ memberId }) => ({
    errorCode: group.members.has(memberId) ? group.heartbeatError : ErrorCodes.UNKNOWN_MEMBER_ID,
  }));
  broker.on(leaveGroup, ({ members }) => {
    for (const { memberId } of members) group.members.delete(memberId);
    return {
      errorCode: 0,
      members: members.map(({ memberId }) => ({ memberId, groupInstanceId: null, errorCode: 0 })),
    };
  });
  broker.on(offsetCommit, ({ memberId, topics }) => {
    const errorCode = group.members.has(memberId) ? group.heartbeatError : ErrorCodes.UNKNOWN_MEMBER_ID;
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    };
  });
  return group;
}

function setUp(changes: Partial<GroupMemberCallbacks> = {}, options: Partial<GroupMemberOptions> = {}) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock, 2);
  const group = scriptGroup(broker);
  const events: string[] = [];
  /** The `leftMs` of each onLost. */
  const left: number[] = [];
  const waits: (string | undefined)[] = [];
  const client = scriptedClient(broker);
  const member = client.groupMember(
    {
      groupId: "g",
      protocolType: "connect",
      protocols: () => [{ name: "sessioned", metadata: Buffer.from("me") }],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      heartbeatIntervalMs: 3_000,
      onConnectivity: (reason) => waits.push(reason),
      ...options,
    },
    {
      async assign({ members, protocol }) {
        events.push(`assign ${protocol} to ${members.length}`);
        return new Map(members.map(({ memberId, metadata }) => [memberId, metadata]));
      },
      async onPrepare() {
        events.push("prepare");
      },
      async onAssigned({ generationId, memberId, assignment }: GroupAssignment) {
        events.push(`assigned ${assignment} to ${memberId} in ${generationId}`);
      },
      async onLost(error, leftMs) {
        left.push(leftMs);
        events.push(`lost: ${error.message}`);
      },
      ...changes,
    },
  );
  const apis = () => broker.seen.map((each) => each.api);
  return { clock, broker, group, events, left, waits, client, member, apis };
}

describe("joining", () => {
  test("uses the id from the coordinator, assigns as the leader, and stays alive", async () => {
    const { clock, events, member, apis } = setUp();
    member.start();
    await clock.advance(0);
    expect(events).toEqual(["prepare", "assign sessioned to 1", "assigned me to member-1 in 1"]);
    expect(member.generation).toMatchObject({ isLeader: true, generationId: 1, protocol: "sessioned" });
    await clock.advance(30_000);
    expect(apis().filter((api) => api === "Heartbeat")).toHaveLength(10);
    expect(events).toHaveLength(3);
  });

  test("takes one connection for all its requests, and another only while a join is parked", async () => {
    const { clock, broker, group, member, apis } = setUp();
    const toAny = 1;
    member.start();
    await clock.advance(10_000);
    await member.commitOffsets([{ topic: "t", partition: 0, offset: 1 }]);
    expect(apis()).toEqual(expect.arrayContaining(["JoinGroup", "SyncGroup", "Heartbeat", "OffsetCommit"]));
    expect(broker.connections).toBe(toAny + 1);
    const parked = deferred();
    broker.fail("JoinGroup", parked.promise);
    member.requestRejoin("test");
    await clock.advance(0);
    await member.commitOffsets([{ topic: "t", partition: 0, offset: 2 }]);
    expect(broker.connections).toBe(toAny + 2);
    parked.resolve();
    await clock.advance(0);
    await member.leave();
    expect([broker.connections, group.members.size]).toEqual([toAny + 2, 0]);
  });

  test("survives lost requests, a loading coordinator and one that moves", async () => {
    const { clock, broker, events, member } = setUp();
    broker.fail("FindCoordinator", "COORDINATOR_NOT_AVAILABLE", "drop");
    broker.fail("JoinGroup", "COORDINATOR_LOAD_IN_PROGRESS", "lose", "NOT_COORDINATOR");
    broker.fail("SyncGroup", "drop");
    member.start();
    await clock.advance(60_000);
    expect(events.at(-1)).toMatch(/^assigned me/);
    expect(events.filter((each) => each === "prepare")).toHaveLength(1);
  });

  test("a coordinator that never knows the member is not asked without pause", async () => {
    const { clock, broker, group, member, apis } = setUp();
    broker.fail("JoinGroup", ...Array.from({ length: 1_000 }, () => "UNKNOWN_MEMBER_ID" as const));
    member.start();
    await clock.advance(10_000);
    expect(apis().filter((api) => api === "JoinGroup").length).toBeLessThan(200);
    expect(group.generation).toBe(0);
  });

  test("a refusal is reported and retried", async () => {
    const refusals: string[] = [];
    const { clock, broker, events, member, waits } = setUp({ onRefused: (error) => refusals.push(error.message) });
    broker.fail("JoinGroup", "GROUP_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED");
    member.start();
    await clock.advance(1_000);
    expect(waits.at(-1)).toMatch(/Joining group g: not authorized/);
    await clock.advance(20_000);
    expect(refusals).toHaveLength(2);
    expect(events.at(-1)).toMatch(/^assigned me/);
  });
});

describe("rebalances", () => {
  test("wait until the owner has given up its work, while heartbeats continue", async () => {
    let prepared: Deferred<void> | undefined;
    let rounds = 0;
    const { clock, broker, group, events, member } = setUp({
      async onPrepare() {
        if (rounds++ === 0) return;
        prepared = deferred();
        await prepared.promise;
        events.push("given up");
      },
    });
    member.start();
    await clock.advance(0);
    group.heartbeatError = ErrorCodes.REBALANCE_IN_PROGRESS;
    await clock.advance(30_000);
    expect(group.generation).toBe(1);
    expect(member.generation).toBeUndefined();
    expect(broker.requests(heartbeat).length).toBeGreaterThan(8);
    await expect(member.commitOffsets([{ topic: "t", partition: 0, offset: 1 }])).rejects.toThrow(
      /REBALANCE_IN_PROGRESS/,
    );
    prepared!.resolve();
    await clock.advance(0);
    expect(events.at(-2)).toMatch(/^assign /);
    expect(events.at(-1)).toBe("assigned me to member-1 in 2");
  });

  test("that begin during onAssigned are joined once it is done", async () => {
    const taken = deferred();
    let rounds = 0;
    const { clock, group, events, member } = setUp({
      async onAssigned({ generationId }) {
        if (rounds++ === 0) await taken.promise;
        events.push(`taken ${generationId}`);
      },
    });
    member.start();
    await clock.advance(0);
    group.heartbeatError = ErrorCodes.REBALANCE_IN_PROGRESS;
    await clock.advance(20_000);
    expect(group.generation).toBe(1);
    taken.resolve();
    await clock.advance(0);
    expect(events.filter((each) => each.startsWith("taken") || each === "prepare")).toEqual([
      "prepare",
      "taken 1",
      "prepare",
      "taken 2",
    ]);
  });

  test("can be requested", async () => {
    const { clock, events, group, member } = setUp();
    member.start();
    await clock.advance(0);
    member.requestRejoin("metadata has changed");
    await clock.advance(0);
    expect(group.generation).toBe(2);
    expect(events.at(-1)).toBe("assigned me to member-1 in 2");
  });

  test("a leader that cannot assign joins again", async () => {
    let attempts = 0;
    const { clock, events, member } = setUp({
      async assign({ members }) {
        if (++attempts === 1) throw new Error("not now");
        return new Map(members.map(({ memberId }) => [memberId, Buffer.from("later")]));
      },
    });
    member.start();
    await clock.advance(10_000);
    expect(events.at(-1)).toBe("assigned later to member-1 in 2");
  });
});

describe("a callback that fails", () => {
  const joins = (broker: ScriptedBroker) => broker.requests(joinGroup).length;

  test("to take an assignment: the member stays alive and joins again after growing delays", async () => {
    let fails = true;
    const { clock, broker, group, member } = setUp({
      async onAssigned() {
        if (fails) throw new Error("the config topic cannot be read");
      },
    });
    member.start();
    await clock.advance(60_000);
    expect(joins(broker)).toBeGreaterThan(5);
    expect(joins(broker)).toBeLessThan(20);
    expect(broker.requests(heartbeat).length).toBeGreaterThan(15);
    expect(group.members.size).toBe(1);
    expect(member.generation).toBeUndefined();
    fails = false;
    await clock.advance(15_000);
    const settled = joins(broker);
    expect(member.generation?.generationId).toBe(group.generation);
    await clock.advance(60_000);
    expect(joins(broker)).toBe(settled);
  });

  test("to prepare: the member stays alive and does not join before onPrepare has succeeded", async () => {
    let fails = false;
    const { clock, broker, group, events, member } = setUp({
      async onPrepare() {
        if (fails) throw new Error("a task does not stop");
      },
    });
    member.start();
    await clock.advance(0);
    fails = true;
    group.heartbeatError = ErrorCodes.REBALANCE_IN_PROGRESS;
    const { length } = broker.requests(heartbeat);
    await clock.advance(30_000);
    expect(group.generation).toBe(1);
    expect(broker.requests(heartbeat).length).toBeGreaterThan(length + 8);
    fails = false;
    await clock.advance(12_000);
    expect(events.at(-1)).toBe("assigned me to member-1 in 2");
  });

  test("to give up lost work: it is called again until it succeeds, and only then the member joins", async () => {
    let fails = true;
    let attempts = 0;
    const { clock, group, events, member } = setUp({
      async onLost() {
        attempts++;
        if (fails) throw new Error("a task does not stop");
      },
    });
    member.start();
    await clock.advance(0);
    group.members.clear();
    await clock.advance(30_000);
    expect(attempts).toBeGreaterThan(3);
    expect(attempts).toBeLessThan(12);
    expect(group.generation).toBe(1);
    fails = false;
    await clock.advance(12_000);
    expect(events.at(-1)).toBe("assigned me to member-2 in 2");
  });
});

describe("a member that retires", () => {
  test("joins no rebalance and stays alive until it leaves", async () => {
    const { clock, broker, group, events, member } = setUp();
    member.start();
    await clock.advance(0);
    member.retire();
    group.heartbeatError = ErrorCodes.REBALANCE_IN_PROGRESS;
    member.requestRejoin("too late");
    await clock.advance(30_000);
    expect(events).toHaveLength(3);
    expect(group.generation).toBe(1);
    expect(broker.requests(heartbeat).length).toBeGreaterThan(8);
    const left = member.leave();
    await clock.advance(0);
    await left;
    expect(group.members.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test("calls onLost when it is lost, and does not join again", async () => {
    const { clock, group, events, member } = setUp();
    member.start();
    await clock.advance(0);
    member.retire();
    group.members.clear();
    await clock.advance(60_000);
    expect(events.slice(3)).toEqual([expect.stringMatching(/^lost: .*UNKNOWN_MEMBER_ID/)]);
    expect(group.generation).toBe(1);
  });

  test("in the middle of a join takes no assignment", async () => {
    const { clock, broker, group, events, member } = setUp();
    const parked = deferred();
    broker.fail("JoinGroup", "MEMBER_ID_REQUIRED", parked.promise);
    member.start();
    await clock.advance(0);
    member.retire();
    parked.resolve();
    await clock.advance(60_000);
    expect(events).toEqual(["prepare"]);
    expect(group.generation).toBeLessThan(2);
  });
});

describe("being lost", () => {
  test("calls onLost at once, even while a callback hangs, and joins again once both are done", async () => {
    const hanging = deferred();
    const stopping = deferred();
    const { clock, group, events, member } = setUp({
      async onAssigned({ generationId }) {
        events.push(`taking ${generationId}`);
        if (generationId === 1) await hanging.promise;
      },
      async onLost() {
        events.push("lost");
        await stopping.promise;
        events.push("given up");
      },
    });
    member.start();
    await clock.advance(0);
    group.members.clear();
    await clock.advance(3_000);
    expect(events.slice(2)).toEqual(["taking 1", "lost"]);
    expect(member.generation).toBeUndefined();
    hanging.resolve();
    await clock.advance(30_000);
    expect(group.generation).toBe(1);
    stopping.resolve();
    await clock.advance(0);
    expect(events.slice(3)).toEqual(["lost", "given up", "prepare", "assign sessioned to 1", "taking 2"]);
  });

  test("by a group in a newer generation: joins again with the same id", async () => {
    const { clock, broker, events, member } = setUp();
    member.start();
    await clock.advance(0);
    broker.fail("Heartbeat", "ILLEGAL_GENERATION");
    await clock.advance(3_000);
    expect(events.slice(3)).toEqual([
      expect.stringMatching(/^lost: .*ILLEGAL_GENERATION/),
      "prepare",
      "assign sessioned to 1",
      "assigned me to member-1 in 2",
    ]);
  });

  test("by a coordinator that does not know the member: calls onLost, then joins with a new id", async () => {
    const { clock, group, events, left, member } = setUp();
    member.start();
    await clock.advance(0);
    group.members.clear();
    await clock.advance(3_000);
    expect(left).toEqual([0]);
    expect(events.slice(3)).toEqual([
      expect.stringMatching(/^lost: Heartbeat to group g.*UNKNOWN_MEMBER_ID/),
      "prepare",
      "assign sessioned to 1",
      "assigned me to member-2 in 2",
    ]);
  });

  test("a worker of Connect, when the coordinator is out of reach for too long; it keeps its id", async () => {
    const { clock, broker, events, left, member, waits } = setUp({}, { coordinatorTimeoutMs: 3_000 });
    member.start();
    await clock.advance(1_000);
    broker.down.add(0).add(1);
    broker.disconnect();
    // The heartbeat at 3 s notices it.
    await clock.advance(4_900);
    expect(events).toHaveLength(3);
    expect(waits.at(-1)).toBeDefined();
    await clock.advance(1_200);
    expect(events[3]).toMatch(/^lost/);
    // The session of 10 s began with the join; no other member can have the work before it ends.
    expect(left[0]).toBeGreaterThan(3_000);
    expect(left[0]).toBeLessThan(4_100);
    broker.down.clear();
    await clock.advance(10_000);
    expect(events.at(-1)).toBe("assigned me to member-1 in 2");
    expect(waits.at(-1)).toBeUndefined();
  });

  test("a worker of Connect once per outage: the first heartbeat after it has a whole session to be answered", async () => {
    const { clock, broker, events, member } = setUp({}, { coordinatorTimeoutMs: 3_000 });
    member.start();
    await clock.advance(1_000);
    broker.down.add(0).add(1);
    broker.disconnect();
    await clock.advance(60_000);
    broker.on(heartbeat, async () => {
      await clock.delay(200);
      return { errorCode: 0 };
    });
    broker.down.clear();
    await clock.advance(60_000);
    expect(events.filter((each) => each.startsWith("lost"))).toHaveLength(1);
    expect(events.at(-1)).toBe("assigned me to member-1 in 2");
  });

  test("a worker of Connect, when the coordinator goes away while it joins again", async () => {
    const { clock, broker, events, member } = setUp({}, { coordinatorTimeoutMs: 3_000 });
    member.start();
    await clock.advance(0);
    broker.down.add(0).add(1);
    broker.disconnect();
    member.requestRejoin("test");
    await clock.advance(2_900);
    expect(events.slice(3)).toEqual(["prepare"]);
    await clock.advance(1_500);
    expect(events[4]).toMatch(/^lost/);
  });

  test("a worker of Connect, when its network dies while its join waits for others", async () => {
    const { clock, broker, group, events, member } = setUp({}, { coordinatorTimeoutMs: 3_000 });
    member.start();
    await clock.advance(0);
    broker.fail("JoinGroup", new Promise(() => {}));
    group.heartbeatError = ErrorCodes.REBALANCE_IN_PROGRESS;
    await clock.advance(60_000);
    // Parked, and known to be alive: that may last.
    expect(events.slice(3)).toEqual(["prepare"]);
    broker.down.add(0).add(1);
    await clock.advance(10_000);
    expect(events[4]).toMatch(/^lost/);
    broker.down.clear();
    group.heartbeatError = 0;
    await clock.advance(10_000);
    expect(events.at(-1)).toMatch(/^assigned me to member-1/);
  });

  test("a worker of Connect, when its heartbeats have no answer for a session", async () => {
    const { clock, broker, events, left, member } = setUp({}, { coordinatorTimeoutMs: 3_000 });
    member.start();
    await clock.advance(0);
    broker.fail("Heartbeat", new Promise(() => {}));
    await clock.advance(9_900);
    expect(events).toHaveLength(3);
    await clock.advance(200);
    expect(left).toEqual([0]);
    expect(events[3]).toMatch(/^lost: Heartbeat to group g.*REQUEST_TIMED_OUT/);
  });

  test("a consumer only when the coordinator says so, after any length of time", async () => {
    const { clock, broker, group, events, member, waits } = setUp();
    member.start();
    await clock.advance(0);
    broker.down.add(0).add(1);
    broker.disconnect();
    await clock.advance(60_000);
    expect(events).toHaveLength(3);
    expect(waits.at(-1)).toBeDefined();
    broker.down.clear();
    await clock.advance(5_000);
    expect(events).toHaveLength(3);
    expect(waits.at(-1)).toBeUndefined();
    expect(group.generation).toBe(1);
  });

  test("a consumer whose heartbeats have no answer for a session sends them over another connection", async () => {
    const { clock, broker, events, member } = setUp();
    member.start();
    await clock.advance(0);
    broker.fail("Heartbeat", new Promise(() => {}));
    await clock.advance(9_900);
    const beats = broker.requests(heartbeat).length;
    const searches = broker.requests(findCoordinator).length;
    await clock.advance(5_000);
    expect(broker.requests(heartbeat).length).toBeGreaterThan(beats);
    expect(broker.requests(findCoordinator)).toHaveLength(searches + 1);
    expect(events).toHaveLength(3);
  });

  test("onRefused gets the reason when heartbeats are refused for a session", async () => {
    const refusals: string[] = [];
    const { clock, broker, member } = setUp({ onRefused: (error) => refusals.push(error.message) });
    member.start();
    await clock.advance(0);
    broker.fail("Heartbeat", ...Array.from({ length: 200 }, () => "GROUP_AUTHORIZATION_FAILED" as const));
    await clock.advance(9_000);
    expect(refusals).toEqual([]);
    await clock.advance(3_000);
    expect(refusals).toEqual([expect.stringMatching(/^Heartbeat to group g: not authorized/)]);
  });

  test("commits are refused until the member is back", async () => {
    const { clock, broker, group, member } = setUp();
    member.start();
    await clock.advance(0);
    await member.commitOffsets([{ topic: "t", partition: 0, offset: 5, metadata: "m" }]);
    expect(broker.requests(offsetCommit)[0]).toMatchObject({ generationIdOrMemberEpoch: 1, memberId: "member-1" });
    group.members.clear();
    broker.fail("JoinGroup", new Promise(() => {}));
    await clock.advance(3_000);
    await expect(member.commitOffsets([{ topic: "t", partition: 0, offset: 6 }])).rejects.toThrow(
      /not in the group at the moment/,
    );
  });

  test("a commit begun before is refused afterwards, and not sent in the new generation", async () => {
    const { clock, broker, group, events, member } = setUp();
    member.start();
    await clock.advance(0);
    const stalled = deferred();
    broker.fail("OffsetCommit", stalled.promise);
    const committed = expect(member.commitOffsets([{ topic: "t", partition: 0, offset: 100 }])).rejects.toThrow(
      /UNKNOWN_MEMBER_ID/,
    );
    await clock.advance(0);
    group.members.clear();
    await clock.advance(3_000);
    expect(events.at(-1)).toBe("assigned me to member-2 in 2");
    stalled.reject(new KafkaError("NETWORK_EXCEPTION", "OffsetCommit"));
    await clock.advance(1_000);
    await committed;
    expect(broker.requests(offsetCommit).map((each) => [each.memberId, each.generationIdOrMemberEpoch])).toEqual([
      ["member-1", 1],
      ["member-1", 1],
    ]);
  });
});

describe("the end", () => {
  test("leaving notifies the coordinator, even while a join is parked", async () => {
    const { clock, broker, group, member } = setUp();
    member.start();
    await clock.advance(0);
    broker.fail("JoinGroup", new Promise(() => {}));
    member.requestRejoin("test");
    await clock.advance(0);
    const left = member.leave();
    await clock.advance(0);
    await left;
    expect(group.members.size).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a member that has left throws when used", async () => {
    const { clock, member } = setUp();
    member.start();
    await clock.advance(0);
    const left = member.leave();
    await clock.advance(0);
    await left;
    expect(() => member.start()).toThrow("The member of group g was closed");
    const offsets = [{ topic: "t", partition: 0, offset: 1 }];
    await expect(member.commitOffsets(offsets)).rejects.toThrow("The member of group g was closed");
    await expect(member.fetchOffsets(offsets)).rejects.toThrow("The member of group g was closed");
  });

  test("abandoning does not notify the coordinator", async () => {
    const { clock, group, member, apis } = setUp();
    member.start();
    await clock.advance(0);
    member.abandon();
    await clock.advance(60_000);
    expect(group.members.size).toBe(1);
    expect(apis()).not.toContain("LeaveGroup");
    expect(apis()).not.toContain("Heartbeat");
  });
});
