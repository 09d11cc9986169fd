import { test } from "vitest";
import { runCompactionHistory } from "../../support/compaction-history.js";
import { runCoordinatorHistory } from "../../support/coordinator-history.js";
import { runLogHistory } from "../../support/log-history.js";
import { runTopicHistory } from "../../support/topic-history.js";
import { runTransactionHistory } from "../../support/transaction-history.js";

const HISTORIES = 10_000;

test(`over ${HISTORIES} histories of power cuts, kills and a failing disk every acknowledged record is there once (I10)`, async () => {
  for (let seed = 1000; seed < 1000 + HISTORIES; seed++) await runLogHistory(seed);
}, 1_500_000);

test("over 3000 histories of compactions that are cut anywhere the newest acknowledged record of every key stays (I10)", async () => {
  for (let seed = 1000; seed < 4000; seed++) await runCompactionHistory(seed);
}, 1_500_000);

test("over 3000 histories of topics that are created, configured, shortened and deleted all is as acknowledged (I10)", async () => {
  for (let seed = 1000; seed < 4000; seed++) await runTopicHistory(seed);
}, 1_500_000);

test("over 2000 histories of transactions, compactions and crashes readers of committed records see those and no others (I10)", async () => {
  for (let seed = 1000; seed < 3000; seed++) await runTransactionHistory(seed, seed % 2 === 0);
}, 1_500_000);

test("over 2000 histories of coordinators that are cut anywhere a transaction is visible as a whole or not at all (I10)", async () => {
  for (let seed = 1000; seed < 3000; seed++) await runCoordinatorHistory(seed);
}, 1_500_000);
