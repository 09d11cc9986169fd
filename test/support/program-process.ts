import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const LAST_LINES = 60;

interface LineWaiter {
  readonly pattern: RegExp;
  readonly resolve: (match: RegExpExecArray) => void;
  readonly reject: (error: Error) => void;
}

/** A program in its own process, which a test may kill. It ends with the test's process. */
export class ProgramProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<LineWaiter>();
  readonly #exited: Promise<string>;
  #ended: string | undefined;

  /**
   * @param name what errors call it.
   * @param onLine called for every printed line, of both streams.
   */
  constructor(
    private readonly name: string,
    command: string,
    args: readonly string[],
    options: Pick<SpawnOptions, "env" | "cwd"> = {},
    private readonly onLine: (line: string) => void = () => {},
  ) {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    const killWithUs = () => child.kill("SIGKILL");
    process.once("exit", killWithUs);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on("line", (line) => this.#take(line));
    }
    this.#exited = once(child, "close").then(([status, signal]) => {
      process.off("exit", killWithUs);
      this.#ended = String(signal ?? `status ${status}`);
      for (const waiter of this.#waiters) waiter.reject(this.#endedError());
      this.#waiters.clear();
      return this.#ended;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The match of the first printed line that fits. Rejects with the last printed lines if the process ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray> {
    for (const line of this.#lines) {
      const match = pattern.exec(line);
      if (match) return Promise.resolve(match);
    }
    if (this.#ended !== undefined) return Promise.reject(this.#endedError());
    return new Promise((resolve, reject) => this.#waiters.add({ pattern, resolve, reject }));
  }

  /** Resolves when it ends, with the signal's name or `status N`. */
  get exited(): Promise<string> {
    return this.#exited;
  }

  /** Its last printed lines, of both streams. */
  get log(): string {
    return this.#lines.slice(-LAST_LINES).join("\n");
  }

  /** kill -9: no drain, no commit, no leave. */
  async kill9(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exited;
  }

  /** SIGTERM; resolves with the signal's name or `status N`. */
  async stop(): Promise<string> {
    this.#child.kill("SIGTERM");
    return this.#exited;
  }

  #take(line: string): void {
    this.onLine(line);
    this.#lines.push(line);
    // Keeps the first lines, which hold the addresses, and the last ones.
    if (this.#lines.length > 1000) this.#lines.splice(200, 400);
    for (const waiter of this.#waiters) {
      const match = waiter.pattern.exec(line);
      if (!match) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(match);
    }
  }

  #endedError(): Error {
    return new Error(`${this.name} ended with ${this.#ended}:\n${this.log}`);
  }
}
