import { describe, expect, test } from "vitest";
import { SeededRandom } from "../../../../../../src/base/random.js";
import { ASSIGNORS, preferredAssignor } from "../../../../../../src/broker/groups/consumer/assignment/assignors.js";
import {
  hasPartition,
  listed,
  type TopicPartitions,
} from "../../../../../../src/broker/groups/consumer/assignment/topic-partitions.js";
import { seedOf } from "../../../../../support/seed.js";

type Targets = Map<string, TopicPartitions>;

const NONE: TopicPartitions = new Map();
const COUNTS: Readonly<Record<string, number>> = { t: 6, u: 6, v: 1 };

function assign(
  name: string,
  topicsOf: Readonly<Record<string, readonly string[]>>,
  before: Targets = new Map(),
): Targets {
  const subscribers = Object.entries(topicsOf).map(([memberId, topics]) => {
    return { memberId, instanceId: null, topicIds: new Set(topics), target: before.get(memberId) ?? NONE };
  });
  return ASSIGNORS.get(name)!(subscribers, (topicId) => COUNTS[topicId]!);
}

function shown(targets: Targets): Record<string, string> {
  const text = (target: TopicPartitions) =>
    listed(target)
      .map(({ topicId, partitions }) => `${topicId} ${partitions.join("")}`)
      .join(", ");
  return Object.fromEntries([...targets].map(([memberId, target]) => [memberId, text(target)]));
}

function countOf(target: TopicPartitions | undefined): number {
  return [...(target?.values() ?? [])].reduce((sum, { size }) => sum + size, 0);
}

/** The partitions that stay where they were. */
function kept(before: Targets, after: Targets): number {
  let count = 0;
  for (const [memberId, target] of before) {
    for (const [topicId, partitions] of target) {
      for (const partition of partitions) if (hasPartition(after.get(memberId) ?? NONE, topicId, partition)) count++;
    }
  }
  return count;
}

describe("range", () => {
  test("gives contiguous runs, the same of each topic to members with the same subscription", () => {
    const targets = assign("range", { a: ["t", "u"], b: ["t", "u"], c: ["t", "u"], d: ["t", "u"] });
    expect(shown(targets)).toEqual({ a: "t 01, u 01", b: "t 23, u 23", c: "t 4, u 4", d: "t 5, u 5" });
  });

  test("gives a topic to its subscribers alone, in the order of instances, then of ids", () => {
    const subscribers = [
      { memberId: "z", instanceId: null, topicIds: new Set(["t"]), target: NONE },
      { memberId: "y", instanceId: "i", topicIds: new Set(["t", "v"]), target: NONE },
      { memberId: "x", instanceId: null, topicIds: new Set<string>(), target: NONE },
    ];
    const targets = ASSIGNORS.get("range")!(subscribers, (topicId) => COUNTS[topicId]!);
    expect(shown(targets)).toEqual({ y: "t 012, v 0", z: "t 345" });
  });
});

describe("uniform", () => {
  test("moves no more than a new member needs, and only what a lost one had", () => {
    const both = assign("uniform", { a: ["t", "u"], b: ["t", "u"] });
    const three = assign("uniform", { a: ["t", "u"], b: ["t", "u"], c: ["t", "u"] }, both);
    expect([...three.values()].map(countOf)).toEqual([4, 4, 4]);
    expect(kept(both, three)).toBe(8);
    const left = assign("uniform", { a: ["t", "u"], c: ["t", "u"] }, three);
    expect([...left.values()].map(countOf)).toEqual([6, 6]);
    expect(kept(three, left)).toBe(8);
  });

  test("evens out what one member alone can have", () => {
    const targets = assign("uniform", { a: ["t", "v"], b: ["t"], c: ["v"] });
    expect(countOf(targets.get("c"))).toBe(1);
    expect([countOf(targets.get("a")), countOf(targets.get("b"))]).toEqual([3, 3]);
  });
});

test("whatever the subscriptions, each partition goes to one subscriber, and uniform leaves none that should move", () => {
  const random = new SeededRandom(seedOf("assignors"));
  const names = Object.keys(COUNTS);
  for (let run = 0; run < 300; run++) {
    const topicsOf: Record<string, string[]> = {};
    let targets: Targets = new Map();
    for (let change = 0; change < 5; change++) {
      topicsOf[`m${random.integer(5)}`] = names.filter(() => random.next() < 0.6);
      if (random.next() < 0.3) delete topicsOf[`m${random.integer(5)}`];
      const name = random.next() < 0.8 ? "uniform" : "range";
      targets = assign(name, topicsOf, targets);
      for (const topicId of names) {
        const subscribers = Object.keys(topicsOf).filter((memberId) => topicsOf[memberId]!.includes(topicId));
        for (let partition = 0; partition < COUNTS[topicId]!; partition++) {
          const owners = [...targets]
            .filter(([, target]) => hasPartition(target, topicId, partition))
            .map(([id]) => id);
          expect(owners).toHaveLength(subscribers.length > 0 ? 1 : 0);
          expect(subscribers).toEqual(expect.arrayContaining(owners));
          const least = Math.min(...subscribers.map((memberId) => countOf(targets.get(memberId))));
          if (name === "uniform" && owners[0]) expect(countOf(targets.get(owners[0])) - least).toBeLessThan(2);
        }
      }
    }
  }
});

test("the assignor of most votes is taken, uniform without any", () => {
  expect(preferredAssignor([null, null])).toBe("uniform");
  expect(preferredAssignor(["range", "uniform", "range"])).toBe("range");
  expect(preferredAssignor(["range", null, null])).toBe("range");
  expect(preferredAssignor(["range", "uniform"])).toBe("uniform");
});
