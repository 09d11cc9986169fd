import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { produce } from "../../protocol/apis/produce.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { CLOSE_CONNECTION, type Endpoint, type Served } from "../handler.js";
import type { ConnectionCall, Dispatcher } from "./dispatcher.js";
import type { FrameMemory } from "./frame-memory.js";
import { FrameReader, FrameSizeError } from "./frame-reader.js";

/** Requests that may wait behind the one at work before the socket is read no further. */
const READ_AHEAD_BYTES = 64 * 1024;

/** Answers gather up to this size, and are then sent as one. */
const COPY_BELOW_BYTES = 16 * 1024;

/**
 * One client's connection. Requests are served one after another and answered in their order, also while one of them
 * waits: clients rely on both (Kafka mutes a channel for the same reason).
 */
export class Connection {
  readonly #frames: FrameReader;
  readonly #closed = new AbortController();
  readonly #call: ConnectionCall;
  #busy = false;
  /** Answers of requests that came together, on their way out. */
  #answers: Buffer[] = [];
  #answerBytes = 0;
  #lastActiveMs: number;

  /** @param advertised what to tell the client of where the broker is; undefined: the address it has connected to. */
  constructor(
    private readonly socket: Socket,
    private readonly dispatcher: Dispatcher,
    private readonly clock: Clock,
    private readonly logger: Logger,
    maxFrameBytes: number,
    memory: FrameMemory,
    advertised: Endpoint | undefined,
  ) {
    this.#frames = new FrameReader(maxFrameBytes, memory, isProduce);
    this.#lastActiveMs = clock.monotonicMs();
    this.#call = {
      clientHost: `/${plainAddress(socket.remoteAddress)}`,
      advertised: advertised ?? { host: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
      closed: this.#closed.signal,
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#guard(() => this.#receive(chunk)));
    socket.on("drain", () => this.#guard(() => this.#next()));
    // A reset by the client is an end like any other.
    socket.on("error", (cause) =>
      logger.debug("A connection broke", { client: this.#call.clientHost, cause: cause.message }),
    );
    socket.on("close", () => this.#closed.abort());
  }

  /** Closes the connection if nothing has come for `idleMs` and nothing is being served. */
  closeIfIdle(nowMs: number, idleMs: number): void {
    if (!this.#busy && nowMs - this.#lastActiveMs > idleMs) this.close();
  }

  /** Closes once what was answered is on its way. */
  end(): void {
    this.#closed.abort();
    this.socket.destroySoon();
  }

  close(): void {
    this.#closed.abort();
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed.signal.aborted) return;
    this.#lastActiveMs = this.clock.monotonicMs();
    this.#frames.push(chunk);
    if (!this.#busy) this.#next();
    const waits = this.#busy || this.socket.writableNeedDrain;
    if (waits && this.#frames.bufferedBytes > READ_AHEAD_BYTES) this.socket.pause();
  }

  /** Serves what has come, until a request has to wait or the client is too slow to take its answers. */
  #next(): void {
    while (!this.#busy && !this.#closed.signal.aborted && !this.socket.writableNeedDrain) {
      const served = this.#serveFrame();
      if (served === undefined) break;
      if (served instanceof Promise) {
        this.#busy = true;
        served.then((late) => this.#resumeWith(late)).catch((cause: unknown) => this.#fail(cause));
      } else {
        this.#take(served);
      }
    }
    this.#flush();
    if (!this.#busy && !this.socket.writableNeedDrain && this.socket.isPaused()) this.socket.resume();
  }

  #serveFrame(): Served | Promise<Served> | undefined {
    try {
      const frame = this.#frames.next();
      if (!frame) return undefined;
      const served = this.dispatcher.dispatch(frame, this.#call);
      if (!(served instanceof Promise)) this.#frames.release();
      return served;
    } catch (cause) {
      this.#fail(cause);
      return undefined;
    }
  }

  #resumeWith(served: Served): void {
    this.#busy = false;
    this.#lastActiveMs = this.clock.monotonicMs();
    if (this.#closed.signal.aborted) return;
    this.#take(served);
    this.#next();
  }

  #take(served: Served): void {
    if (served === CLOSE_CONNECTION) {
      this.#flush();
      this.end();
      return;
    }
    for (const chunk of served) {
      this.#answers.push(chunk);
      this.#answerBytes += chunk.length;
    }
    if (this.#answerBytes > COPY_BELOW_BYTES) this.#flush();
  }

  /** Sends what was answered. A system call costs more than copying a few small answers into one. */
  #flush(): void {
    const chunks = this.#answers;
    const bytes = this.#answerBytes;
    if (bytes === 0 || this.#closed.signal.aborted) return;
    this.#answers = [];
    this.#answerBytes = 0;
    if (bytes <= COPY_BELOW_BYTES) {
      this.socket.write(Buffer.concat(chunks, bytes));
      return;
    }
    this.socket.cork();
    for (const chunk of chunks) this.socket.write(chunk);
    this.socket.uncork();
  }

  /** A failure here costs this connection and not the process. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (cause) {
      this.#fail(cause);
    }
  }

  #fail(cause: unknown): void {
    const client = this.#call.clientHost;
    if (cause instanceof MalformedError || cause instanceof FrameSizeError) {
      this.logger.warn("Closed a connection that sent what cannot be read", { client, cause: cause.message });
    } else {
      this.logger.error("Closed a connection after an unexpected failure", { client }, cause);
    }
    this.#flush();
    this.end();
  }
}

/** What was produced is in its log when it is answered, and nothing else keeps a part of its frame. */
function isProduce(apiKey: number): boolean {
  return apiKey === produce.key;
}

/** An address without the prefix that marks IPv4 on a dual-stack socket. */
function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:/, "");
}
