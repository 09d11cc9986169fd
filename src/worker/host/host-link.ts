import type { HostCommand, HostReport } from "./task-host-messages.js";

export type HostKind = "in-process" | "shared" | "dedicated";

/** What the worker is told by one task host. */
export interface HostListener {
  /** The worker's own thread goes on: never throws. */
  report(report: HostReport): void;
  /** The host is gone, and every task on it; `reason` in words. Told at most once, and not after `close`. */
  ended(reason: string): void;
}

/** The worker's end of a task host. */
export interface HostLink {
  send(command: HostCommand): void;
  /** Ends the host, whatever it is doing. Tasks that matter were stopped before. */
  close(): Promise<void>;
}

/** Makes a host; commands may be sent at once. */
export type OpenHost = (host: number, kind: HostKind, heapMb: number, listener: HostListener) => HostLink;
