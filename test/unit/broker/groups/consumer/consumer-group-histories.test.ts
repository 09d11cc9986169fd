import { expect, test } from "vitest";
import { type PlantedFault, runConsumerGroupHistory } from "../../../../support/histories/consumer-group-history.js";
import { seedOf } from "../../../../support/seed.js";

const HISTORIES = 100;

/** The first history from a seed on that breaks a rule, with the rule. */
function firstBroken(seed: number, histories: number, planted?: PlantedFault): string | undefined {
  for (let at = seed; at < seed + histories; at++) {
    try {
      runConsumerGroupHistory(at, planted);
    } catch (error) {
      return `MILLRACE_SEED=${at}: ${(error as Error).message}`;
    }
  }
  return undefined;
}

test("in any history of a consumer group no partition has two readers, and all comes to rest", () => {
  expect(firstBroken(seedOf("consumer group histories"), HISTORIES)).toBeUndefined();
});

test.each<PlantedFault>(["a record is lost", "a member keeps what it has given up"])(
  "the histories find that %s",
  (planted) => {
    expect(firstBroken(1, 40, planted)).toBeDefined();
  },
);
