import type { Duplex } from "node:stream";
import type pg from "pg";
import { ServerError } from "../server/server-error.js";
import { isMissingPublication } from "./replication-failure.js";

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
const ERROR_RESPONSE = 0x45;
const NOTICE_RESPONSE = 0x4e;
const READY_FOR_QUERY = 0x5a;
const COPY_OUT_RESPONSE = 0x48;
const COPY_BOTH_RESPONSE = 0x57;

/** The bytes of one CopyData message, `bytes[start, end)`; they hold until the next `next`. */
export interface CopyFrame {
  bytes: Buffer;
  start: number;
  end: number;
}

/**
 * Reads the CopyData messages of one COPY or START_REPLICATION straight from a client's socket. The client's own parser
 * makes an object and an event for each message, which costs more than decoding the row in it.
 *
 * Pull, not push: chunks wait here, counted in bytes, until `next` walks them, and the socket is paused while more than
 * `limitBytes` wait, so that a slow consumer slows the server and not the heap.
 */
export class CopyChannel {
  readonly #stream: Duplex;
  readonly #limitBytes: number;
  readonly #parserListeners: ((chunk: Buffer) => void)[];
  readonly #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #receivedBytes = 0;
  #isPaused = false;
  #current: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Something came since `next` last found nothing: half a message waiting is no news. */
  #hasNews = false;
  #isDone = false;
  #failure: Error | undefined;
  #serverError: ServerError | undefined;
  #isDetached = false;
  #waiter: (() => void) | undefined;
  #started: { resolve: () => void; reject: (error: Error) => void } | undefined;
  readonly #frame: CopyFrame = { bytes: this.#current, start: 0, end: 0 };

  /** @param client connected, with no query under way. Nothing else may be asked of it until `detach`. */
  constructor(client: pg.Client, limitBytes: number) {
    this.#stream = client.connection.stream;
    this.#limitBytes = limitBytes;
    // Between two queries the parser holds no half message: this is where the stream can change hands.
    this.#parserListeners = this.#stream.listeners("data") as ((chunk: Buffer) => void)[];
    for (const listener of this.#parserListeners) this.#stream.off("data", listener);
    this.#stream.on("data", this.#onData);
    this.#stream.on("close", this.#onClose);
    this.#stream.on("error", this.#onError);
  }

  /**
   * Sends `sql` and resolves once the server starts copying.
   *
   * @throws ServerError what the server answered instead, or the socket's error.
   */
  start(sql: string): Promise<void> {
    const text = Buffer.from(sql, "utf8");
    const message = Buffer.alloc(text.length + 6);
    message[0] = 0x51;
    message.writeInt32BE(text.length + 5, 1);
    text.copy(message, 5);
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#started = { resolve, reject };
      this.#stream.write(message);
    });
  }

  /** Nothing more comes: the copy ended, or the connection did. */
  get isDone(): boolean {
    return this.#isDone && this.#chunks.length === 0 && this.#at >= this.#current.length;
  }

  /** Bytes received since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Nothing is read from the socket for now. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes received and not yet walked. */
  get waitingBytes(): number {
    return this.#waitingBytes + this.#current.length - this.#at;
  }

  /**
   * The next message that is here already, or null. The same object each time.
   *
   * @throws ServerError the server's, once everything before it was handed over, or the socket's error.
   */
  next(): CopyFrame | null {
    for (;;) {
      const bytes = this.#current;
      const at = this.#at;
      const left = bytes.length - at;
      if (left >= 5) {
        const length = bytes.readInt32BE(at + 1) + 1;
        if (left >= length) {
          this.#at = at + length;
          if (bytes[at] !== COPY_DATA) {
            this.#control(bytes, at, length);
            continue;
          }
          this.#frame.bytes = bytes;
          this.#frame.start = at + 5;
          this.#frame.end = at + length;
          return this.#frame;
        }
        if (!this.#join(length)) break;
      } else if (!this.#join(5)) break;
    }
    this.#hasNews = false;
    if (this.#failure) throw this.#serverError ?? this.#failure;
    return null;
  }

  /** Resolves when `next` may have something, or when there will be nothing more. One waiter at a time. */
  readable(): Promise<void> {
    if (this.#hasNews || this.#isDone || this.#failure) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiter = resolve;
    });
  }

  /** Stops reading from the socket until `resume`. */
  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
  }

  /** Goes on reading, unless too much waits already. */
  resume(): void {
    this.#resumeBelow(this.#limitBytes);
  }

  /** Sends one CopyData message to the server. */
  write(payload: Buffer): void {
    if (!this.#stream.writable) return;
    const head = Buffer.allocUnsafe(5);
    head[0] = COPY_DATA;
    head.writeInt32BE(payload.length + 4, 1);
    this.#stream.write(Buffer.concat([head, payload]));
  }

  /**
   * Ends the reading. After a copy that is done the client can be asked again; before that, what still comes is thrown
   * away, since the client's parser would find itself within a message, and the connection is good for ending only.
   */
  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.#stream.off("data", this.#onData);
    if (this.#isDone && !this.#failure) {
      this.#stream.off("close", this.#onClose);
      this.#stream.off("error", this.#onError);
    }
    const readers = this.#isDone ? this.#parserListeners : [ignore];
    for (const reader of readers) this.#stream.on("data", reader);
    this.#stream.resume();
  }

  /** Puts chunks together until `length` bytes are in one. False: they are not all here yet. */
  #join(length: number): boolean {
    const have = this.#current.length - this.#at;
    if (have + this.#waitingBytes < length) {
      // A message larger than the limit must come in whole, or nobody would ever resume.
      this.#resumeBelow(Number.POSITIVE_INFINITY);
      return false;
    }
    if (have === 0 && this.#chunks[0]!.length >= length) {
      this.#current = this.#chunks.shift()!;
      this.#waitingBytes -= this.#current.length;
    } else {
      const parts = [this.#current.subarray(this.#at)];
      for (let got = have; got < length; ) {
        const chunk = this.#chunks.shift()!;
        this.#waitingBytes -= chunk.length;
        got += chunk.length;
        parts.push(chunk);
      }
      this.#current = Buffer.concat(parts);
    }
    this.#at = 0;
    this.#resumeBelow(this.#limitBytes / 2);
    return true;
  }

  #resumeBelow(bytes: number): void {
    if (!this.#isPaused || this.#waitingBytes >= bytes) return;
    this.#isPaused = false;
    this.#stream.resume();
  }

  #control(bytes: Buffer, at: number, length: number): void {
    switch (bytes[at]) {
      case ERROR_RESPONSE:
        this.#serverError = ServerError.parse(bytes.subarray(at + 5, at + length));
        break;
      case NOTICE_RESPONSE:
        this.#notice(ServerError.parse(bytes.subarray(at + 5, at + length)));
        break;
      case READY_FOR_QUERY:
        this.#isDone = true;
        if (this.#serverError) this.fail(this.#serverError);
        break;
      case COPY_DONE:
        // Of START_REPLICATION: the server ends the stream, which it does when it shuts down.
        break;
      case COPY_OUT_RESPONSE:
      case COPY_BOTH_RESPONSE:
        this.#settleStart();
        break;
    }
  }

  #notice(notice: ServerError): void {
    if (isMissingPublication(notice)) throw notice;
  }

  #settleStart(error?: Error): void {
    const started = this.#started;
    this.#started = undefined;
    if (error) started?.reject(error);
    else started?.resolve();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#chunks.push(chunk);
    this.#waitingBytes += chunk.length;
    this.#receivedBytes += chunk.length;
    this.#hasNews = true;
    if (this.#started) this.#walkToStart();
    if (this.#waitingBytes > this.#limitBytes && !this.#isPaused) {
      this.#isPaused = true;
      this.#stream.pause();
    }
    this.wake();
  };

  /** Until the copy has started there is nobody who calls `next`. */
  #walkToStart(): void {
    while (this.#started) {
      const left = this.#current.length - this.#at;
      const length = left >= 5 ? this.#current.readInt32BE(this.#at + 1) + 1 : 5;
      if (left < length || left < 5) {
        if (!this.#join(length)) return;
        continue;
      }
      const at = this.#at;
      this.#at += length;
      try {
        this.#control(this.#current, at, length);
      } catch (error) {
        // Here nobody above could catch it: this is the socket's own call.
        this.fail(error as ServerError);
      }
    }
  }

  readonly #onError = (error: Error): void => this.fail(error);

  readonly #onClose = (): void => this.fail(this.#serverError ?? new Error("Connection terminated unexpectedly"));

  /** The connection is of no use any more: `next` throws this, once everything before it was handed over. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#isDone = true;
    this.#settleStart(this.#failure);
    this.wake();
  }

  /** Ends the waiting of `readable`. */
  wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}

/** A socket that nobody reads never closes. */
function ignore(): void {}
