import { test } from "vitest";
import { runCompactionHistory } from "../../../support/histories/compaction-history.js";
import { runLogHistory } from "../../../support/histories/log-history.js";
import { runTopicHistory } from "../../../support/histories/topic-history.js";
import { runTransactionHistory } from "../../../support/histories/transaction-history.js";

test("after power cuts, kills and a failing disk every acknowledged record is there once and in order (I10)", async () => {
  for (let seed = 1; seed <= 30; seed++) await runLogHistory(seed);
});

test("compactions that are cut anywhere keep the newest acknowledged record of every key (I10)", async () => {
  for (let seed = 30; seed < 50; seed++) await runCompactionHistory(seed);
});

test("topics that are created, configured, shortened and deleted on a failing disk are what was acknowledged (I10)", async () => {
  for (let seed = 1; seed <= 8; seed++) await runTopicHistory(seed);
});

test("readers of committed records see those and no others, over aborts, compactions and crashes (I10)", async () => {
  // The seeds that have found faults, and a few more.
  for (const seed of [329, 442, 464, 2445, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]) await runTransactionHistory(seed);
  for (let seed = 12; seed < 24; seed++) await runTransactionHistory(seed, true);
});
