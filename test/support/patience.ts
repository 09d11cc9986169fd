const TICK_MS = 250;

/**
 * The time that a test waits before it calls something stuck, in ticks of its own event loop: a machine too busy to run
 * them on time runs the processes under test no faster, and gets that much longer.
 */
export class Patience {
  #leftMs: number;
  readonly #timer: NodeJS.Timeout;

  /** @param ended called once when nothing has moved for `limitMs`. */
  constructor(
    private readonly limitMs: number,
    ended: () => void,
  ) {
    this.#leftMs = limitMs;
    this.#timer = setInterval(() => {
      this.#leftMs -= TICK_MS;
      if (this.#leftMs > 0) return;
      this.end();
      ended();
    }, TICK_MS);
  }

  /** Something has moved. */
  renew(): void {
    this.#leftMs = this.limitMs;
  }

  end(): void {
    clearInterval(this.#timer);
  }
}

/** `step`, unless nothing moves for `limitMs`. @throws Error with what `late` says */
export async function patiently<T>(step: Promise<T>, limitMs: number, late: () => string): Promise<T> {
  let patience: Patience | undefined;
  const stuck = new Promise<never>((_, reject) => {
    patience = new Patience(limitMs, () => reject(new Error(late())));
  });
  try {
    return await Promise.race([step, stuck]);
  } finally {
    patience?.end();
  }
}
