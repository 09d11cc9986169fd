import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TaskId } from "../../../../src/contract/task-id.js";
import {
  type AssignorMember,
  type AssignorMemory,
  assignEager,
  assignIncremental,
  type IncrementalOutcome,
  NO_MEMORY,
} from "../../../../src/herder/membership/assignor.js";
import { intersection, isEmpty, minus, NO_WORK, union, type Work, workOf } from "../../../../src/herder/work.js";

function connectors(names: readonly string[], tasks: number): Work {
  const ids: TaskId[] = names.flatMap((connector) => Array.from({ length: tasks }, (_, task) => ({ connector, task })));
  return workOf(names, ids);
}

const MAX_DELAY_MS = 300_000;

/** A group whose leader stays. Members hold their assigned work and rejoin when the assignment requires it. */
class Group {
  readonly held = new Map<string, Work>();
  memory: AssignorMemory = NO_MEMORY;
  generation = 0;
  nowMs = 0;
  rounds = 0;
  /** What departed members reported as stopped. */
  givenUp: Work = NO_WORK;

  constructor(
    public configured: Work,
    readonly maxDelayMs = MAX_DELAY_MS,
  ) {}

  join(...memberIds: string[]): this {
    for (const memberId of memberIds) this.held.set(memberId, NO_WORK);
    return this;
  }

  leave(memberId: string): Work {
    const had = this.held.get(memberId)!;
    this.held.delete(memberId);
    return had;
  }

  /** One rebalance. */
  round(): IncrementalOutcome {
    this.rounds++;
    // A joining member has stopped work that is no longer configured.
    for (const [memberId, held] of this.held) this.held.set(memberId, intersection(held, this.configured));
    const members: AssignorMember[] = [...this.held].map(([memberId, held]) => ({ memberId, held }));
    const outcome = assignIncremental({
      configured: this.configured,
      members,
      memory: this.memory,
      givenUp: this.givenUp,
      completedGenerationId: this.generation,
      generationId: this.generation + 1,
      nowMs: this.nowMs,
      maxDelayMs: this.maxDelayMs,
    });
    this.generation++;
    this.memory = outcome.memory;
    for (const [memberId, { assigned, revoked }] of outcome.assignments) {
      this.held.set(memberId, union(minus(this.held.get(memberId)!, revoked), assigned));
    }
    return outcome;
  }

  /** Rebalances while work is revoked or withheld, waiting where it must. */
  settle(): this {
    for (let round = 0; round < 50; round++) {
      const { assignments, delayMs } = this.round();
      this.nowMs += delayMs;
      if (delayMs === 0 && [...assignments.values()].every(({ revoked }) => isEmpty(revoked))) return this;
    }
    throw new Error("The group does not settle");
  }

  counts(of: "connectors" | "tasks"): number[] {
    return [...this.held.values()].map((work) => work[of].size).sort();
  }
}

describe("the eager assignment", () => {
  test("deals connectors, then tasks, in a circle over the members", () => {
    const assignments = assignEager(connectors(["a", "b", "c"], 1), ["m2", "m1"]);
    expect(
      [...assignments].map(([id, { assigned }]) => [id, [...assigned.connectors], [...assigned.tasks.keys()]]),
    ).toEqual([
      ["m1", ["a", "c"], ["b-0"]],
      ["m2", ["b"], ["a-0", "c-0"]],
    ]);
  });
});

describe("the incremental assignment", () => {
  const work = connectors(["a", "b"], 2);

  test("assigns everything to a lone worker, and then changes nothing", () => {
    const group = new Group(work).join("m1");
    expect(group.round().assignments.get("m1")).toEqual({ assigned: work, revoked: NO_WORK });
    expect(group.round()).toMatchObject({
      delayMs: 0,
      assignments: new Map([["m1", { assigned: NO_WORK, revoked: NO_WORK }]]),
    });
  });

  test("moves work to a joining worker in two rounds: first the stop, then the start (I4)", () => {
    const group = new Group(work).join("m1").settle().join("m2");
    const { assignments } = group.round();
    expect(assignments.get("m2")!.assigned).toEqual(NO_WORK);
    const { revoked } = assignments.get("m1")!;
    expect([revoked.connectors.size, revoked.tasks.size]).toEqual([1, 2]);
    expect(group.round().assignments.get("m2")!.assigned).toEqual(revoked);
  });

  test("withholds the work of a departed worker, and deals it out after the delay", () => {
    const group = new Group(work).join("m1", "m2").settle();
    const lost = group.leave("m2");
    expect(group.round().delayMs).toBe(MAX_DELAY_MS);
    group.nowMs += 100_000;
    expect(group.round().delayMs).toBe(200_000);
    expect(intersection(group.held.get("m1")!, lost)).toEqual(NO_WORK);
    group.nowMs += 200_000;
    expect(group.round().delayMs).toBe(0);
    expect(group.held.get("m1")).toEqual(work);
  });

  test("deals out at once what a departed worker had given up, and only that", () => {
    const configured = connectors(["c"], 2);
    const group = new Group(configured).join("a", "b", "c").settle();
    const had = union(group.leave("a"), group.leave("b"));
    group.givenUp = workOf([], [{ connector: "c", task: 0 }]);
    const { delayMs } = group.round();
    expect(delayMs).toBe(MAX_DELAY_MS);
    expect([...group.held.get("c")!.tasks.keys()]).toContain("c-0");
    expect(isEmpty(intersection(group.held.get("c")!, minus(had, group.givenUp)))).toBe(true);
    group.givenUp = configured;
    expect(group.round().delayMs).toBe(0);
    expect(group.held.get("c")).toEqual(configured);
  });

  test("assigns it to the returned worker under its new id", () => {
    const group = new Group(work).join("m1", "m2").settle();
    const lost = group.leave("m2");
    group.round();
    group.nowMs += 5_000;
    group.join("m3");
    expect(group.round().delayMs).toBe(MAX_DELAY_MS - 5_000);
    group.nowMs += MAX_DELAY_MS;
    group.round();
    expect(group.held.get("m3")).toEqual(lost);
  });

  test("does not wait when the delay is 0, or without memory", () => {
    const now = new Group(work, 0).join("m1", "m2").settle();
    now.leave("m2");
    expect(now.round().delayMs).toBe(0);
    expect(now.held.get("m1")).toEqual(work);
    const newLeader = new Group(work).join("m1", "m2").settle();
    newLeader.leave("m2");
    newLeader.memory = NO_MEMORY;
    expect(newLeader.round().delayMs).toBe(0);
    expect(newLeader.held.get("m1")).toEqual(work);
  });

  test("deals work again at once when its assignment never arrived", () => {
    const group = new Group(work).join("m1", "m2").settle();
    const missed = group.held.get("m2")!;
    group.held.set("m2", NO_WORK);
    expect(group.round().delayMs).toBe(0);
    expect(group.held.get("m2")).toEqual(missed);
  });

  test("forgets the decision of a round that did not complete", () => {
    const group = new Group(work).join("m1").settle();
    group.configured = connectors(["a", "b", "c"], 2);
    group.round();
    group.held.set("m1", work);
    group.generation = 1; // the member never took its place in the last one
    group.round();
    expect(group.held.get("m1")).toEqual(group.configured);
  });

  test("revokes work that two workers hold from both, and deals it again", () => {
    const group = new Group(work).join("m1", "m2").settle();
    const twice = workOf(["a"], []);
    for (const [memberId, held] of group.held) group.held.set(memberId, union(held, twice));
    const { assignments } = group.round();
    expect([...assignments.values()].every(({ revoked }) => revoked.connectors.has("a"))).toBe(true);
    group.settle();
    expect([...group.held.values()].filter(({ connectors }) => connectors.has("a"))).toHaveLength(1);
  });

  test("levels the loads though work was added while lost work waited for its worker", () => {
    const group = new Group(connectors(["a", "b"], 3)).join("m0", "m1");
    group.round();
    group.leave("m0");
    group.join("m2").configured = connectors(["a", "d"], 3);
    group.settle();
    expect(group.counts("tasks")).toEqual([3, 3]);
    expect(group.counts("connectors")).toEqual([1, 1]);
  });

  test("keeps everything running once, and levels the loads, after any joins, departures and changes", () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("join" as const), member: fc.nat(5) }),
      fc.record({ do: fc.constant("leave" as const), member: fc.nat(5) }),
      fc.record({ do: fc.constant("configure" as const), names: fc.subarray(["a", "b", "c", "d"]), tasks: fc.nat(4) }),
      fc.record({ do: fc.constant("round" as const) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.nat(400_000) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), fc.constantFrom(0, MAX_DELAY_MS), (steps, maxDelayMs) => {
        const group = new Group(connectors(["a", "b"], 3), maxDelayMs).join("m0");
        const once = () => {
          let seen = NO_WORK;
          for (const held of group.held.values()) {
            expect(intersection(seen, held)).toEqual(NO_WORK);
            seen = union(seen, held);
          }
        };
        let joined = 0;
        for (const each of steps) {
          if (each.do === "join" && group.held.size < 4) group.join(`m${each.member}-${joined++}`);
          const members = [...group.held.keys()];
          if (each.do === "leave" && members.length > 1) group.leave(members[each.member % members.length]!);
          if (each.do === "configure") group.configured = connectors(each.names, each.tasks);
          if (each.do === "wait") group.nowMs += each.ms;
          if (each.do === "round") group.round();
          once();
        }
        group.settle();
        once();
        expect([...group.held.values()].reduce(union, NO_WORK)).toEqual(group.configured);
        for (const of of ["connectors", "tasks"] as const) {
          const counts = group.counts(of);
          expect(counts.at(-1)! - counts[0]!, of).toBeLessThanOrEqual(1);
        }
      }),
    );
  });
});
