import { expect, test } from "vitest";
import { brokenHistories } from "../../support/group/broken-histories.js";

test("in any history of a group no work runs twice, no change is lost, and all comes to rest (I4 to I7)", async () => {
  expect(await brokenHistories(1, 80)).toEqual([]);
});
