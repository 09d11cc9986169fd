import { getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { SYSTEM_DISK } from "../../../base/files/disk.js";
import { InvariantError } from "../../../base/invariant-error.js";
import { type CleaningOrder, type CleaningReport, failureOf } from "./cleaning-messages.js";
import { writeCleaned } from "./write-cleaned.js";

/** Where there are fewer cores than busy threads, those that serve come first. */
const NICE = 10;

/** The thread of `CleaningInThread`. It blocks while it writes; its starter ends it at any point. */
function main(): void {
  const port = parentPort;
  if (!port) throw new InvariantError("The cleaning thread was not started as a thread");
  // Linux has a priority for each thread; elsewhere this would slow down the whole process.
  // One that has a lower one already may not raise it.
  if (process.platform === "linux" && getPriority() < NICE) setPriority(NICE);
  const report = (message: CleaningReport) => port.postMessage(message);
  let steps: ReturnType<typeof writeCleaned> | undefined;
  const advance = () => {
    try {
      for (;;) {
        const step = steps!.next();
        if (step.done) return report({ kind: "done", endOffset: step.value });
        if (step.value) return report({ kind: "group", group: step.value });
      }
    } catch (cause) {
      report({ kind: "failed", failure: failureOf(cause) });
    }
  };
  port.on("message", (order: CleaningOrder) => {
    if (order.kind === "clean") {
      // One that was not adopted ends here, and frees what it holds.
      steps?.return(0);
      steps = writeCleaned(order.job, SYSTEM_DISK);
    }
    advance();
  });
}

main();
