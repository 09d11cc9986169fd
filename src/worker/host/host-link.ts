import type { HostCommand, HostReport } from "./task-host-messages.js";

export type HostKind = "in-process" | "shared" | "dedicated";

/** Receives a host's reports. */
export interface HostListener<Report = HostReport> {
  /** Must not throw: it runs on the worker's own thread. */
  report(report: Report): void;
  /** The host is gone with everything on it; `reason` in words. Called at most once, and not after `close`. */
  ended(reason: string): void;
}

/** The worker's end of a host. */
export interface HostLink<Command = HostCommand> {
  send(command: Command): void;
  /** Ends the host, even in the middle of work. Callers stop tasks that matter first. */
  close(): Promise<void>;
  /**
   * Whose code the host ran last, by the number that its `CodeOwner` has; 0: nobody's. Absent for a host in the
   * worker's own thread, whose death the worker does not survive.
   */
  readonly owner?: () => number;
}

/** Opens a task host. Commands may be sent at once. Never throws: one that cannot be opened has `ended`, later. */
export type OpenHost = (host: number, kind: HostKind, heapMb: number, listener: HostListener) => HostLink;
