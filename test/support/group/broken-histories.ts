import { groupHistory } from "./group-history.js";

/**
 * The broken rules of `count` histories from a seed on, with their seeds. To see what led there, run that one seed with
 * a trace: `groupHistory(seed, undefined, console.log)`.
 */
export async function brokenHistories(fromSeed: number, count: number): Promise<string[]> {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0; // a simulated network throws all the time
  const broken: string[] = [];
  for (let seed = fromSeed; seed < fromSeed + count; seed++) {
    const fault = await groupHistory(seed);
    if (fault !== undefined) broken.push(`seed ${seed}: ${fault}`);
  }
  Error.stackTraceLimit = stackTraceLimit;
  return broken;
}
