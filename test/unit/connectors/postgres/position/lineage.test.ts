import { expect, test } from "vitest";
import { judgeLineage } from "../../../../../connectors/postgres/position/lineage.js";
import type { Lsn } from "../../../../../connectors/postgres/wal/lsn.js";
import { parseForks, type ServerIdentity } from "../../../../../connectors/postgres/wal/server-identity.js";

const on = (timeline: number, systemId = "7"): ServerIdentity => ({ systemId, timeline });
const FORKS = parseForks("1\t0/1000\tno recovery target specified\n\n# a comment\n2\t0/2000\tbefore 2026-01-01\n");
const judge = (identity: ServerIdentity | null, furthest: number, server: ServerIdentity, forks = FORKS) =>
  judgeLineage({ identity, furthest: furthest as Lsn }, server, forks);

test("a history file names each ancestor and where it ended", () => {
  expect(FORKS).toEqual([
    { timeline: 1, endLsn: 0x1000 },
    { timeline: 2, endLsn: 0x2000 },
  ]);
  expect(() => parseForks("one\t0/1000")).toThrow(/unknown form/);
});

test("an offset up to the fork of its timeline belongs to the server, one beyond it does not", () => {
  expect(judge(on(1), 0x1000, on(3))).toEqual({ kind: "same" });
  expect(judge(on(2), 0x2000, on(3))).toEqual({ kind: "same" });
  expect(judge(on(1), 0x1008, on(3))).toMatchObject({
    kind: "diverged",
    reason: expect.stringMatching(/0\/1008 \(4104\) of timeline 1.*on timeline 3, which left it at 0\/1000/),
  });
  expect(judge(on(2), 0x2008, on(3))).toMatchObject({ kind: "diverged" });
});

test("a timeline that is no ancestor of the server's is a branch of its own", () => {
  expect(judge(on(2), 0x10, on(3), [FORKS[0]!])).toMatchObject({ kind: "diverged" });
  expect(judge(on(4), 0x10, on(3))).toMatchObject({ kind: "earlier" });
});

test("another system is foreign; an offset of Debezium names none", () => {
  expect(judge(on(1, "8"), 0x10, on(1))).toMatchObject({
    kind: "foreign",
    reason: expect.stringMatching(/system 8, but the server is system 7/),
  });
  expect(judge(null, 0x10, on(9))).toEqual({ kind: "same" });
  expect(judge(on(3), 0x9000, on(3))).toEqual({ kind: "same" });
});
