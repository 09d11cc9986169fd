import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ClassicGroup, type GroupEffect } from "../../../../../src/broker/groups/classic/classic-group.js";
import type { JoinAnswer, SyncAnswer } from "../../../../../src/broker/groups/classic/group-member.js";
import { ErrorCodes } from "../../../../../src/protocol/error-codes.js";

const SESSION_MS = 10_000;
const REBALANCE_MS = 60_000;

/** A group with its clock, its parked requests and their answers. */
class Scene {
  nowMs = 0;
  readonly joins = new Map<number, JoinAnswer>();
  readonly syncs = new Map<number, SyncAnswer>();
  persisted = 0;
  #token = 0;

  constructor(public group = new ClassicGroup("g", { initialRebalanceDelayMs: 0, maxSize: 1000 })) {}

  carryOut(effects: readonly GroupEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "persist") this.persisted++;
      else {
        const answers: Map<number, unknown> = effect.kind === "answer-join" ? this.joins : this.syncs;
        expect(answers.has(effect.token)).toBe(false);
        answers.set(effect.token, effect.answer);
      }
    }
  }

  join(memberId: string, extra: Partial<Parameters<ClassicGroup["join"]>[0]> = {}): number {
    const token = ++this.#token;
    const command = {
      token,
      memberId,
      freshMemberId: `fresh-${token}`,
      instanceId: null,
      clientId: "c",
      clientHost: "/127.0.0.1",
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.from("m") }],
      asksForMemberId: false,
      canSkipAssignment: true,
      ...extra,
    };
    this.carryOut(this.group.join(command, this.nowMs));
    return token;
  }

  sync(memberId: string, generationId: number, assignments: Record<string, string> = {}): number {
    const token = ++this.#token;
    const command = {
      token,
      memberId,
      instanceId: null,
      generationId,
      protocolType: null,
      protocolName: null,
      assignments: Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) })),
    };
    this.carryOut(this.group.sync(command, this.nowMs));
    return token;
  }

  heartbeat(memberId: string, generationId: number): number {
    return this.group.heartbeat({ memberId, instanceId: null }, generationId, this.nowMs);
  }

  leave(memberId: string): number {
    const { errorCodes, effects } = this.group.leave([{ memberId, instanceId: null }], this.nowMs);
    this.carryOut(effects);
    return errorCodes[0]!;
  }

  /** Lets time pass, firing the group's own deadlines on the way. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (let next = this.group.nextDeadlineMs(); next <= untilMs; next = this.group.nextDeadlineMs()) {
      this.nowMs = Math.max(this.nowMs, next);
      this.carryOut(this.group.tick(this.nowMs));
    }
    this.nowMs = untilMs;
  }

  /** A first member, joined and synced. Returns its id. */
  stable(): string {
    const { memberId, generationId } = this.joins.get(this.join(""))!;
    this.sync(memberId, generationId, { [memberId]: "all" });
    return memberId;
  }
}

describe("a classic group", () => {
  test("goes through its states with one member", () => {
    const scene = new Scene();
    const answer = scene.joins.get(scene.join(""))!;
    expect(answer).toMatchObject({ errorCode: 0, generationId: 1, protocolName: "range", leader: answer.memberId });
    expect(answer.members).toEqual([{ memberId: answer.memberId, groupInstanceId: null, metadata: Buffer.from("m") }]);
    expect(scene.group.state).toBe("CompletingRebalance");
    const synced = scene.syncs.get(scene.sync(answer.memberId, 1, { [answer.memberId]: "mine" }))!;
    expect(synced.assignment.toString()).toBe("mine");
    expect(scene.group.state).toBe("Stable");
    expect(scene.persisted).toBe(1);
    expect(scene.heartbeat(answer.memberId, 1)).toBe(0);
    expect(scene.leave(answer.memberId)).toBe(0);
    expect(scene.group.state).toBe("Empty");
    expect(scene.persisted).toBe(2);
    expect(scene.group.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY);
  });

  test("hands a new member its id first when the version asks for that, and waits for it in a rebalance", () => {
    const scene = new Scene();
    const handed = scene.joins.get(scene.join("", { asksForMemberId: true }))!;
    expect(handed.errorCode).toBe(ErrorCodes.MEMBER_ID_REQUIRED);
    const first = scene.joins.get(scene.join(handed.memberId))!;
    expect(first).toMatchObject({ errorCode: 0, memberId: handed.memberId });
    scene.sync(first.memberId, 1, {});

    const second = scene.joins.get(scene.join("", { asksForMemberId: true }))!.memberId;
    const rejoin = scene.join(first.memberId, { protocols: [{ name: "range", metadata: Buffer.from("new") }] });
    expect(scene.joins.has(rejoin)).toBe(false);
    scene.join(second);
    expect(scene.joins.get(rejoin)).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(scene.joins.get(rejoin)!.members).toHaveLength(2);
  });

  test("does not wait for an id that never joins beyond its session", () => {
    const scene = new Scene();
    const member = scene.stable();
    scene.join("", { asksForMemberId: true });
    const rejoin = scene.join(member, { protocols: [{ name: "range", metadata: Buffer.from("new") }] });
    scene.advance(SESSION_MS - 1);
    expect(scene.joins.has(rejoin)).toBe(false);
    scene.advance(1);
    expect(scene.joins.get(rejoin)).toMatchObject({ errorCode: 0, generationId: 2 });
  });

  test("tells members to rejoin when another comes, and gives all of them one generation", () => {
    const scene = new Scene();
    const first = scene.stable();
    const newcomer = scene.join("");
    expect(scene.group.state).toBe("PreparingRebalance");
    expect(scene.heartbeat(first, 1)).toBe(ErrorCodes.REBALANCE_IN_PROGRESS);
    const rejoin = scene.join(first);
    expect(scene.joins.get(rejoin)!.generationId).toBe(2);
    expect(scene.joins.get(newcomer)!.generationId).toBe(2);
    expect(scene.joins.get(rejoin)!.leader).toBe(first);
    expect(scene.joins.get(newcomer)!.members).toEqual([]);

    const second = scene.joins.get(newcomer)!.memberId;
    const waiting = scene.sync(second, 2);
    expect(scene.syncs.has(waiting)).toBe(false);
    scene.sync(first, 2, { [first]: "a", [second]: "b" });
    expect(scene.syncs.get(waiting)!.assignment.toString()).toBe("b");
  });

  test("drops a member that does not rejoin in time, and goes on with the rest", () => {
    const scene = new Scene();
    const first = scene.stable();
    const newcomer = scene.join("");
    scene.advance(SESSION_MS - 1);
    expect(scene.joins.has(newcomer)).toBe(false);
    scene.advance(1);
    const answer = scene.joins.get(newcomer)!;
    expect(answer).toMatchObject({ errorCode: 0, leader: answer.memberId });
    expect(answer.members.map(({ memberId }) => memberId)).toEqual([answer.memberId]);
    expect(scene.heartbeat(first, 2)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
  });

  test("drops a member that lives but does not rejoin within the rebalance timeout", () => {
    const scene = new Scene();
    const first = scene.stable();
    const newcomer = scene.join("");
    for (let waited = 0; waited < REBALANCE_MS; waited += SESSION_MS / 2) {
      expect(scene.heartbeat(first, 1)).toBe(ErrorCodes.REBALANCE_IN_PROGRESS);
      expect(scene.joins.has(newcomer)).toBe(false);
      scene.advance(SESSION_MS / 2);
    }
    expect(scene.joins.get(newcomer)!.members).toHaveLength(1);
    expect(scene.heartbeat(first, 2)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
  });

  test("takes a member that is silent for its session timeout for dead", () => {
    const scene = new Scene();
    const member = scene.stable();
    scene.advance(SESSION_MS - 1);
    expect(scene.heartbeat(member, 1)).toBe(0);
    scene.advance(SESSION_MS - 1);
    expect(scene.group.state).toBe("Stable");
    scene.advance(1);
    expect(scene.group.state).toBe("Empty");
  });

  test("rebalances when the leader never assigns", () => {
    const scene = new Scene();
    const leader = scene.stable();
    const newcomer = scene.join("", { rebalanceTimeoutMs: 5000 });
    scene.join(leader, { rebalanceTimeoutMs: 5000 });
    const second = scene.joins.get(newcomer)!.memberId;
    const waiting = scene.sync(second, 2);
    scene.advance(5000);
    expect(scene.syncs.get(waiting)!.errorCode).toBe(ErrorCodes.REBALANCE_IN_PROGRESS);
    const rejoin = scene.join(second);
    expect(scene.joins.get(rejoin)).toMatchObject({ errorCode: 0, leader: second });
  });

  test("answers the same generation again to a follower whose answer was lost, and rebalances for the leader", () => {
    const scene = new Scene();
    const leader = scene.stable();
    const newcomer = scene.join("");
    scene.join(leader);
    const follower = scene.joins.get(newcomer)!.memberId;
    scene.sync(leader, 2, {});
    expect(scene.joins.get(scene.join(follower))).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(scene.group.state).toBe("Stable");
    expect(scene.joins.has(scene.join(leader))).toBe(false);
    expect(scene.group.state).toBe("PreparingRebalance");
  });

  test("refuses other protocol types, protocols nobody shares, unknown members and old generations", () => {
    const scene = new Scene();
    const member = scene.stable();
    const refusal = (token: number) => scene.joins.get(token)!.errorCode;
    expect(refusal(scene.join("", { protocolType: "connect" }))).toBe(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
    const other = [{ name: "sticky", metadata: Buffer.alloc(0) }];
    expect(refusal(scene.join("", { protocols: other }))).toBe(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
    expect(refusal(scene.join("", { protocols: [] }))).toBe(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
    expect(refusal(scene.join("nobody"))).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(scene.heartbeat(member, 0)).toBe(ErrorCodes.ILLEGAL_GENERATION);
    expect(scene.heartbeat("nobody", 1)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(scene.syncs.get(scene.sync(member, 0))!.errorCode).toBe(ErrorCodes.ILLEGAL_GENERATION);
    expect(scene.leave("nobody")).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(scene.group.state).toBe("Stable");
  });

  test("judges commits by membership, generation and state", () => {
    const scene = new Scene();
    const commit = (memberId: string, generationId: number) =>
      scene.group.judgeCommit({ memberId, instanceId: null }, generationId, false, scene.nowMs);
    expect(commit("", -1)).toBe(0);
    const { memberId } = scene.joins.get(scene.join(""))!;
    expect(commit(memberId, 1)).toBe(ErrorCodes.REBALANCE_IN_PROGRESS);
    scene.sync(memberId, 1, {});
    expect(commit(memberId, 1)).toBe(0);
    expect(commit(memberId, 2)).toBe(ErrorCodes.ILLEGAL_GENERATION);
    expect(commit("nobody", 1)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
    expect(commit("", -1)).toBe(ErrorCodes.UNKNOWN_MEMBER_ID);
  });

  test("chooses the protocol most members prefer among those all support", () => {
    const scene = new Scene();
    const named = (...names: string[]) => ({ protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })) });
    const { memberId } = scene.joins.get(scene.join("", named("a", "b")))!;
    scene.join("", named("b", "a", "c"));
    scene.join("", named("b", "a"));
    expect(scene.joins.get(scene.join(memberId, named("a", "b")))!.protocolName).toBe("b");
  });

  test("finds the protocol its members share at once, however many they name", () => {
    const scene = new Scene();
    const named = (from: number) =>
      Array.from({ length: 200_000 }, (_, at) => ({ name: `each-${from + at}`, metadata: Buffer.alloc(0) }));
    const first = scene.join("", { protocols: named(0) });
    expect(scene.joins.get(first)).toMatchObject({ errorCode: 0, protocolName: "each-0" });
    const other = scene.join("", { protocols: named(1_000_000) });
    expect(scene.joins.get(other)!.errorCode).toBe(ErrorCodes.INCONSISTENT_GROUP_PROTOCOL);
  });

  test("waits the initial delay for more members, longer with each, and not at all once it has run", () => {
    const scene = new Scene(new ClassicGroup("g", { initialRebalanceDelayMs: 3000, maxSize: 10 }));
    const first = scene.join("");
    scene.advance(2000);
    const second = scene.join("");
    scene.advance(2999);
    expect(scene.joins.size).toBe(0);
    scene.advance(1);
    expect(scene.joins.get(first)!.generationId).toBe(1);
    expect(scene.joins.get(second)!.generationId).toBe(1);
  });
});

describe("a static member", () => {
  const asStatic = { instanceId: "i1" };

  test("comes back under a new id without a rebalance, and fences its former self", () => {
    const scene = new Scene();
    const { memberId: old } = scene.joins.get(scene.join("", asStatic))!;
    scene.sync(old, 1, { [old]: "kept" });
    const back = scene.joins.get(scene.join("", asStatic))!;
    expect(back).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true, leader: back.memberId });
    expect(back.memberId).not.toBe(old);
    expect(scene.group.state).toBe("Stable");
    expect(scene.syncs.get(scene.sync(back.memberId, 1))!.assignment.toString()).toBe("kept");
    const identity = { memberId: old, instanceId: "i1" };
    expect(scene.group.heartbeat(identity, 1, scene.nowMs)).toBe(ErrorCodes.FENCED_INSTANCE_ID);
  });

  test("that leads and cannot skip the assignment gets its former id as the leader", () => {
    const scene = new Scene();
    const { memberId: old } = scene.joins.get(scene.join("", asStatic))!;
    scene.sync(old, 1, {});
    const back = scene.joins.get(scene.join("", { ...asStatic, canSkipAssignment: false }))!;
    expect(back).toMatchObject({ leader: old, skipAssignment: false, members: [] });
  });

  test("is removed by its instance id alone", () => {
    const scene = new Scene();
    const { memberId } = scene.joins.get(scene.join("", asStatic))!;
    scene.sync(memberId, 1, {});
    const { errorCodes, effects } = scene.group.leave([{ memberId: "", instanceId: "i1" }], scene.nowMs);
    scene.carryOut(effects);
    expect(errorCodes).toEqual([0]);
    expect(scene.group.state).toBe("Empty");
  });
});

test("a restored group goes on in its generation, with fresh session timers", () => {
  const scene = new Scene();
  const member = scene.stable();
  const { state: _, ...stored } = scene.group.snapshot();
  const again = new Scene(ClassicGroup.restore("g", { initialRebalanceDelayMs: 0, maxSize: 10 }, stored, 500_000));
  again.nowMs = 500_000;
  expect(again.heartbeat(member, 1)).toBe(0);
  expect(again.syncs.get(again.sync(member, 1))!.assignment.toString()).toBe("all");
  again.advance(SESSION_MS);
  expect(again.group.state).toBe("Empty");
});

/** Members that follow the protocol, in any interleaving, with some that vanish. */
describe("in any interleaving", () => {
  const action = fc.record({
    member: fc.nat({ max: 4 }),
    act: fc.constantFrom("join", "sync", "heartbeat", "leave", "vanish", "wait", "wait long"),
  });

  test("every parked request is answered at the latest after the timeouts, and no generation has two leaders or assignments", () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 1, maxLength: 80 }), (actions) => {
        const scene = new Scene();
        const leaders = new Map<number, string>();
        const clients = Array.from({ length: 5 }, () => ({
          id: "",
          generation: -1,
          join: 0,
          sync: 0,
          leads: [] as string[],
        }));
        const settle = () => {
          for (const client of clients) {
            const joined = client.join ? scene.joins.get(client.join) : undefined;
            if (joined) {
              client.join = 0;
              if (joined.errorCode === 0) {
                Object.assign(client, { id: joined.memberId, generation: joined.generationId });
                client.leads = joined.members.map(({ memberId }) => memberId);
                const known = leaders.get(joined.generationId) ?? joined.leader;
                expect(joined.leader).toBe(known);
                leaders.set(joined.generationId, known);
                if (joined.leader === joined.memberId) expect(client.leads).toContain(joined.memberId);
              } else {
                client.id = joined.errorCode === ErrorCodes.UNKNOWN_MEMBER_ID ? "" : joined.memberId;
              }
            }
            const synced = client.sync ? scene.syncs.get(client.sync) : undefined;
            if (synced) {
              client.sync = 0;
              if (synced.errorCode === 0)
                expect(synced.assignment.toString()).toBe(`${client.generation} ${client.id}`);
            }
          }
        };
        for (const { member, act } of actions) {
          const client = clients[member]!;
          const busy = client.join !== 0 || client.sync !== 0;
          if (act === "join" && !busy) client.join = scene.join(client.id);
          else if (act === "sync" && !busy && client.id !== "") {
            const assignments = Object.fromEntries(client.leads.map((id) => [id, `${client.generation} ${id}`]));
            client.sync = scene.sync(client.id, client.generation, assignments);
          } else if (act === "heartbeat" && client.id !== "") scene.heartbeat(client.id, client.generation);
          else if (act === "leave" && !busy && client.id !== "") {
            scene.leave(client.id);
            client.id = "";
          } else if (act === "vanish") Object.assign(client, { id: "", generation: -1, join: 0, sync: 0, leads: [] });
          else if (act === "wait") scene.advance(1000);
          else if (act === "wait long") scene.advance(SESSION_MS);
          settle();
          const { state, members } = scene.group.snapshot();
          if (members.length === 0) expect(state).toBe("Empty");
          for (const each of members) {
            if (state === "Stable") expect([each.parkedJoin, each.parkedSync]).toEqual([undefined, undefined]);
            if (state === "PreparingRebalance") expect(each.parkedSync).toBeUndefined();
          }
        }
        scene.advance(2 * REBALANCE_MS + 300_000 + SESSION_MS);
        settle();
        for (const { join, sync } of clients) expect([join, sync]).toEqual([0, 0]);
        expect(scene.group.state).toBe("Empty");
        expect(scene.group.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY);
      }),
      { numRuns: 300 },
    );
  });
});
