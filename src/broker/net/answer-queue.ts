import type { Socket } from "node:net";
import type { AnswerMemory } from "./answer-memory.js";
import type { MemoryAccount } from "./memory-budget.js";

/** Answers up to this size in total are copied into one write. */
const COPY_BELOW_BYTES = 16 * 1024;
/** Bytes of larger ones that are written at a time: the client's progress shows in steps of this size. */
const WRITE_BYTES = 256 * 1024;

/**
 * The answers of one connection on their way to its socket. Larger ones count in its account until the client has taken
 * them; of small ones, the socket's own buffer bounds how many there are.
 */
export class AnswerQueue {
  /** Small answers, not written to the socket yet. */
  #small: Buffer[] = [];
  #smallBytes = 0;
  /** Larger ones, of which the first is written up to `#written`. */
  readonly #large: Buffer[] = [];
  #written = 0;
  #isWriting = false;

  /** @param onWritten called once the last of the larger answers is written. */
  constructor(
    private readonly socket: Socket,
    private readonly account: MemoryAccount,
    private readonly memory: AnswerMemory,
    private readonly onWritten: () => void,
  ) {}

  /** Whether the client takes its answers too slowly for another one. */
  get isFull(): boolean {
    return this.#large.length > 0 || this.socket.writableNeedDrain;
  }

  /** Whether larger answers are not written to the socket yet. */
  get isPending(): boolean {
    return this.#large.length > 0;
  }

  push(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#small.push(chunk);
      this.#smallBytes += chunk.length;
    }
    if (this.#smallBytes > COPY_BELOW_BYTES) this.flush();
  }

  /** Writes the answers. Small ones are joined: copying them costs less than a system call each. */
  flush(): void {
    const chunks = this.#small;
    const bytes = this.#smallBytes;
    if (bytes === 0) return;
    this.#small = [];
    this.#smallBytes = 0;
    if (bytes <= COPY_BELOW_BYTES && this.#large.length === 0) {
      this.socket.write(Buffer.concat(chunks, bytes));
      return;
    }
    this.account.addAnswer(bytes);
    this.#large.push(...chunks);
    this.#write();
  }

  #write(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const pieces: Buffer[] = [];
    let room = WRITE_BYTES;
    let whole = 0;
    while (whole < this.#large.length && room > 0) {
      const chunk = this.#large[whole]!;
      const until = Math.min(chunk.length, this.#written + room);
      pieces.push(chunk.subarray(this.#written, until));
      room -= until - this.#written;
      this.#written = until < chunk.length ? until : 0;
      if (this.#written > 0) break;
      whole++;
    }
    const last = pieces.pop()!;
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.write(last, (error) => {
      this.#isWriting = false;
      if (error) return;
      for (const chunk of this.#large.splice(0, whole)) {
        this.account.addAnswer(-chunk.length);
        this.memory.give(chunk);
      }
      this.account.moved();
      if (this.#large.length > 0) this.#write();
      else this.onWritten();
    });
    this.socket.uncork();
  }
}
