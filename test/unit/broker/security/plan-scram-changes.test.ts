import { expect, test } from "vitest";
import type { StoredCredential } from "../../../../src/broker/metadata/broker-metadata.js";
import { planScramChanges } from "../../../../src/broker/security/plan-scram-changes.js";

const STORED: StoredCredential = { iterations: 4096, salt: "", storedKey: "", serverKey: "" };
const USERS = new Map([["ann", { "SCRAM-SHA-256": STORED }]]);
const upsertion = (name: string, mechanism = 1, iterations = 4096, keyBytes = mechanism === 2 ? 64 : 32) => ({
  name,
  mechanism,
  iterations,
  salt: Buffer.from("salt"),
  saltedPassword: Buffer.alloc(keyBytes),
});
const deletion = (name: string, mechanism = 1) => ({ name, mechanism });

test("a user's credentials are set and removed together, and keep no password", () => {
  const [ann, bob] = planScramChanges([deletion("ann")], [upsertion("ann", 2), upsertion("bob", 1, 8192)], USERS);
  expect(ann).toMatchObject({
    kind: "change",
    changes: [
      { user: "ann", mechanism: "SCRAM-SHA-256", credential: null },
      { user: "ann", mechanism: "SCRAM-SHA-512", credential: { iterations: 4096 } },
    ],
  });
  expect(bob).toMatchObject({ kind: "change", changes: [{ credential: { iterations: 8192, salt: "c2FsdA==" } }] });
  expect(JSON.stringify(bob)).not.toContain(Buffer.alloc(32).toString("base64"));
});

test.each([
  ["DUPLICATE_RESOURCE", [], [upsertion("ann"), upsertion("ann")]],
  ["DUPLICATE_RESOURCE", [deletion("ann")], [upsertion("ann")]],
  ["UNACCEPTABLE_CREDENTIAL", [], [upsertion("")]],
  ["UNACCEPTABLE_CREDENTIAL", [], [upsertion("ann", 1, 4095)]],
  ["UNACCEPTABLE_CREDENTIAL", [], [upsertion("ann", 1, 16_385)]],
  ["UNACCEPTABLE_CREDENTIAL", [], [upsertion("ann", 1, 4096, 64)]],
  ["UNSUPPORTED_SASL_MECHANISM", [], [upsertion("ann", 3)]],
  ["UNSUPPORTED_SASL_MECHANISM", [deletion("ann", 0)], []],
  ["RESOURCE_NOT_FOUND", [deletion("ann", 2)], []],
  ["RESOURCE_NOT_FOUND", [deletion("bob")], [upsertion("bob", 2)]],
])("%s for %j %j, and nothing is changed for the user", (error, deletions, upsertions) => {
  expect(planScramChanges(deletions, upsertions, USERS)).toMatchObject([{ kind: "refused", error }]);
});

test("a request with very many users does not hold the broker up", () => {
  // With a search through the list for each of them this takes minutes.
  const deletions = Array.from({ length: 500_000 }, (_, at) => deletion(`user-${at}`));
  expect(planScramChanges(deletions, [], USERS)).toHaveLength(500_000);
});
