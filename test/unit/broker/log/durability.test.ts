import { test } from "vitest";
import { runLogHistory } from "../../../support/log-history.js";

test("after power cuts, kills and a failing disk every acknowledged record is there once and in order (I10)", async () => {
  for (let seed = 1; seed <= 40; seed++) await runLogHistory(seed);
});
