import type { Socket } from "node:net";
import type { Clock, Timer } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import { produce } from "../../protocol/apis/produce.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import { CLOSE_CONNECTION, type Endpoint, LastAnswer, type Served } from "../handler.js";
import type { Session } from "../security/session.js";
import { AnswerQueue } from "./answer-queue.js";
import type { ConnectionCall, Dispatcher } from "./dispatcher.js";
import { type FrameReader, FrameSizeError } from "./frame-reader.js";
import { type MemoryAccount, type MemoryBudget, OWN_BYTES } from "./memory-budget.js";

/** Bytes read ahead while a request is served; beyond them the socket is paused. */
const READ_AHEAD_BYTES = 64 * 1024;

/** Produce requests of one connection that wait for the disk at a time. Java's clients have 5 in flight. */
const MAX_WAITING = 16;

/** A request whose answer is due; `served` is set once it is there. */
interface Waiting {
  served: Served | undefined;
}

/**
 * One client's connection. Requests are served one at a time and answered in their order, even while one of them waits:
 * clients rely on both (and Kafka mutes a channel for the same reason). Only while Produce requests wait for the disk,
 * more of them are served, so that they share a sync.
 */
export class Connection {
  readonly #answers: AnswerQueue;
  readonly #account: MemoryAccount;
  readonly #closed = new AbortController();
  readonly #call: ConnectionCall;
  /** Requests that are not answered yet, in order. */
  readonly #waiting: Waiting[] = [];
  /** Whether all of them are Produce requests, whose records are in the log. */
  #onlyProduces = true;
  #isEnding = false;
  /** Bytes that arrived since the client was last active. */
  #arrivedBytes = 0;
  #lastActiveMs: number;
  /** Bytes of an answer that is being made. */
  #reservedBytes = 0;
  /** While it is pending, no request is served: the client has passed a quota. */
  #mute: { readonly untilMs: number; readonly timer: Timer } | undefined;

  /** @param advertised the broker's address to answer this client with; undefined: the address it connected to. */
  constructor(
    private readonly socket: Socket,
    private readonly dispatcher: Dispatcher,
    private readonly frames: FrameReader,
    budget: MemoryBudget,
    private readonly clock: Clock,
    private readonly logger: Logger,
    session: Session,
    advertised: Endpoint | undefined,
  ) {
    this.#account = budget.open({
      resume: () => this.#guard(() => this.#next()),
      evict: () => this.#evict(),
    });
    this.#answers = new AnswerQueue(socket, this.#account, budget.answers, () => this.#guard(() => this.#written()));
    this.#lastActiveMs = clock.monotonicMs();
    const account = this.#account;
    const { signal } = this.#closed;
    this.#call = {
      clientHost: `/${plainAddress(socket.remoteAddress)}`,
      advertised: advertised ?? { host: plainAddress(socket.localAddress), port: socket.localPort ?? 0 },
      session,
      closed: signal,
      memory: {
        get roomBytes() {
          return account.roomBytes;
        },
        reserve: (bytes) => this.#reserve(bytes),
        room: () => account.room(signal),
        take: budget.answers.take,
        hold: (bytes) => account.hold(bytes),
      },
      mute: (delayMs) => this.#muteFor(delayMs),
    };
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#guard(() => this.#receive(chunk)));
    socket.on("drain", () => this.#guard(() => this.#next()));
    // A reset by the client is a normal end.
    socket.on("error", (cause) =>
      logger.debug("A connection broke", { client: this.#call.clientHost, cause: cause.message }),
    );
    socket.on("close", () => {
      this.#closed.abort();
      this.#mute?.timer.cancel();
      account.close();
    });
  }

  /** Closes the connection if nothing arrived for `idleMs` and no request is being served. */
  closeIfIdle(nowMs: number, idleMs: number): void {
    if (this.#waiting.length === 0 && nowMs - this.#lastActiveMs > idleMs) this.close();
  }

  /**
   * Closes once the answers are written, those of Produce requests that wait for the disk included: their records are
   * stored, and a client without an answer would send them again.
   */
  end(): void {
    this.#isEnding = true;
    if ((this.#waiting.length > 0 && this.#onlyProduces) || this.#answers.isPending) return;
    this.#closed.abort();
    this.socket.destroySoon();
  }

  close(): void {
    this.#closed.abort();
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    if (this.#closed.signal.aborted) return;
    this.#account.addRequest(chunk.length);
    this.#arrivedBytes += chunk.length;
    if (this.#arrivedBytes >= OWN_BYTES) this.#active();
    this.frames.push(chunk);
    this.#next();
  }

  /** Serves buffered requests until one has to wait or the client reads its answers too slowly. */
  #next(): void {
    while (!this.#closed.signal.aborted && this.#mayServe()) {
      const isProduce = this.frames.nextKey === produce.key;
      const served = this.#serveFrame();
      if (served === undefined) break;
      if (!(served instanceof Promise) && this.#waiting.length === 0) this.#take(served);
      else this.#await(served, isProduce && this.dispatcher.readsAtOnce);
    }
    if (!this.#closed.signal.aborted) this.#answers.flush();
    this.#readOrPause();
  }

  #readOrPause(): void {
    if (this.#closed.signal.aborted) return;
    const mayServe = this.#mayServe();
    if (mayServe) this.#account.readOn();
    else this.#account.holdBack();
    const { mayRead } = this.#account;
    if (!mayServe && (!mayRead || this.frames.bufferedBytes > READ_AHEAD_BYTES)) {
      // It does not wait for memory: it would pass on the turn at once, for ever. It reads on when it may serve.
      this.socket.pause();
    } else if (!mayRead) {
      this.socket.pause();
      this.#account.waitToRead();
    } else if (mayServe && this.socket.isPaused()) {
      this.socket.resume();
    }
  }

  /** Whether the next request may be served; it may not have arrived. */
  #mayServe(): boolean {
    if (this.#isEnding || this.#mute || this.#answers.isFull) return false;
    if (this.#waiting.length > 0) {
      const { nextKey } = this.frames;
      const isProduce = nextKey === undefined || nextKey === produce.key;
      return isProduce && this.#onlyProduces && this.#waiting.length < MAX_WAITING;
    }
    if (this.#account.mayServe) return true;
    this.#account.waitToServe();
    return false;
  }

  #await(served: Served | Promise<Served>, isProduce: boolean): void {
    const waiting: Waiting = { served: served instanceof Promise ? undefined : served };
    this.#onlyProduces = isProduce && (this.#onlyProduces || this.#waiting.length === 0);
    this.#waiting.push(waiting);
    if (!(served instanceof Promise)) return;
    const answer = (late: Served) => {
      waiting.served = late;
      this.#answerInOrder();
    };
    served.then(answer).catch((cause: unknown) => this.#fail(cause));
  }

  #serveFrame(): Served | Promise<Served> | undefined {
    try {
      const frame = this.frames.next();
      if (!frame) return undefined;
      const frameBytes = 4 + frame.length;
      const served = this.dispatcher.dispatch(frame, this.#call);
      if (!(served instanceof Promise) || this.dispatcher.readsAtOnce) this.frames.release();
      this.#account.addRequest(-frameBytes);
      this.#account.endFrame();
      this.#active();
      return served;
    } catch (cause) {
      this.#fail(cause);
      return undefined;
    }
  }

  /** The client is active. Single bytes of a request do not count: a client that sends no more would stay connected. */
  #active(): void {
    this.#arrivedBytes = 0;
    this.#account.moved();
    this.#lastActiveMs = this.clock.monotonicMs();
  }

  #answerInOrder(): void {
    if (this.#waiting[0]?.served === undefined) return;
    this.#active();
    if (!this.dispatcher.readsAtOnce) this.frames.release();
    while (this.#waiting[0]?.served !== undefined) {
      if (this.#closed.signal.aborted) return;
      this.#take(this.#waiting.shift()!.served!);
    }
    this.#next();
    if (this.#isEnding && this.#waiting.length === 0) this.end();
  }

  #muteFor(delayMs: number): void {
    const untilMs = this.clock.monotonicMs() + delayMs;
    if (this.#closed.signal.aborted || (this.#mute && this.#mute.untilMs >= untilMs)) return;
    this.#mute?.timer.cancel();
    const end = () => {
      this.#mute = undefined;
      this.#next();
    };
    this.#mute = { untilMs, timer: this.clock.schedule(delayMs, () => this.#guard(end)) };
  }

  #reserve(bytes: number): void {
    this.#account.addAnswer(bytes);
    this.#reservedBytes += bytes;
  }

  #take(served: Served): void {
    this.#account.addAnswer(-this.#reservedBytes);
    this.#reservedBytes = 0;
    if (served === CLOSE_CONNECTION || served instanceof LastAnswer) {
      if (served instanceof LastAnswer) this.#answers.push(served.response);
      this.#answers.flush();
      this.end();
      return;
    }
    this.#answers.push(served);
  }

  /** The client has taken a large answer. */
  #written(): void {
    this.#active();
    if (this.#isEnding) this.end();
    else this.#next();
  }

  #evict(): void {
    const { requestBytes, answerBytes } = this.#account;
    this.logger.warn(
      "Closed a connection that took no answers, or sent no rest of its request, while others waited for memory (queued.max.request.bytes)",
      { client: this.#call.clientHost, requestBytes, answerBytes },
    );
    this.close();
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
    if (!this.#closed.signal.aborted) this.#answers.flush();
    this.end();
  }
}

/** Only a produce's frame is reused: its records are in the log when its handler returns, even if the answer waits. */
export function isReleased(apiKey: number): boolean {
  return apiKey === produce.key;
}

/** The address without the prefix that marks IPv4 on a dual-stack socket. */
function plainAddress(address: string | undefined): string {
  return (address ?? "").replace(/^::ffff:/, "");
}
