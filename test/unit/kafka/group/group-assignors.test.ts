import fc from "fast-check";
import { expect, test } from "vitest";
import { assignPartitions } from "../../../../src/kafka/group/group-assignors.js";

const show = (assignments: ReturnType<typeof assignPartitions>) =>
  Object.fromEntries([...assignments].map(([id, each]) => [id, each.map((p) => `${p.topic}${p.partition}`).join(" ")]));

test("range assigns each member consecutive partitions of every topic, and the first members the extra ones", () => {
  const members = [
    { memberId: "b", topics: ["t", "u"] },
    { memberId: "a", topics: ["t", "u"] },
    { memberId: "c", topics: ["u"] },
  ];
  const partitionCounts = new Map([
    ["t", 3],
    ["u", 4],
    ["unread", 2],
  ]);
  expect(show(assignPartitions("range", { members, partitionCounts }))).toEqual({
    a: "t0 t1 u0 u1",
    b: "t2 u2",
    c: "u3",
  });
});

test("round robin deals all partitions in turn", () => {
  const members = ["a", "b"].map((memberId) => ({ memberId, topics: ["t", "u"] }));
  const partitionCounts = new Map([
    ["t", 3],
    ["u", 3],
  ]);
  expect(show(assignPartitions("roundrobin", { members, partitionCounts }))).toEqual({ a: "t0 t2 u1", b: "t1 u0 u2" });
});

test("every partition goes to exactly one member that reads its topic, for any order of members", () => {
  const topic = fc.constantFrom("t", "u", "v");
  const input = fc.record({
    members: fc.uniqueArray(fc.record({ memberId: fc.string({ minLength: 1 }), topics: fc.uniqueArray(topic) }), {
      selector: (each) => each.memberId,
      minLength: 1,
      maxLength: 8,
    }),
    counts: fc.record({ t: fc.nat(12), u: fc.nat(12), v: fc.nat(12) }),
  });
  fc.assert(
    fc.property(fc.constantFrom("range" as const, "roundrobin" as const), input, (assignor, { members, counts }) => {
      const partitionCounts = new Map(Object.entries(counts));
      const assignments = assignPartitions(assignor, { members, partitionCounts });
      const read = new Set<string>(members.flatMap((each) => each.topics));
      const expected = [...partitionCounts].flatMap(([name, count]) =>
        read.has(name) ? Array.from({ length: count }, (_, partition) => `${name}${partition}`) : [],
      );
      const given = [...assignments.values()].flat().map((each) => `${each.topic}${each.partition}`);
      expect(given.sort()).toEqual(expected.sort());
      for (const { memberId, topics } of members) {
        for (const each of assignments.get(memberId)!) expect(topics).toContain(each.topic);
      }
      const reversed = assignPartitions(assignor, { members: [...members].reverse(), partitionCounts });
      expect(show(reversed)).toEqual(show(assignments));
    }),
  );
});
