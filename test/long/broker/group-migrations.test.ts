import { test } from "vitest";
import { historyCount } from "../../support/histories/history-count.js";
import { runMigrationHistory } from "../../support/histories/migration-history.js";

const FIRST_SEED = 1000;
const HISTORIES = historyCount(4000);

test(`over ${HISTORIES} histories of groups that change their protocol no partition has two readers, and in the end each has one`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) await runMigrationHistory(seed);
}, 3_600_000);
