import { Worker } from "node:worker_threads";
import type { CleaningJob } from "./cleaning-job.js";
import { type CleaningOrder, type CleaningReport, errorOf } from "./cleaning-messages.js";
import type { AdoptGroup, CleaningWorker } from "./cleaning-worker.js";

/**
 * Cleans in a thread of its own, so that neither the work on the records nor its syncs hold up the loop that serves. The
 * thread lives from the first cleaning to `end`. Needs compiled code.
 */
export class CleaningInThread implements CleaningWorker {
  #thread: Worker | undefined;

  clean(job: CleaningJob, adopt: AdoptGroup): Promise<number | undefined> {
    const thread = this.#opened();
    const order = (message: CleaningOrder) => thread.postMessage(message);
    return new Promise<number | undefined>((resolve, reject) => {
      const onReport = async (report: CleaningReport): Promise<void> => {
        if (report.kind === "failed") throw errorOf(report.failure);
        if (report.kind === "done") settle(() => resolve(report.endOffset));
        else if (await adopt(report.group)) order({ kind: "next" });
        else settle(() => resolve(undefined));
      };
      // What a log is adopting it goes on with when the thread ends, and the log stays reserved until then.
      let adopting = Promise.resolve();
      const onMessage = (report: CleaningReport) => {
        adopting = onReport(report).catch((cause: unknown) => settle(() => reject(cause)));
      };
      const onError = async (cause: unknown) => {
        this.#thread = undefined;
        await adopting;
        settle(() => reject(new Error("The cleaning thread has failed", { cause })));
      };
      // Only `end` stops it.
      const onExit = async () => {
        await adopting;
        settle(() => resolve(undefined));
      };
      const settle = (finish: () => void) => {
        thread.off("message", onMessage).off("error", onError).off("exit", onExit);
        finish();
      };
      thread.on("message", onMessage).on("error", onError).on("exit", onExit);
      order({ kind: "clean", job });
    });
  }

  async end(): Promise<void> {
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.terminate();
  }

  #opened(): Worker {
    this.#thread ??= new Worker(new URL("./cleaning-thread.js", import.meta.url), { name: "log cleaner" });
    return this.#thread;
  }
}
