/** The seed of a run: MILLRACE_SEED to replay one, otherwise a random one, printed. */
export function seedOf(name: string): number {
  return printed(name, given() ?? Math.floor(Math.random() * 2 ** 31));
}

/**
 * The seed of generated cases that are compared with an original: the same in every run, so that a change is judged by
 * what it changes. MILLRACE_SEED draws other cases.
 */
export function fixedSeedOf(name: string): number {
  return printed(name, given() ?? 1);
}

function given(): number | undefined {
  const seed = process.env["MILLRACE_SEED"];
  return seed === undefined ? undefined : Number(seed);
}

function printed(name: string, seed: number): number {
  console.log(`${name}: MILLRACE_SEED=${seed}`);
  return seed;
}
