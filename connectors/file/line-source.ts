import { createReadStream, type ReadStream } from "node:fs";
import type { SourceMap } from "../../src/api/index.js";
import { type Line, type LineRules, LineSplitter } from "./line-splitter.js";

/** A line, and the offset after it. */
export interface PlacedLine extends Line {
  readonly offset: SourceMap;
}

/** A file or standard input, as lines. */
export interface LineSource {
  /** The next lines, [] if there are none now, or the event that must happen before anything can be read. */
  read(): Promise<readonly PlacedLine[] | { readonly waitingFor: string }>;
  /** The size that was seen last, in bytes; undefined for standard input, or before the first look. */
  readonly sizeBytes: number | undefined;
  close(): Promise<void>;
}

const CHUNK_BYTES = 64 * 1024;

/** Standard input, which is read once and has no positions. */
export class StandardInput implements LineSource {
  readonly #stream: ReadStream = createReadStream("", { fd: 0, autoClose: false, highWaterMark: CHUNK_BYTES });
  readonly #splitter: LineSplitter;
  readonly sizeBytes = undefined;
  #failure: Error | undefined;

  constructor(rules: LineRules) {
    this.#splitter = new LineSplitter(0, rules);
    this.#stream.on("error", (error) => {
      this.#failure = error;
    });
    // Without a listener the stream does not read ahead; `read` takes the bytes it has buffered.
    this.#stream.on("readable", () => undefined);
  }

  /** @throws the error of the stream, or as LineSplitter.split. */
  async read(): Promise<readonly PlacedLine[]> {
    if (this.#failure) throw this.#failure;
    this.#splitter.throwHeld();
    const bytes: Buffer | null = this.#stream.read();
    const rest = bytes === null && this.#stream.readableEnded ? this.#splitter.rest() : undefined;
    const lines = bytes ? this.#splitter.split(bytes) : rest ? [rest] : [];
    return lines.map((line) => ({ ...line, offset: { position: null } }));
  }

  async close(): Promise<void> {
    this.#stream.destroy();
  }
}
