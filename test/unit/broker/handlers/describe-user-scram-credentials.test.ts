import { expect, test } from "vitest";
import { describeUserScramCredentials as handler } from "../../../../src/broker/handlers/describe-user-scram-credentials.js";
import { describeUserScramCredentials as api } from "../../../../src/protocol/apis/describe-user-scram-credentials.js";
import { ErrorCodes } from "../../../../src/protocol/error-codes.js";
import { serve } from "../../../support/serve.js";

const STORED = { iterations: 4096, salt: "", storedKey: "", serverKey: "" };
const scramUsers = new Map([["ann", { "SCRAM-SHA-256": STORED }]]);

function ask(users: readonly string[] | null) {
  const request = { users: users === null ? null : users.map((name) => ({ name })) };
  return serve(handler, api, 0, request, { broker: { state: { metadata: { scramUsers } } } });
}

test("a user that is named twice is refused, once; without names all are listed", async () => {
  const { results } = await ask(["bob", "ann", "bob"]);
  expect(results.map(({ user, errorCode }) => [user, errorCode])).toEqual([
    ["bob", ErrorCodes.DUPLICATE_RESOURCE],
    ["ann", ErrorCodes.NONE],
  ]);
  const all = { user: "ann", credentialInfos: [{ mechanism: 1, iterations: 4096 }] };
  expect((await ask(null)).results).toMatchObject([all]);
  expect((await ask([])).results).toMatchObject([all]);
});

test("a request with very many users does not hold the broker up", async () => {
  // With a search through the list for each of them this takes minutes.
  const { results } = await ask(Array.from({ length: 500_000 }, (_, at) => `user-${at}`));
  expect(results).toHaveLength(500_000);
});
