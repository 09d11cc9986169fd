import type { CleanedGroup, CleaningJob } from "./cleaning-job.js";

/** Makes a group count; resolves with whether the log has adopted it. Its rejection ends the cleaning. */
export type AdoptGroup = (group: CleanedGroup) => Promise<boolean>;

/** Carries out cleanings, one at a time, apart from the loop that serves the logs. */
export interface CleaningWorker {
  /**
   * Rewrites what `job` describes, and passes each group to `adopt` once its files are on disk, before it begins the next.
   *
   * @returns the offset up to which the log is clean; undefined: ended before, by `end` or a group that was not adopted.
   * @throws rejects with MalformedError when the log cannot be read, the disk's error, or that of `adopt`.
   */
  clean(job: CleaningJob, adopt: AdoptGroup): Promise<number | undefined>;
  /**
   * Ends the cleaning under way, without its current group, and frees what it holds. Resolves once nothing is written
   * any more, except by `adopt`. Another cleaning may follow.
   */
  end(): Promise<void>;
}
