// The frame of a measurement: its options, its clean-up and its results.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const cleanups = [];

/** Runs `measure`, then all clean-up in reverse order, even after a failure. */
export async function measured(measure) {
  const interrupted = new Promise((_, reject) => {
    for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => reject(new Error(`Ended by ${signal}`)));
  });
  try {
    await Promise.race([measure(), interrupted]);
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** Registers a clean-up for the end of the measurement. */
export function atEnd(cleanup) {
  cleanups.push(cleanup);
}

/** A folder that is deleted after the measurement. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `--name value` pairs of the command line over `defaults`; a number where the default is one. */
export function options(defaults) {
  const found = { ...defaults };
  const args = process.argv.slice(2);
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, "");
    if (!(name in defaults) || args[i + 1] === undefined) {
      throw new Error(
        `Usage: ${process.argv[1]} ${Object.entries(defaults)
          .map(([key, value]) => `--${key} ${value}`)
          .join(" ")}`,
      );
    }
    found[name] = typeof defaults[name] === "number" ? Number(args[i + 1]) : args[i + 1];
  }
  return found;
}

export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

/** Prints a result as one JSON line, like `peers bench`. */
export function report(result) {
  console.log(JSON.stringify(result));
}

/** The one-minute load average: on a busy machine only ratios mean something. */
export function load() {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}
