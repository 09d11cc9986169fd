import { expect, test } from "vitest";
import { brokenHistories } from "../../support/group/broken-histories.js";
import { historyCount } from "../../support/histories/history-count.js";

test("histories of a group break no rule (I4 to I7)", async () => {
  expect(await brokenHistories(1, historyCount(5_000))).toEqual([]);
});
