import { expect, test } from "vitest";
import { groupHistory } from "../../support/group/group-history.js";
import { PLANTED_BUGS } from "../../support/group/planted-bugs.js";

test.each(Object.entries(PLANTED_BUGS))("histories find that %s", async (_name, { bug, fault }) => {
  const others: string[] = [];
  for (let seed = 1; seed <= 3_000; seed++) {
    const found = await groupHistory(seed, bug);
    if (found !== undefined && fault.test(found)) return;
    if (found !== undefined) others.push(found);
  }
  expect.fail(`not found in 3,000 histories; they found ${others.join("\n") || "nothing"}`);
});
