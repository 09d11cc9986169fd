import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { produce } from "../../protocol/apis/produce.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { CLOSE_CONNECTION, type Endpoint, type Served } from "../handler.js";
import type { ConnectionCall, Dispatcher } from "./dispatcher.js";
import type { FrameMemory } from "./frame-memory.js";
import { FrameReader, FrameSizeError } from "./frame-reader.js";

/** Bytes read ahead while a request is served; beyond them the socket is paused. */
const READ_AHEAD_BYTES = 64 * 1024;

/** Answers up to this size in total are copied into one write. */
const COPY_BELOW_BYTES = 16 * 1024;

/**
 * One client's connection. Requests are served one at a time and answered in their order, even while one of them waits:
 * clients rely on both (and Kafka mutes a channel for the same reason).
 */
export class Connection {
  readonly #frames: FrameReader;
  readonly #closed = new AbortController();
  readonly #call: ConnectionCall;
  #busy = false;
  /** Answers not written to the socket yet. */
  #answers: Buffer[] = [];
  #answerBytes = 0;
  #lastActiveMs: number;

  /** @param advertised the broker's address to answer this client with; undefined: the address it connected to. */
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
    // A reset by the client is a normal end.
    socket.on("error", (cause) =>
      logger.debug("A connection broke", { client: this.#call.clientHost, cause: cause.message }),
    );
    socket.on("close", () => this.#closed.abort());
  }

  /** Closes the connection if nothing arrived for `idleMs` and no request is being served. */
  closeIfIdle(nowMs: number, idleMs: number): void {
    if (!this.#busy && nowMs - this.#lastActiveMs > idleMs) this.close();
  }

  /** Closes once the answers are written. */
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

  /** Serves buffered requests until one has to wait or the client reads its answers too slowly. */
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
      if (!(served instanceof Promise) || this.dispatcher.readsAtOnce) this.#frames.release();
      return served;
    } catch (cause) {
      this.#fail(cause);
      return undefined;
    }
  }

  #resumeWith(served: Served): void {
    this.#busy = false;
    this.#frames.release();
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

  /** Writes the answers. Small ones are joined: copying them costs less than a system call each. */
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

  /** A failure ends this connection, not the process. */
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
      this.logger.warn("Closed a connection that sent an unreadable request", { client, cause: cause.message });
    } else {
      this.logger.error("Closed a connection after an unexpected failure", { client }, cause);
    }
    this.#flush();
    this.end();
  }
}

/** Only a produce's frame is reused: its records are in the log when its handler returns, even if the answer waits. */
function isProduce(apiKey: number): boolean {
  return apiKey === produce.key;
}

/** The address without the prefix that marks IPv4 on a dual-stack socket. */
function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:/, "");
}
