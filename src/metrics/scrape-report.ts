import type { ProcessLoad } from "../base/metrics/process-load.js";
import type { ThreadLoad } from "../base/metrics/thread-load.js";
import type { WorkerReport } from "../herder/worker-report.js";

/** All that one scrape shows. */
export interface ScrapeReport extends WorkerReport {
  readonly version: string;
  readonly commit: string;
  readonly process: ProcessLoad;
  /** The worker's own thread. */
  readonly thread: ThreadLoad;
}
