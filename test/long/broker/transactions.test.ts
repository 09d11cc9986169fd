import { expect, test } from "vitest";
import { type PlantedBug, runCoordinatorHistory } from "../../support/histories/coordinator-history.js";
import { historyCount } from "../../support/histories/history-count.js";
import { runTransactionHistory } from "../../support/histories/transaction-history.js";

const FIRST_SEED = 1000;
const TIMEOUT_MS = 3_600_000;
const LOGS = historyCount(700);
/** Histories in which a planted bug must show. */
const MOST_TO_FIND = 300;
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

test.each([
  "data is not judged when it is appended",
  "data does not wait until its partition is stored",
] satisfies PlantedBug[])(
  "the histories find that %s",
  async (bug) => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + MOST_TO_FIND; seed++) {
      const found = await runCoordinatorHistory(seed, bug).then(
        () => false,
        () => true,
      );
      if (found) return;
    }
    expect.fail(`not found in ${MOST_TO_FIND} histories`);
  },
  TIMEOUT_MS,
);
