import { ConfigError } from "../../src/api/index.js";

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line without its end, and where the next one begins: bytes from the beginning of the file. */
export interface Line {
  readonly text: string;
  readonly end: number;
}

/** How bytes become lines. */
export interface LineRules {
  /** @param start position of the line. */
  decode(line: Buffer, start: number): string;
  /** A longer line is refused: one without an end would fill the memory. */
  readonly maxBytes: number;
}

const UTF8_LINES: LineRules = { decode: (line) => line.toString("utf8"), maxBytes: Number.POSITIVE_INFINITY };

/**
 * Cuts bytes into lines that end at `\n`, `\r` or `\r\n`. An unfinished line waits for its end, and a last `\r`
 * for the `\n` that may follow it. Positions count bytes, so reading resumes at the right place after text beyond
 * ASCII.
 */
export class LineSplitter {
  /** Bytes of the unfinished line, which begins at `#start`. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #start: number;
  #failure: unknown;

  /** @param start position of the first byte. */
  constructor(
    start: number,
    private readonly rules: LineRules = UTF8_LINES,
  ) {
    this.#start = start;
  }

  /** Whether a line waits for its end. */
  get unfinished(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * The lines that `bytes` finish, in order. `bytes` may be reused afterwards.
   *
   * @throws ConfigError when a line is too long, or as `decode`; but first returns the lines before it.
   */
  split(bytes: Buffer): Line[] {
    this.throwHeld();
    const lines: Line[] = [];
    try {
      this.#split(bytes, lines);
    } catch (error) {
      if (lines.length === 0) throw error;
      this.#failure = error;
    }
    return lines;
  }

  /** The unfinished line as a line, for a file that was replaced. */
  rest(): Line | undefined {
    this.throwHeld();
    if (!this.unfinished) return undefined;
    const line = this.#pendingAnd(Buffer.alloc(0));
    const start = this.#start;
    this.#start += line.length;
    const text = line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
    return { text: this.rules.decode(text, start), end: this.#start };
  }

  /** Throws the error that the last `split` held back, if any. */
  throwHeld(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #split(bytes: Buffer, lines: Line[]): void {
    const whole = endsWithReturn(this.#pending) ? this.#pendingAnd(bytes) : bytes;
    let from = 0;
    for (let end = lineEnd(whole, from); end; end = lineEnd(whole, from)) {
      const line = this.#pendingAnd(whole.subarray(from, end.text));
      this.#refuseTooLong(line.length);
      const text = this.rules.decode(line, this.#start);
      this.#start += line.length + end.next - end.text;
      lines.push({ text, end: this.#start });
      from = end.next;
    }
    if (from === whole.length) return;
    this.#pending.push(Buffer.from(whole.subarray(from)));
    this.#pendingBytes += whole.length - from;
    // A last carriage return is not the line's.
    this.#refuseTooLong(this.#pendingBytes - 1);
  }

  #refuseTooLong(bytes: number): void {
    const { maxBytes } = this.rules;
    if (bytes <= maxBytes) return;
    throw new ConfigError(
      "line.max.bytes",
      `The line at byte ${this.#start} has more than ${maxBytes} bytes (line.max.bytes). Raise that limit together with max.request.size of the producer and max.message.bytes of the topic, or set the connector's offset behind the line.`,
    );
  }

  #pendingAnd(bytes: Buffer): Buffer {
    if (this.#pending.length === 0) return bytes;
    const whole = Buffer.concat([...this.#pending, bytes]);
    this.#pending = [];
    this.#pendingBytes = 0;
    return whole;
  }
}

function endsWithReturn(chunks: readonly Buffer[]): boolean {
  return chunks.at(-1)?.at(-1) === CARRIAGE_RETURN;
}

/** The end of the line's text and the start of the next line; undefined if the line is not finished. */
function lineEnd(bytes: Buffer, from: number): { readonly text: number; readonly next: number } | undefined {
  const feed = bytes.indexOf(LINE_FEED, from);
  const searched = feed < 0 ? bytes : bytes.subarray(0, feed);
  const carriageReturn = searched.indexOf(CARRIAGE_RETURN, from);
  if (carriageReturn < 0) return feed < 0 ? undefined : { text: feed, next: feed + 1 };
  if (carriageReturn + 1 === bytes.length) return undefined;
  return { text: carriageReturn, next: carriageReturn + (bytes[carriageReturn + 1] === LINE_FEED ? 2 : 1) };
}
