import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type Deferred, deferred } from "../../src/base/deferred.js";
import { FrameMemory } from "../../src/broker/net/frame-memory.js";
import { FrameReader } from "../../src/broker/net/frame-reader.js";
import { type Api, readCorrelationId } from "../../src/protocol/api.js";
import type { Fields, InputOf, OutputOf } from "../../src/protocol/message-fields.js";

/** The connection was closed before the answer. */
export class ConnectionEnded extends Error {
  constructor() {
    super("The broker closed the connection");
  }
}

/** A bare connection to a broker, for requests of any API and version, and for bytes that are not a request. */
export class BrokerClient {
  readonly #waiting = new Map<number, Deferred<Buffer>>();
  readonly #frames = new FrameReader(200 * 1024 * 1024, new FrameMemory());
  readonly #closed = deferred();
  /** Correlation ids in the order of their answers. */
  readonly answered: number[] = [];
  #correlationId = 0;
  /** Waits for a frame that is not an answer. */
  #bare: Deferred<Buffer> | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#frames.push(chunk);
      for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) this.#take(frame);
    });
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
  }

  static async connect(port: number): Promise<BrokerClient> {
    const socket = connect({ host: "127.0.0.1", port });
    await once(socket, "connect");
    return new BrokerClient(socket);
  }

  /** Resolves when the broker has closed the connection. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Sends a request and decodes its answer; rejects when the connection is closed instead. */
  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    clientId = "test",
  ): Promise<OutputOf<S>> {
    const frame = await this.send(api, version, request, clientId);
    return api.decodeResponse(version, readCorrelationId(frame).reader);
  }

  /** Sends a request; resolves with the frame of its answer. */
  send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    request: InputOf<Q>,
    clientId = "test",
  ): Promise<Buffer> {
    return this.sendEncoded((correlationId) => api.encodeRequest(version, correlationId, clientId, request));
  }

  /** Sends a frame as `encode` makes it; resolves with the frame of its answer. */
  sendEncoded(encode: (correlationId: number) => readonly Buffer[]): Promise<Buffer> {
    if (this.#closed.settled) return Promise.reject(new ConnectionEnded());
    const correlationId = ++this.#correlationId;
    const answer = deferred<Buffer>();
    this.#waiting.set(correlationId, answer);
    for (const chunk of encode(correlationId)) this.socket.write(chunk);
    return answer.promise;
  }

  /** Sends bytes, and resolves with the next frame, which is not taken for the answer of a request. */
  bareExchange(bytes: Buffer): Promise<Buffer> {
    const frame = deferred<Buffer>();
    this.#bare = frame;
    this.socket.write(bytes);
    return frame.promise;
  }

  /** Takes nothing more from the broker, until `resume`. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Sends raw bytes. */
  write(bytes: Buffer): void {
    this.socket.write(bytes);
  }

  close(): void {
    this.socket.destroy();
  }

  #take(frame: Buffer): void {
    if (this.#bare) {
      this.#bare.resolve(frame);
      this.#bare = undefined;
      return;
    }
    const { correlationId } = readCorrelationId(frame);
    this.answered.push(correlationId);
    this.#waiting.get(correlationId)?.resolve(frame);
    this.#waiting.delete(correlationId);
  }

  #end(): void {
    for (const answer of this.#waiting.values()) answer.reject(new ConnectionEnded());
    this.#waiting.clear();
    this.#closed.resolve();
  }
}
