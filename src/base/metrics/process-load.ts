import { performance } from "node:perf_hooks";

/** The work and memory of the whole process. */
export interface ProcessLoad {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
}

export function processLoad(): ProcessLoad {
  const { user, system } = process.cpuUsage();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    startedMs: performance.timeOrigin,
  };
}
