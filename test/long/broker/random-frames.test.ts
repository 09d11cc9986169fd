import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { SystemClock } from "../../../src/base/clock.js";
import { fuzzBroker } from "../../support/fuzz-broker.js";
import { seedOf } from "../../support/seed.js";
import { APIS } from "../../unit/protocol/every-api.js";

/** Frames in all, and per broker: each run ends with a look at what is left of it. */
const FRAMES = Number(process.env["MILLRACE_FRAMES"] ?? 200_000);
const RUN = 5000;
const MIB = 1024 * 1024;

test("random and damaged frames of every API and version neither end nor block a broker, damage nothing, and leave no memory behind", {
  timeout: FRAMES * 20 + 300_000,
}, async () => {
  const seed = seedOf("random frames");
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc") as () => void;
  const clock = new SystemClock();
  const startMs = clock.monotonicMs();
  const totals = { answered: 0, malformed: 0, closed: 0 };
  let warmBytes = 0;
  const runs = Math.ceil(FRAMES / RUN);
  for (let run = 0; run < runs; run++) {
    const counts = await fuzzBroker(seed + run, RUN, APIS, 2 * MIB);
    for (const kind of ["answered", "malformed", "closed"] as const) totals[kind] += counts[kind];
    if (run === Math.min(4, runs - 1)) {
      gc();
      warmBytes = process.memoryUsage().heapUsed;
    }
  }
  gc();
  const grownMiB = (process.memoryUsage().heapUsed - warmBytes) / MIB;
  const perSecond = Math.round((runs * RUN * 1000) / (clock.monotonicMs() - startMs));
  console.log(
    `${runs * RUN} frames, ${perSecond} per second, ${JSON.stringify(totals)}, heap +${grownMiB.toFixed(1)} MiB`,
  );
  expect(grownMiB).toBeLessThan(50);
});
