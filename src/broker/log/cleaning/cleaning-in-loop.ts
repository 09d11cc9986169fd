import type { Disk } from "../../../base/files/disk.js";
import type { CleaningJob } from "./cleaning-job.js";
import type { AdoptGroup, CleaningWorker } from "./cleaning-worker.js";
import { writeCleaned } from "./write-cleaned.js";

/**
 * Cleans in the calling thread, in steps: for tests, whose disk no other thread can reach. The calls of the disk are the
 * same, and in the same order, as those of `CleaningThread`.
 */
export class CleaningInLoop implements CleaningWorker {
  #runs = 0;

  constructor(
    private readonly disk: Disk,
    /** Called after each step; the cleaning goes on once it resolves. */
    private readonly turn: () => Promise<void>,
  ) {}

  async clean(job: CleaningJob, adopt: AdoptGroup): Promise<number | undefined> {
    const run = ++this.#runs;
    const steps = writeCleaned(job, this.disk);
    try {
      for (;;) {
        const step = steps.next();
        if (step.done) return step.value;
        if (step.value && !(await adopt(step.value))) return undefined;
        await this.turn();
        if (run !== this.#runs) return undefined;
      }
    } finally {
      steps.return(0);
    }
  }

  async end(): Promise<void> {
    this.#runs++;
  }
}
