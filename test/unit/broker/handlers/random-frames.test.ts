import { expect, test } from "vitest";
import { fuzzBroker } from "../../../support/fuzz-broker.js";
import { seedOf } from "../../../support/seed.js";
import { APIS } from "../../protocol/every-api.js";

// The long ring runs millions of them.
test("random and damaged frames of every API and version are answered or refused, and damage nothing", async () => {
  const seed = seedOf("random frames");
  const { answered, malformed } = await fuzzBroker(seed, 4000, APIS, 50_000);
  expect(answered).toBeGreaterThan(1000);
  expect(malformed).toBeGreaterThan(500);
});
