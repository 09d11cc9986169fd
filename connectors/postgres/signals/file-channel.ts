import { open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { DataError, type Logger } from "../../../src/api/index.js";
import type { SentSignal, SignalBatch, SignalChannel } from "./signal-channel.js";
import { parseSignalMessage } from "./signal-message.js";

/** The end of a name, before whose and a number: signals that were taken from the file and are not carried out yet. */
const TAKEN = ".taken-";

/**
 * Signals in the lines of a file, which is empty once they are taken. They are moved aside by one rename, so that a
 * writer's next line is never lost, and stay there until they are carried out: a crash brings them again. A place is a
 * number of such a file.
 */
export class FileChannel implements SignalChannel {
  readonly name = "file";
  readonly #path: string;
  readonly #owner: string;
  readonly #logger: Logger;
  /** Taken by a task that ended before they were carried out; undefined before the first look. */
  #left: number[] | undefined;
  /** Delivered and not removed, the oldest first. */
  readonly #delivered: number[] = [];
  #last = 0;

  /** @param owner topic.prefix: connectors may share the file, but none may touch what another has taken. */
  constructor(path: string, owner: string, logger: Logger) {
    this.#path = path;
    this.#owner = owner;
    this.#logger = logger;
  }

  async read(): Promise<SignalBatch | undefined> {
    this.#left ??= await this.#taken();
    const place = this.#left[0] ?? (await this.#take());
    if (place === undefined) return undefined;
    const text = await readFile(this.#named(place), "utf8").catch(unlessMissing);
    // Others would wait behind it for ever.
    if (text === undefined)
      this.#logger.warn("Signals were lost: somebody has removed the file that they were moved to", {
        file: this.#named(place),
      });
    const signals = this.#signals(text ?? "");
    this.#left.shift();
    this.#delivered.push(place);
    this.#last = place;
    return { signals, place };
  }

  async settle(place: number): Promise<void> {
    for (let oldest = this.#delivered[0]; oldest !== undefined && oldest <= place; oldest = this.#delivered[0]) {
      await unlink(this.#named(oldest)).catch(unlessMissing);
      this.#delivered.shift();
    }
  }

  async close(): Promise<void> {}

  /** @returns the number under which the file's lines are now; undefined if it has none. */
  async #take(): Promise<number | undefined> {
    const size = await stat(this.#path).then((found) => found.size, unlessMissing);
    if (!size) return undefined;
    const number = this.#last + 1;
    const isTaken = await rename(this.#path, this.#named(number)).then(() => true, unlessMissing);
    // Another connector was first.
    if (!isTaken) return undefined;
    this.#left!.push(number);
    // As the original leaves it: an empty file. One that a writer has made meanwhile stays as it is.
    await (await open(this.#path, "a")).close();
    return number;
  }

  #named(number: number): string {
    return `${this.#path}${TAKEN}${this.#owner}-${number}`;
  }

  async #taken(): Promise<number[]> {
    const start = `${basename(this.#path)}${TAKEN}${this.#owner}-`;
    const names = await readdir(dirname(this.#path));
    return names
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length))
      .filter((number) => /^\d{1,15}$/.test(number))
      .map(Number)
      .sort((a, b) => a - b);
  }

  #signals(text: string): SentSignal[] {
    return text.split("\n").flatMap((text, index) => {
      if (text.trim() === "") return [];
      try {
        return [parseSignalMessage(text)];
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        const fields = { channel: this.name, file: this.#path, line: index + 1 };
        this.#logger.warn(`A signal was ignored: ${error.message}`, fields);
        return [];
      }
    });
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
