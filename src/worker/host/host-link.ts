import type { HostCommand, HostReport } from "./task-host-messages.js";

export type HostKind = "in-process" | "shared" | "dedicated";

/** What a host tells the worker. */
export interface HostListener<Report = HostReport> {
  /** Never throws: the worker's own thread goes on. */
  report(report: Report): void;
  /** The host is gone, with everything on it; `reason` in words. Called at most once, and not after `close`. */
  ended(reason: string): void;
}

/** The worker's end of a host. */
export interface HostLink<Command = HostCommand> {
  send(command: Command): void;
  /** Ends the host, whatever it is doing. What matters on it was stopped before. */
  close(): Promise<void>;
}

/** Makes a task host; commands may be sent at once. */
export type OpenHost = (host: number, kind: HostKind, heapMb: number, listener: HostListener) => HostLink;
