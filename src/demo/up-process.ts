import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Clock } from "../api/clock.js";
import { deferred } from "../base/deferred.js";
import { watchForOrphan } from "../emulators/postgres/orphan-watch.js";

/** Options of `millrace up` as a process of its own. */
export interface UpOptions {
  readonly dataDir: string;
  /** Removed if this process ends without having stopped it. */
  readonly temporaryFolder: string | undefined;
  readonly clock: Clock;
  /** Receives each line that it prints. */
  readonly onLine: (line: string) => void;
}

/** How long a stop may take before the process is killed. */
const STOP_WITHIN_MS = 15_000;
/** How long broker and worker may take to serve. */
const START_WITHIN_MS = 60_000;

/**
 * Starts `millrace up` on free ports and returns once its REST interface answers.
 *
 * @throws Error quoting its last lines where it ends or does not come up.
 */
export async function startUp({ dataDir, temporaryFolder, clock, onLine }: UpOptions): Promise<UpProcess> {
  const main = fileURLToPath(new URL("../main.js", import.meta.url));
  // Flags of Node itself, --cpu-prof for one, hold for both.
  const args = [...process.execArgv, main, "up", "--data", dataDir, "--kafka", "127.0.0.1:0", "--rest", "127.0.0.1:0"];
  // Out of the terminal's process group: on Ctrl-C the demo stops its parts in order.
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const lastLines: string[] = [];
  const kafka = deferred<string>();
  const rest = deferred<string>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lastLines.push(line);
      if (lastLines.length > 20) lastLines.shift();
      onLine(line);
      if (stream !== child.stdout) return;
      const addresses = readAddresses(line);
      if (addresses.rest) rest.resolve(addresses.rest);
      if (addresses.kafka) kafka.resolve(addresses.kafka);
    });
  }
  const exited = once(child, "exit").then(([status, signal]) => String(signal ?? `status ${status}`));
  const watch = child.pid ? watchForOrphan(child.pid, undefined, temporaryFolder) : undefined;
  const started = new AbortController();
  try {
    const addresses = Promise.all([kafka.promise, rest.promise]);
    const first = await Promise.race([
      addresses,
      exited.then((how) => `ended with ${how}`),
      clock.delay(START_WITHIN_MS, started.signal).then(() => `did not serve within ${START_WITHIN_MS / 1000} s`),
    ]);
    if (typeof first === "string") throw new Error(`millrace up ${first}; its last lines:\n${lastLines.join("\n")}`);
    const [kafkaAddress, restUrl] = first;
    return new UpProcess({ child, exited, watch, clock, kafkaAddress, restUrl });
  } catch (error) {
    child.kill("SIGKILL");
    watch?.cancel();
    throw error;
  } finally {
    started.abort();
  }
}

/** The addresses that `millrace up` prints: the REST interface as a URL, the broker as host and port after its name. */
export function readAddresses(line: string): { readonly kafka?: string; readonly rest?: string } {
  const rest = /\bhttp:\/\/[^\s/]+:\d+/.exec(line)?.[0];
  const kafka = /\b(?:kafka|broker)\b[^/]*?((?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:]+\]|[\w.-]*[a-z][\w.-]*):\d+)/i.exec(
    line,
  )?.[1];
  return { ...(rest && { rest }), ...(kafka && { kafka }) };
}

interface Started {
  readonly child: ChildProcess;
  readonly exited: Promise<string>;
  readonly watch: { cancel(): void } | undefined;
  readonly clock: Clock;
  readonly kafkaAddress: string;
  readonly restUrl: string;
}

/** A running `millrace up`. It ends with this process, however this one ends. */
export class UpProcess {
  readonly #started: Started;

  constructor(started: Started) {
    this.#started = started;
  }

  get pid(): number {
    return this.#started.child.pid ?? 0;
  }

  /** `HOST:PORT` of the broker. */
  get kafkaAddress(): string {
    return this.#started.kafkaAddress;
  }

  /** `http://HOST:PORT` of the worker. */
  get restUrl(): string {
    return this.#started.restUrl;
  }

  /** Resolves with how it ended, once it has. */
  get exited(): Promise<string> {
    return this.#started.exited;
  }

  /** Stops it and waits for its end; kills it if that takes too long. */
  async stop(): Promise<void> {
    const { child, exited, watch, clock } = this.#started;
    const inTime = new AbortController();
    child.kill("SIGTERM");
    await Promise.race([exited, clock.delay(STOP_WITHIN_MS, inTime.signal)]);
    inTime.abort();
    child.kill("SIGKILL");
    await exited;
    watch?.cancel();
  }
}
