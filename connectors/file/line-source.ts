import { createReadStream, type ReadStream, type Stats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { ConfigError } from "../../src/api/index.js";
import { type Line, LineSplitter } from "./line-splitter.js";

/** A file or standard input, as lines. */
export interface LineSource {
  /** The next lines, [] if there are none now, or the event that must happen before anything can be read. */
  read(): Promise<readonly Line[] | { readonly waitingFor: string }>;
  /** The size that was seen last, in bytes; undefined for standard input, or before the first look. */
  readonly sizeBytes: number | undefined;
  close(): Promise<void>;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * A growing file, which need not exist yet. A truncated file is read again from its beginning. When another file takes
 * its path, the old one is read to its end first.
 */
export class GrowingFile implements LineSource {
  readonly #path: string;
  readonly #onRestart: (reason: string) => void;
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #handle: FileHandle | undefined;
  #splitter: LineSplitter;
  #position: number;
  sizeBytes: number | undefined;

  /**
   * @param position where to start, in bytes; from the beginning if the file is shorter.
   * @param onRestart called with the reason whenever reading starts again from the beginning.
   */
  constructor(path: string, position: number, onRestart: (reason: string) => void) {
    this.#path = path;
    this.#position = position;
    this.#splitter = new LineSplitter(position);
    this.#onRestart = onRestart;
  }

  /** @throws ConfigError when the path is a folder; other system errors unchanged. */
  async read(): Promise<readonly Line[] | { readonly waitingFor: string }> {
    if (!this.#handle) {
      const opened = await this.#open();
      if (opened) return opened;
    }
    this.sizeBytes = (await this.#handle!.stat()).size;
    for (;;) {
      const bytes = await this.#nextBytes();
      if (bytes.length === 0) return this.#lookForAnother();
      const lines = this.#splitter.split(bytes);
      if (lines.length > 0) return lines;
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<{ readonly waitingFor: string } | undefined> {
    try {
      this.#handle = await open(this.#path, "r");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return { waitingFor: `file ${this.#path} to be created` };
      if (code === "EACCES") return { waitingFor: `permission to read file ${this.#path}` };
      throw error;
    }
    const stats = await this.#handle.stat();
    if (stats.isDirectory())
      throw new ConfigError("file", `Invalid value ${this.#path} for configuration file: it is a folder`);
    if (stats.isFile() && stats.size < this.#position) this.#restart("is shorter than where reading had come to");
    return undefined;
  }

  async #nextBytes(): Promise<Buffer> {
    const { bytesRead } = await this.#handle!.read(this.#chunk, 0, CHUNK_BYTES, this.#position);
    this.#position += bytesRead;
    return this.#chunk.subarray(0, bytesRead);
  }

  /** At the file's end: follows the path to a new file, if there is one. */
  async #lookForAnother(): Promise<readonly Line[]> {
    // In this order: a line that was appended after our size was read, and before the path named another file, would be
    // lost with the old file.
    const now = await statOf(this.#path);
    const ours = await this.#handle!.stat();
    if (ours.size < this.#position) {
      this.#restart("was cut short");
      return [];
    }
    // Its writer may append to the old file until it replaces it: only an end seen after that is final.
    if (!now || (now.ino === ours.ino && now.dev === ours.dev) || ours.size > this.#position) return [];
    const rest = this.#splitter.rest();
    await this.close();
    this.#restart("was replaced by another");
    return rest ? [rest] : [];
  }

  #restart(reason: string): void {
    this.#onRestart(reason);
    this.#position = 0;
    this.#splitter = new LineSplitter(0);
  }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Standard input, which is read once and has no positions. */
export class StandardInput implements LineSource {
  readonly #stream: ReadStream = createReadStream("", { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
  readonly #splitter = new LineSplitter(0);
  readonly sizeBytes = undefined;
  #failure: Error | undefined;

  constructor() {
    this.#stream.on("error", (error) => {
      this.#failure = error;
    });
    // Without a listener the stream does not read ahead; `read` takes the bytes it has buffered.
    this.#stream.on("readable", () => undefined);
  }

  /** @throws the error of the stream. */
  async read(): Promise<readonly Line[]> {
    if (this.#failure) throw this.#failure;
    const bytes: Buffer | null = this.#stream.read();
    if (bytes) return this.#splitter.split(bytes);
    const rest = this.#stream.readableEnded ? this.#splitter.rest() : undefined;
    return rest ? [rest] : [];
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
