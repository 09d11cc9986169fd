import { type AddressInfo, createServer, type Server } from "node:net";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { Endpoint } from "../handler.js";
import { Connection, isReleased } from "./connection.js";
import type { ConnectionLimits } from "./connection-limits.js";
import type { Dispatcher } from "./dispatcher.js";
import { formatEndpoint } from "./endpoint.js";
import { FrameMemory } from "./frame-memory.js";
import { FrameReader } from "./frame-reader.js";
import type { MemoryBudget } from "./memory-budget.js";
import type { ListenerPlan } from "./plan-listener.js";

/** Time that a stop leaves clients to read their last answers. */
const CLOSE_GRACE_MS = 500;

/** The broker cannot listen on the address. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  constructor(
    readonly endpoint: Endpoint,
    cause: NodeJS.ErrnoException,
  ) {
    const where = endpoint.host === "" ? `port ${endpoint.port}` : formatEndpoint(endpoint);
    super(
      cause.code === "EADDRINUSE"
        ? `Port ${endpoint.port} of ${endpoint.host || "every address"} is in use. Stop the process that listens on ${where}, or choose another port (0: any free one).`
        : `Cannot listen on ${where}: ${cause.message}`,
      { cause },
    );
  }
}

/** Shared by all connections of a listener. */
export interface ListenerContext {
  readonly dispatcher: Dispatcher;
  readonly budget: MemoryBudget;
  /** undefined: any number of connections. */
  readonly limits: ConnectionLimits | undefined;
  readonly properties: BrokerProperties;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A listening socket and its connections. */
export class Listener {
  private readonly properties: BrokerProperties;
  private readonly clock: Clock;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();

  private constructor(
    { dispatcher, budget, limits, properties, clock, logger }: ListenerContext,
    advertised: Endpoint | undefined,
  ) {
    this.properties = properties;
    this.clock = clock;
    const memory = new FrameMemory();
    const limitOf = (key: number, version: number) => dispatcher.limitOf(key, version);
    this.#server = createServer((socket) => {
      const slot = limits?.admit(socket.remoteAddress ?? "");
      if (limits && !slot) {
        // Its error is of no interest, but would end the process.
        socket.on("error", () => undefined);
        socket.destroy();
        return;
      }
      const frames = new FrameReader(properties.number("socket.request.max.bytes"), memory, isReleased, limitOf);
      const address = advertised && { host: advertised.host, port: advertised.port || this.port };
      const connection = new Connection(socket, dispatcher, frames, budget, clock, logger, address);
      this.#connections.add(connection);
      socket.on("close", () => {
        slot?.leave();
        this.#connections.delete(connection);
      });
    });
  }

  /** Starts to listen. @throws ListenError */
  static async open({ listen: endpoint, advertised }: ListenerPlan, context: ListenerContext): Promise<Listener> {
    const { logger } = context;
    const listener = new Listener(context, advertised);
    const server = listener.#server;
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: NodeJS.ErrnoException) => reject(new ListenError(endpoint, cause));
      server.once("error", fail);
      server.listen({ host: endpoint.host === "" ? undefined : endpoint.host, port: endpoint.port }, () => {
        server.off("error", fail);
        server.on("error", (cause) => logger.error("The listening socket failed", {}, cause));
        resolve();
      });
    });
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Closes connections idle for connections.max.idle.ms. Called by the broker's maintenance. */
  closeIdle(): void {
    const idleMs = this.properties.number("connections.max.idle.ms");
    if (idleMs < 0) return;
    for (const connection of this.#connections) connection.closeIfIdle(this.clock.monotonicMs(), idleMs);
  }

  /** Stops listening, and closes connections once their last answers are written. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    await Promise.race([closed, this.clock.delay(CLOSE_GRACE_MS)]);
    await this.abandon();
  }

  /** Stops listening and breaks all connections. */
  async abandon(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close();
    await closed;
  }
}
