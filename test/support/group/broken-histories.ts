import { onTestFailed } from "vitest";
import { groupHistory } from "./group-history.js";

/**
 * The broken rules of `count` histories from a seed on, with their seeds. To see what led there, run that one seed with
 * a trace: `groupHistory(seed, undefined, console.log)`.
 */
export async function brokenHistories(fromSeed: number, count: number): Promise<string[]> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // a simulated network throws all the time
  const broken: string[] = [];
  let seed = fromSeed;
  // A history that does not end shows only as a test that timed out.
  onTestFailed(() => {
    if (seed < fromSeed + count) console.error(`The history of seed ${seed} did not end`);
  });
  for (; seed < fromSeed + count; seed++) {
    const fault = await groupHistory(seed);
    if (fault !== undefined) broken.push(`seed ${seed}: ${fault}`);
  }
  Error.stackTraceLimit = stackTraceLimit;
  return broken;
}
