const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** A line without its end, and where the next one begins: bytes from the beginning of the file. */
export interface Line {
  readonly text: string;
  readonly end: number;
}

/**
 * Cuts UTF-8 bytes into lines that end at `\n`, `\r` or `\r\n`. An unfinished line waits for its end, and a last `\r`
 * for the `\n` that may follow it. Positions count bytes, so reading resumes at the right place after text beyond
 * ASCII.
 */
export class LineSplitter {
  /** Bytes of the unfinished line, which begins at `#start`. */
  #pending: Buffer[] = [];
  #start: number;

  /** @param start position of the first byte. */
  constructor(start: number) {
    this.#start = start;
  }

  /** Whether a line waits for its end. */
  get unfinished(): boolean {
    return this.#pending.length > 0;
  }

  /** The lines that `bytes` finish, in order. `bytes` may be reused afterwards. */
  split(bytes: Buffer): Line[] {
    const lines: Line[] = [];
    const whole = endsWithReturn(this.#pending) ? this.#pendingAnd(bytes) : bytes;
    let from = 0;
    for (let end = lineEnd(whole, from); end; end = lineEnd(whole, from)) {
      const line = this.#pendingAnd(whole.subarray(from, end.text));
      this.#start += line.length + end.next - end.text;
      lines.push({ text: line.toString("utf8"), end: this.#start });
      from = end.next;
    }
    if (from < whole.length) this.#pending.push(Buffer.from(whole.subarray(from)));
    return lines;
  }

  /** The unfinished line as a line, for a file that was replaced. */
  rest(): Line | undefined {
    if (!this.unfinished) return undefined;
    const line = this.#pendingAnd(Buffer.alloc(0));
    this.#start += line.length;
    return { text: line.toString("utf8").replace(/\r$/, ""), end: this.#start };
  }

  #pendingAnd(bytes: Buffer): Buffer {
    if (this.#pending.length === 0) return bytes;
    const whole = Buffer.concat([...this.#pending, bytes]);
    this.#pending = [];
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
