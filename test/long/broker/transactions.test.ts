import { test } from "vitest";
import { runCoordinatorHistory } from "../../support/histories/coordinator-history.js";
import { historyCount } from "../../support/histories/history-count.js";
import { runTransactionHistory } from "../../support/histories/transaction-history.js";

const FIRST_SEED = 1000;
const TIMEOUT_MS = 3_600_000;
const LOGS = historyCount(700);
const COORDINATORS = historyCount(500);

test(
  `over ${LOGS} histories of transactions, compactions and crashes readers of committed records see those and no others (I10)`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + LOGS; seed++) await runTransactionHistory(seed, seed % 2 === 0);
  },
  TIMEOUT_MS,
);

test(
  `over ${COORDINATORS} histories of coordinators that are cut anywhere a transaction is visible as a whole or not at all (I10)`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + COORDINATORS; seed++) await runCoordinatorHistory(seed);
  },
  TIMEOUT_MS,
);
