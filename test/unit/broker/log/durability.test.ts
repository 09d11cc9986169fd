import { test } from "vitest";
import { runCompactionHistory } from "../../../support/compaction-history.js";
import { runLogHistory } from "../../../support/log-history.js";
import { runTopicHistory } from "../../../support/topic-history.js";

test("after power cuts, kills and a failing disk every acknowledged record is there once and in order (I10)", async () => {
  for (let seed = 1; seed <= 30; seed++) await runLogHistory(seed);
});

test("compactions that are cut anywhere keep the newest acknowledged record of every key (I10)", async () => {
  for (let seed = 30; seed < 50; seed++) await runCompactionHistory(seed);
});

test("a topic that is shortened, deleted and created again loses no acknowledged record (I10)", async () => {
  // The seeds that have found faults.
  for (const seed of [15, 128, 171, 181, 260, 308, 758, 759, 1247, 2090, 5083]) await runTopicHistory(seed);
});
