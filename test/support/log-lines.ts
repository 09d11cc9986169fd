import { SystemClock } from "../../src/base/clock.js";
import { lineLogger } from "../../src/base/log/line-logger.js";
import { LogLevels } from "../../src/base/log/log-levels.js";
import type { NamedLogger } from "../../src/base/logger.js";

/** The logs of several workers of this process, in order. */
export class LogLines {
  readonly lines: string[] = [];
  readonly #waiters = new Set<() => void>();

  /** A logger whose lines begin with the name and a space. */
  logger(name: string): NamedLogger {
    const take = (line: string) => {
      this.lines.push(`${name} ${line}`);
      for (const check of this.#waiters) check();
    };
    return lineLogger(take, new SystemClock(), new LogLevels("info"), "millrace");
  }

  /** The first matching line from index `from` on, and its index. Waits for it. */
  line(pattern: RegExp, from = 0): Promise<{ readonly at: number; readonly match: RegExpExecArray }> {
    return new Promise((resolve) => {
      let next = from;
      const check = () => {
        for (; next < this.lines.length; next++) {
          const match = pattern.exec(this.lines[next]!);
          if (!match) continue;
          this.#waiters.delete(check);
          resolve({ at: next, match });
          return;
        }
      };
      this.#waiters.add(check);
      check();
    });
  }
}
