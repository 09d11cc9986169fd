import { expect, test } from "vitest";
import { brokenHistories } from "../../support/group/broken-histories.js";

test("5,000 histories of a group break no rule (I4 to I7)", async () => {
  expect(await brokenHistories(5_001, 5_000)).toEqual([]);
});
