import { Worker as Thread } from "node:worker_threads";
import type { Props } from "../../api/index.js";
import type { LevelSettings } from "../../base/log/log-levels.js";
import { stackOf } from "../../base/trace/error-trace.js";
import type { HostLink, HostListener } from "./host-link.js";

/** The start data of every host's thread. */
export interface ThreadHostData extends HostThreadSettings {
  /** Written by the thread's `CodeOwner`. */
  readonly owner: SharedArrayBuffer;
}

/** The settings of a host's thread. */
export interface HostThreadSettings {
  readonly name: string;
  readonly workerProps: Props;
  /** The loggers' levels at the start. */
  readonly levels: LevelSettings;
  /** Index files of plugins that killed a host. No host may load them. */
  readonly leftOut: readonly string[];
}

/** Limits of a thread's heap in MiB; Node's own where absent. */
export interface HeapLimits {
  /** Exceeding it ends that thread alone. */
  readonly heapMb?: number;
  /** The young generation of the heap. A small one saves memory and costs more collections. */
  readonly youngMb?: number;
}

/**
 * A host in a thread of its own. Never throws: a thread that the system refuses to open has ended, with the reason.
 *
 * @param entry the thread's module, as its path below `src/worker`, without extension.
 */
export function openThreadHost<Command, Report>(
  entry: string,
  settings: HostThreadSettings,
  { heapMb, youngMb }: HeapLimits,
  listener: HostListener<Report>,
): HostLink<Command> {
  let over = false;
  const owner = new SharedArrayBuffer(4);
  const shared = new Int32Array(owner);
  const data: ThreadHostData = { ...settings, owner };
  const end = (reason: string) => {
    if (over) return;
    over = true;
    listener.ended(reason);
  };
  let thread: Thread;
  try {
    thread = new Thread(moduleOf(entry), {
      name: data.name,
      workerData: data,
      resourceLimits: {
        ...(heapMb !== undefined && { maxOldGenerationSizeMb: heapMb }),
        ...(youngMb !== undefined && { maxYoungGenerationSizeMb: youngMb }),
      },
    });
  } catch (cause) {
    // Once the caller has the link that ends.
    queueMicrotask(() => end(`its thread cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`));
    return {
      send() {},
      close: async () => {
        over = true;
      },
      owner: () => 0,
    };
  }
  thread.on("message", (report: Report) => {
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
    owner: () => Atomics.load(shared, 0),
  };
}

/** Node loads no TypeScript in a thread: when a test runner runs sources, the thread runs the compiled module. */
function moduleOf(entry: string): URL {
  const fromSources = import.meta.url.endsWith(".ts");
  return new URL(`${fromSources ? "../../../dist/src/worker" : ".."}/${entry}.js`, import.meta.url);
}

function reasonOf(error: unknown, heapMb: number | undefined): string {
  const code = (error as { code?: unknown }).code;
  if (code === "ERR_WORKER_OUT_OF_MEMORY") {
    return heapMb === undefined
      ? "it ran out of memory"
      : `it ran out of memory: its code needed more than task.heap.mb=${heapMb}`;
  }
  return `an uncaught error: ${error instanceof Error ? stackOf(error) : String(error)}`;
}
