import { test } from "vitest";
import { runConsumerGroupHistory } from "../../support/histories/consumer-group-history.js";
import { historyCount } from "../../support/histories/history-count.js";

const FIRST_SEED = 1000;
const HISTORIES = historyCount(4000);

test(`over ${HISTORIES} histories of consumer groups no partition has two readers, and all comes to rest`, () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + HISTORIES; seed++) runConsumerGroupHistory(seed);
}, 3_600_000);
