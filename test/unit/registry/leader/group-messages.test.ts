import { describe, expect, test } from "vitest";
import {
  electLeader,
  type Identity,
  readAssignment,
  readIdentity,
  writeAssignment,
  writeIdentity,
} from "../../../../src/registry/leader/group-messages.js";

const identity = (host: string, more: Partial<Identity> = {}): Identity => ({
  scheme: "http",
  host,
  port: 8081,
  isEligible: true,
  isLeader: false,
  ...more,
});

describe("messages of the group", () => {
  test("are the original's", () => {
    const text = '{"version":1,"host":"h","port":8081,"master_eligibility":true,"scheme":"http","leader":false}';
    expect(writeIdentity(identity("h")).toString()).toBe(text);
    expect(readIdentity(Buffer.from(text))).toEqual(identity("h"));
    const leader = { memberId: "m", identity: identity("h") };
    const assignment = writeAssignment({ error: 0, leader });
    expect(assignment.toString()).toBe(`{"version":1,"error":0,"master":"m","master_identity":${text}}`);
    expect(readAssignment(assignment)).toEqual({ error: 0, leader });
  });

  test("of older registries have no scheme and no leader", () => {
    expect(readIdentity(Buffer.from('{"port":1,"version":1,"host":"h","master_eligibility":false}'))).toEqual(
      identity("h", { port: 1, isEligible: false }),
    );
  });
});

describe("the leader", () => {
  const elect = (members: Record<string, Identity>, isSticky = false) =>
    electLeader(new Map(Object.entries(members)), isSticky);

  test("is the eligible member with the smallest URL", () => {
    const members = { a: identity("z"), b: identity("m"), c: identity("a", { isEligible: false }) };
    expect(elect(members).leader?.memberId).toBe("b");
  });

  test("stays if it is to", () => {
    const members = { a: identity("z", { isLeader: true }), b: identity("m") };
    expect(elect(members, true).leader?.memberId).toBe("a");
    expect(elect(members, false).leader?.memberId).toBe("b");
  });

  test("is nobody if nobody may lead, or if two have one URL", () => {
    expect(elect({ a: identity("h", { isEligible: false }) })).toEqual({ error: 0, leader: undefined });
    expect(elect({ a: identity("h"), b: identity("h") })).toEqual({ error: 1, leader: undefined });
  });
});
