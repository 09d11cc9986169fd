import { expect, test } from "vitest";
import { type PlantedFault, runMigrationHistory } from "../../../../support/histories/migration-history.js";
import { seedOf } from "../../../../support/seed.js";

const HISTORIES = 40;

/** The first history from a seed on that breaks a rule, with the rule. */
async function firstBroken(seed: number, histories: number, planted?: PlantedFault): Promise<string | undefined> {
  for (let at = seed; at < seed + histories; at++) {
    try {
      await runMigrationHistory(at, planted);
    } catch (error) {
      return `MILLRACE_SEED=${at}: ${(error as Error).message}`;
    }
  }
  return undefined;
}

test("while a group changes its protocol no partition has two readers, and in the end each has one", async () => {
  expect(await firstBroken(seedOf("migration histories"), HISTORIES)).toBeUndefined();
});

test.each<PlantedFault>(["an upgrade loses assignments", "a member keeps what it must give up"])(
  "the histories find that %s",
  async (planted) => {
    expect(await firstBroken(25, 75, planted)).toBeDefined();
  },
);
