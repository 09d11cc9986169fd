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

/** The bytes of one CopyData message, `bytes[start, end)`; valid until the next call of `next`. */
export interface CopyFrame {
  bytes: Buffer;
  start: number;
  end: number;
}

/**
 * Reads the CopyData messages of one COPY or START_REPLICATION directly from a client's socket. The client's own parser
 * creates an object and an event for each message, which costs more than decoding the row in it.
 *
 * Pull, not push: chunks wait here until `next` reads them. The socket is paused while more than `limitBytes` wait, so
 * a slow consumer slows the server and does not fill the heap.
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
  /** Bytes have arrived since `next` last returned null. Half a message alone must not resolve `readable` again. */
  #hasNews = false;
  #isDone = false;
  #failure: Error | undefined;
  #serverError: ServerError | undefined;
  #isDetached = false;
  #waiter: (() => void) | undefined;
  #started: { resolve: () => void; reject: (error: Error) => void } | undefined;
  readonly #frame: CopyFrame = { bytes: this.#current, start: 0, end: 0 };

  /** @param client connected, with no query running. No other query may use it until `detach`. */
  constructor(client: pg.Client, limitBytes: number) {
    this.#stream = client.connection.stream;
    this.#limitBytes = limitBytes;
    // Between two queries the parser holds no half message, so the stream can change hands.
    this.#parserListeners = this.#stream.listeners("data") as ((chunk: Buffer) => void)[];
    for (const listener of this.#parserListeners) this.#stream.off("data", listener);
    this.#stream.on("data", this.#onData);
    this.#stream.on("close", this.#onClose);
    this.#stream.on("error", this.#onError);
  }

  /**
   * Sends `sql` and resolves once the server starts copying.
   *
   * @throws the ServerError the server answered with instead, or the socket's error.
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

  /** The copy or the connection has ended, and everything received was read. */
  get isDone(): boolean {
    return this.#isDone && this.#chunks.length === 0 && this.#at >= this.#current.length;
  }

  /** Bytes received since the start. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** Reading from the socket is paused. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes received and not yet read by `next`. */
  get waitingBytes(): number {
    return this.#waitingBytes + this.#current.length - this.#at;
  }

  /**
   * The next message already received, or null. The same object each time.
   *
   * @throws the server's ServerError or the socket's error, after every message received before it.
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

  /** Resolves when `next` may return a message, or when the copy has ended. One waiter at a time. */
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

  /** Reads again, unless too much waits already. */
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
   * Stops reading. After a finished copy the client can run queries again. During one, its parser would start in the
   * middle of a message: later bytes are discarded, and the connection can only be closed.
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

  /** Joins chunks until one buffer holds `length` bytes. False: not all of them have arrived. */
  #join(length: number): boolean {
    const have = this.#current.length - this.#at;
    if (have + this.#waitingBytes < length) {
      // A message larger than the limit must be read whole, or the socket would stay paused forever.
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
        // After START_REPLICATION: the server ends the stream because it shuts down.
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

  /** Before the copy has started, no one calls `next`: walk the messages here. */
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
        // The caller is the socket's event: no one above would catch it.
        this.fail(error as ServerError);
      }
    }
  }

  readonly #onError = (error: Error): void => this.fail(error);

  readonly #onClose = (): void => this.fail(this.#serverError ?? new Error("Connection terminated unexpectedly"));

  /** Ends the channel: `next` throws this error, after every message received before it. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#isDone = true;
    this.#settleStart(this.#failure);
    this.wake();
  }

  /** Resolves a pending `readable`. */
  wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    waiter?.();
  }
}

/** Discards data: an unread socket never closes. */
function ignore(): void {}
