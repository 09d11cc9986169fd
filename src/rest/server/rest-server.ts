import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, ConflictError } from "../../api/index.js";
import { deferred } from "../../base/deferred.js";
import type { Listener } from "./listener.js";
import { refusalText } from "./refusal.js";

/** How long and how large connections and requests may be. */
export interface Limits {
  /** A connection on which nothing happens for this long is closed, unless its client waits for our answer. */
  readonly idleMs: number;
  /** The time for a client to send one request, so that a slow one cannot hold a connection for ever. */
  readonly requestMs: number;
  /** Request line and headers together. */
  readonly headerBytes: number;
  /** The time that a stopping server waits for the answers in progress. */
  readonly stopMs: number;
}

/** Kafka Connect's, but for the time of a request, which it does not limit. */
const LIMITS: Limits = { idleMs: 90_000, requestMs: 300_000, headerBytes: 8192, stopMs: 60_000 };

/** A request and its answer, until that has been written. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ended: Promise<void>;
}

/**
 * The HTTP server of REST. It binds before the rest of the worker starts, because its port is part of the worker's
 * name. Requests before `serve` wait for it.
 */
export class RestServer {
  readonly #server: Server;
  readonly #app = deferred<RequestListener>();
  readonly #exchanges = new Set<Exchange>();
  readonly #closed = deferred();
  #isServing = false;
  #isStopping = false;

  private constructor(
    private readonly clock: Clock,
    private readonly limits: Limits,
  ) {
    this.#server = createServer(
      {
        maxHeaderSize: limits.headerBytes,
        keepAliveTimeout: limits.idleMs,
        headersTimeout: Math.min(limits.idleMs, limits.requestMs),
        requestTimeout: limits.requestMs,
      },
      (request, response) => this.#handle(request, response),
    );
    this.#server.setTimeout(limits.idleMs, (socket) => {
      if (!this.#owesAnswer(socket)) socket.destroy();
    });
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      if (error.code !== "ECONNRESET" && socket.writable) socket.end(refusalText(error.code));
      else socket.destroy();
    });
  }

  /**
   * Binds the port.
   *
   * @param options.property the option or key that set the address, for messages.
   * @throws ConflictError PORT_IN_USE, or ADDRESS_UNUSABLE for an address that is not this machine's or is not allowed.
   */
  static async bind(
    listener: Listener,
    {
      property,
      clock,
      limits = LIMITS,
    }: { readonly property: string; readonly clock: Clock; readonly limits?: Limits },
  ): Promise<RestServer> {
    const rest = new RestServer(clock, limits);
    const bound = deferred();
    rest.#server.once("error", bound.reject);
    rest.#server.listen({ port: listener.port, ...(listener.host !== "" && { host: listener.host }) }, bound.resolve);
    try {
      await bound.promise;
    } catch (cause) {
      throw cannotListen(listener, property, cause as NodeJS.ErrnoException);
    }
    rest.#server.removeListener("error", bound.reject);
    return rest;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Starts to answer requests, those already waiting included. */
  serve(app: RequestListener): void {
    this.#isServing = true;
    this.#app.resolve(app);
  }

  /** Accepts no more connections. Requests in progress continue, until `close`. */
  stopAccepting(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#server.close(() => this.#closed.resolve());
    this.#server.closeIdleConnections();
  }

  /** Ends at once: cuts the requests in progress. */
  cut(): void {
    this.stopAccepting();
    this.#server.closeAllConnections();
  }

  /** Waits for the answers to requests that have arrived whole, for a minute at most, and ends all connections. */
  async close(): Promise<void> {
    this.stopAccepting();
    const owed = [...this.#exchanges].filter((exchange) => this.#isServing && isOwed(exchange));
    if (owed.length > 0) {
      const overdue = deferred();
      const timer = this.clock.schedule(this.limits.stopMs, overdue.resolve);
      await Promise.race([Promise.all(owed.map(({ ended }) => ended)), overdue.promise]);
      timer.cancel();
    }
    this.cut();
    await this.#closed.promise;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const closed = deferred();
    const exchange = { request, response, ended: closed.promise };
    this.#exchanges.add(exchange);
    response.once("close", () => {
      this.#exchanges.delete(exchange);
      closed.resolve();
    });
    if (this.#isStopping) response.setHeader("Connection", "close");
    void this.#app.promise.then((app) => app(request, response));
  }

  #owesAnswer(socket: Socket): boolean {
    return [...this.#exchanges].some((exchange) => exchange.request.socket === socket && isOwed(exchange));
  }
}

/** Whether the client has sent everything and waits for us. */
function isOwed({ request, response }: Exchange): boolean {
  return request.complete && !response.writableEnded;
}

function cannotListen({ host, port }: Listener, property: string, cause: NodeJS.ErrnoException): ConflictError {
  const address = `${host || "*"}:${port}`;
  return cause.code === "EADDRINUSE"
    ? new ConflictError(
        "PORT_IN_USE",
        `REST cannot listen on ${address}: the port is in use; stop the process that uses it, or choose another with ${property} (port 0 takes any free one)`,
        { cause },
      )
    : new ConflictError(
        "ADDRESS_UNUSABLE",
        `REST cannot listen on ${address}: ${cause.message}; choose another address with ${property}`,
        { cause },
      );
}
