import { describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../../src/base/deferred.js";
import type { GroupAssignment, GroupMemberCallbacks } from "../../../../src/kafka/kafka-client.js";
import { heartbeat } from "../../../../src/protocol/apis/heartbeat.js";
import { joinGroup } from "../../../../src/protocol/apis/join-group.js";
import { leaveGroup } from "../../../../src/protocol/apis/leave-group.js";
import { offsetCommit } from "../../../../src/protocol/apis/offset-commit.js";
import { syncGroup } from "../../../../src/protocol/apis/sync-group.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../../src/protocol/kafka-error.js";
import { ScriptedBroker, scriptedClient } from "../scripted-broker.js";

/** A coordinator of a group with one member, which it makes leader. */
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

function setUp(changes: Partial<GroupMemberCallbacks> = {}) {
  const clock = new SimClock();
  const broker = new ScriptedBroker(clock, 2);
  const group = scriptGroup(broker);
  const events: string[] = [];
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
      async onLost(error) {
        events.push(`lost: ${error.message}`);
      },
      ...changes,
    },
  );
  const apis = () => broker.seen.map((each) => each.api);
  return { clock, broker, group, events, waits, client, member, apis };
}

describe("joining", () => {
  test("takes the id it is given, assigns as the leader, and keeps alive", async () => {
    const { clock, events, member, apis } = setUp();
    member.start();
    await clock.advance(0);
    expect(events).toEqual(["prepare", "assign sessioned to 1", "assigned me to member-1 in 1"]);
    expect(member.generation).toMatchObject({ isLeader: true, generationId: 1, protocol: "sessioned" });
    await clock.advance(30_000);
    expect(apis().filter((api) => api === "Heartbeat")).toHaveLength(10);
    expect(events).toHaveLength(3);
  });

  test("goes on through lost requests, a loading coordinator and one that moves", async () => {
    const { clock, broker, events, member } = setUp();
    broker.fail("FindCoordinator", "COORDINATOR_NOT_AVAILABLE", "drop");
    broker.fail("JoinGroup", "COORDINATOR_LOAD_IN_PROGRESS", "lose", "NOT_COORDINATOR");
    broker.fail("SyncGroup", "drop");
    member.start();
    await clock.advance(60_000);
    expect(events.at(-1)).toMatch(/^assigned me/);
    expect(events.filter((each) => each === "prepare")).toHaveLength(1);
  });

  test("a refusal is told and tried again", async () => {
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
  test("wait for what was given up, with heartbeats going on meanwhile", async () => {
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

  test("that begin while an assignment is being taken are answered once it is", async () => {
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

  test("can be asked for", async () => {
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

describe("being lost", () => {
  test("to a coordinator that does not know the member: told, then joined under a new id", async () => {
    const { clock, group, events, member } = setUp();
    member.start();
    await clock.advance(0);
    group.members.clear();
    await clock.advance(3_000);
    expect(events.slice(3)).toEqual([
      expect.stringMatching(/^lost: Heartbeat to group g.*UNKNOWN_MEMBER_ID/),
      "prepare",
      "assign sessioned to 1",
      "assigned me to member-2 in 2",
    ]);
  });

  test("when nobody answered for a session: told by then, not before, and healed afterwards", async () => {
    const { clock, broker, events, member, waits } = setUp();
    member.start();
    await clock.advance(0);
    broker.down.add(0).add(1);
    broker.disconnect();
    await clock.advance(9_900);
    expect(events).toHaveLength(3);
    expect(waits.at(-1)).toBeDefined();
    await clock.advance(4_000);
    expect(events[3]).toMatch(/^lost/);
    broker.down.clear();
    await clock.advance(10_000);
    expect(events.at(-1)).toBe("assigned me to member-2 in 2");
    expect(waits.at(-1)).toBeUndefined();
  });

  test("when heartbeats are not answered at all", async () => {
    const { clock, broker, events, member } = setUp();
    member.start();
    await clock.advance(0);
    broker.fail("Heartbeat", new Promise(() => {}));
    await clock.advance(13_000);
    expect(events[3]).toMatch(/^lost: Heartbeat to group g.*REQUEST_TIMED_OUT/);
  });

  test("nothing can be committed until it is back", async () => {
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

  test("a commit begun before is refused afterwards, and not sent in the name of the member that joined again", async () => {
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
  test("leaving tells the coordinator, even while a join is parked", async () => {
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

  test("abandoning says nothing", async () => {
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
