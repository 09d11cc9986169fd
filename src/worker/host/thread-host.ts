import { Worker as Thread } from "node:worker_threads";
import type { Props } from "../../api/index.js";
import type { HostLink, HostListener } from "./host-link.js";
import type { HostReport } from "./task-host-messages.js";

// Node loads no TypeScript in a thread: run from sources (by a test runner), the thread is the compiled one.
const ENTRY = import.meta.url.endsWith(".ts")
  ? new URL("../../../dist/src/worker/host/task-host-thread.js", import.meta.url)
  : new URL("./task-host-thread.js", import.meta.url);

/** What a task host's thread is started with. */
export interface ThreadHostData {
  readonly host: number;
  readonly workerProps: Props;
  readonly logLevel: string;
}

/** A task host in a thread of its own. A dedicated one has a heap limit; going beyond it ends that thread alone. */
export function openThreadHost(data: ThreadHostData, heapMb: number | undefined, listener: HostListener): HostLink {
  let over = false;
  const thread = new Thread(ENTRY, {
    name: `task-host-${data.host}`,
    workerData: data,
    ...(heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMb } }),
  });
  const end = (reason: string) => {
    if (over) return;
    over = true;
    listener.ended(reason);
  };
  thread.on("message", (report: HostReport) => {
    if (!over) listener.report(report);
  });
  thread.on("messageerror", (error) => end(`its messages cannot be read: ${error.message}`));
  thread.on("error", (error) => end(reasonOf(error, heapMb)));
  thread.on("exit", (code) => end(`its thread ended with exit code ${code}`));
  return {
    send: (command) => {
      if (!over) thread.postMessage(command);
    },
    close: async () => {
      over = true;
      await thread.terminate();
    },
  };
}

function reasonOf(error: unknown, heapMb: number | undefined): string {
  const code = (error as { code?: unknown }).code;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return heapMb === undefined
      ? "it ran out of memory"
      : `it ran out of memory: its tasks needed more than task.heap.mb=${heapMb}`;
  }
  return `an error that nothing caught: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
