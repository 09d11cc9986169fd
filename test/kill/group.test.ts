import { expect, test } from "vitest";
import { ChaosGroup } from "../support/chaos/chaos-group.js";
import { seedOf } from "../support/seed.js";

/** MILLRACE_BLOWS for a longer run. */
const BLOWS = Number(process.env["MILLRACE_BLOWS"] ?? 8);

// No deadline of its own: the group calls a step stuck that does not move, however slow the machine is.
test(`a group loses nothing while its workers and their networks get ${BLOWS} blows`, { timeout: 0 }, async () => {
  const group = await ChaosGroup.start({ seed: seedOf("group") });
  try {
    for (let blow = 0; blow < BLOWS; blow++) console.log(await group.strike());
    await group.end();
    expect(group.faults, group.logs).toEqual([]);
  } finally {
    await group.stop();
  }
});
