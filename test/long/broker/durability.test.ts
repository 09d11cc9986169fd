import { test } from "vitest";
import { runCompactionHistory } from "../../support/histories/compaction-history.js";
import { historyCount } from "../../support/histories/history-count.js";
import { runLogHistory } from "../../support/histories/log-history.js";
import { runTopicHistory } from "../../support/histories/topic-history.js";

const FIRST_SEED = 1000;
const TIMEOUT_MS = 3_600_000;
const LOGS = historyCount(1500);
const COMPACTIONS = historyCount(500);
const TOPICS = historyCount(500);

test(
  `over ${LOGS} histories of power cuts, kills and a failing disk every acknowledged record is there once (I10)`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + LOGS; seed++) await runLogHistory(seed);
  },
  TIMEOUT_MS,
);

test(
  `over ${COMPACTIONS} histories of compactions that are cut anywhere the newest acknowledged record of every key stays (I10)`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + COMPACTIONS; seed++) await runCompactionHistory(seed);
  },
  TIMEOUT_MS,
);

test(
  `over ${TOPICS} histories of topics that are created, configured, shortened and deleted all is as acknowledged (I10)`,
  async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + TOPICS; seed++) await runTopicHistory(seed);
  },
  TIMEOUT_MS,
);
