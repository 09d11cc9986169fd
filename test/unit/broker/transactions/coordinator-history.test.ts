import { expect, test } from "vitest";
import { runCoordinatorHistory } from "../../../support/histories/coordinator-history.js";

test("whatever crashes, a transaction is visible as a whole or not at all, and a fenced producer writes nothing", async () => {
  const total = { committed: 0, aborted: 0 };
  for (let seed = 50; seed < 70; seed++) {
    const { committed, aborted } = await runCoordinatorHistory(seed);
    total.committed += committed;
    total.aborted += aborted;
  }
  // The histories are worth something.
  expect(total.committed).toBeGreaterThan(20);
  expect(total.aborted).toBeGreaterThan(20);
});
