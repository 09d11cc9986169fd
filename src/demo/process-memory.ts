import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/**
 * The most memory a process has held so far, in MiB: its resident set's high-water mark where the kernel keeps one
 * (Linux), else its present size; undefined where neither is available.
 */
export function peakMemoryMiB(pid: number): number | undefined {
  const status = `/proc/${pid}/status`;
  if (existsSync(status)) {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(status, "utf8"))?.[1];
    if (kib) return Number(kib) / 1024;
  }
  const { stdout } = spawnSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  const kib = Number.parseInt(stdout ?? "", 10);
  return Number.isNaN(kib) ? undefined : kib / 1024;
}
