import { describe, expect, it } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { deferred } from "../../../../src/base/deferred.js";
import { silentLogger } from "../../../../src/base/logger.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { LoneMember } from "../../../../src/herder/membership/lone-member.js";
import type { GroupAssignment, LeaderInput } from "../../../../src/kafka/client/group-member.js";

function member(hooks: {
  onPrepare?: () => Promise<void>;
  onAssigned?: (assignment: GroupAssignment) => Promise<void>;
}) {
  const clock = new SimClock();
  const calls: string[] = [];
  const lone = new LoneMember({
    callbacks: {
      async onPrepare() {
        calls.push("prepare");
        await hooks.onPrepare?.();
      },
      async assign({ members, protocol, generationId, leaderId }: LeaderInput) {
        calls.push(`assign ${generationId}`);
        expect(members).toEqual([{ memberId: leaderId, metadata: Buffer.from("metadata") }]);
        expect(protocol).toBe("first");
        return new Map([[leaderId, Buffer.from(`work ${generationId}`)]]);
      },
      async onAssigned(assignment) {
        calls.push(`assigned ${assignment.generationId}: ${assignment.assignment}`);
        expect(assignment.isLeader).toBe(true);
        await hooks.onAssigned?.(assignment);
      },
    },
    protocols: () => [
      { name: "first", metadata: Buffer.from("metadata") },
      { name: "second", metadata: Buffer.from("") },
    ],
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
  });
  return { lone, calls, clock };
}

const ROUND = (id: number) => ["prepare", `assign ${id}`, `assigned ${id}: work ${id}`];

describe("the only member of a group", () => {
  it("assigns itself what it offers, once, and again at each request", async () => {
    const { lone, calls, clock } = member({});
    lone.start();
    await clock.settled();
    expect(calls).toEqual(ROUND(1));
    lone.requestRejoin();
    await clock.settled();
    expect(calls).toEqual([...ROUND(1), ...ROUND(2)]);
    await lone.leave();
  });

  it("goes through another round after a request during one", async () => {
    const { lone, calls, clock } = member({
      onAssigned: async ({ generationId }) => {
        if (generationId === 1) lone.requestRejoin();
      },
    });
    lone.start();
    await clock.settled();
    expect(calls).toEqual([...ROUND(1), ...ROUND(2)]);
    await lone.leave();
  });

  it("tries a failed round again after a growing delay", async () => {
    let failures = 2;
    const { lone, calls, clock } = member({
      onPrepare: async () => {
        if (failures-- > 0) throw new Error("not now");
      },
    });
    lone.start();
    await clock.settled();
    expect(calls).toEqual(["prepare"]);
    await clock.advance(60_000);
    expect(calls).toEqual(["prepare", "prepare", ...ROUND(1)]);
    await lone.leave();
  });

  it("starts no round once it is retired, and leaves when the one in progress is over", async () => {
    const gate = deferred();
    const { lone, calls, clock } = member({ onPrepare: () => gate.promise });
    lone.start();
    await clock.settled();
    lone.retire();
    lone.requestRejoin();
    let left = false;
    const leaving = lone.leave().then(() => {
      left = true;
    });
    await clock.settled();
    expect(left).toBe(false);
    gate.resolve();
    await leaving;
    expect(calls).toEqual(["prepare"]);
  });
});
