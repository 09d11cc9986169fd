import { expect, test } from "vitest";
import { runBrokerKills } from "../support/broker-kills/broker-kill-run.js";
import { seedOf } from "../support/seed.js";

const KILLS = Number(process.env["MILLRACE_KILLS"] ?? 40);

test(`over ${KILLS} kills under mixed load the broker keeps all that it has acknowledged, once and in order (I10)`, async () => {
  const result = await runBrokerKills(KILLS, seedOf("broker kills under mixed load"));
  console.log(result);
  expect(result.committed * result.aborted).toBeGreaterThan(0);
  expect(result.compacted).toBeGreaterThan(0);
});
