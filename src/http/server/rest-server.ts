import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket, TlsOptions } from "node:tls";
import { type Clock, ConfigError, ConflictError } from "../../api/index.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { MEDIA_TYPE } from "../../contract/rest-api.js";
import type { BoundListener, Listener } from "./listener.js";
import { refusalBody, refusalText } from "./refusal.js";

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
  /** The time for which a client that is refused may go on to send, so that it reads why. */
  readonly lingerMs: number;
}

/** Kafka Connect's, but for the time of a request, which it does not limit. */
const LIMITS: Limits = { idleMs: 90_000, requestMs: 300_000, headerBytes: 8192, stopMs: 60_000, lingerMs: 5_000 };

/** A listener, and how it identifies itself: undefined for http. */
export interface Endpoint {
  readonly listener: Listener;
  readonly tls: TlsOptions | undefined;
}

/** A request and its answer, until that has been written. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly ended: Promise<void>;
}

/**
 * An HTTP server on one or more addresses. It binds before the rest of the worker starts, because a port is part of the
 * worker's name. Requests before `serve` wait for it.
 */
export class RestServer {
  readonly #servers: { readonly listener: Listener; readonly server: Server; readonly closed: Deferred<void> }[] = [];
  readonly #app = deferred<RequestListener>();
  readonly #exchanges = new Set<Exchange>();
  readonly #refused = new WeakSet<Duplex>();
  #isServing = false;
  #isStopping = false;

  private constructor(
    private readonly clock: Clock,
    private readonly limits: Limits,
  ) {}

  /**
   * Binds every address, or none.
   *
   * @param options.property the option or key that set the addresses, for messages.
   * @throws ConflictError PORT_IN_USE, or ADDRESS_UNUSABLE for an address that is not this machine's or is not allowed.
   * @throws ConfigError for a key or certificate that TLS cannot use.
   */
  static async bind(
    endpoints: readonly Endpoint[],
    {
      property,
      clock,
      limits = LIMITS,
    }: { readonly property: string; readonly clock: Clock; readonly limits?: Limits },
  ): Promise<RestServer> {
    const rest = new RestServer(clock, limits);
    try {
      for (const endpoint of endpoints) await rest.#bind(endpoint, property);
    } catch (error) {
      await rest.close();
      throw error;
    }
    return rest;
  }

  /** The listeners in their order, with the ports that they are bound to. */
  get bound(): readonly BoundListener[] {
    return this.#servers.map(({ listener, server }) => ({
      ...listener,
      boundPort: (server.address() as AddressInfo).port,
    }));
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
    for (const { server, closed } of this.#servers) {
      server.close(() => closed.resolve());
      server.closeIdleConnections();
    }
  }

  /** Ends at once: cuts the requests in progress. */
  cut(): void {
    this.stopAccepting();
    for (const { server } of this.#servers) server.closeAllConnections();
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
    await Promise.all(this.#servers.map(({ closed }) => closed.promise));
  }

  async #bind({ listener, tls }: Endpoint, property: string): Promise<void> {
    const server = this.#create(tls, property);
    const bound = deferred();
    server.once("error", bound.reject);
    server.listen({ port: listener.port, ...(listener.host !== "" && { host: listener.host }) }, bound.resolve);
    try {
      await bound.promise;
    } catch (cause) {
      throw cannotListen(listener, property, cause as NodeJS.ErrnoException);
    }
    server.removeListener("error", bound.reject);
    this.#servers.push({ listener, server, closed: deferred() });
  }

  #create(tls: TlsOptions | undefined, property: string): Server {
    const { idleMs, requestMs, headerBytes } = this.limits;
    const options = {
      maxHeaderSize: headerBytes,
      keepAliveTimeout: idleMs,
      headersTimeout: Math.min(idleMs, requestMs),
      requestTimeout: requestMs,
      // Node's own refusal has no body.
      requireHostHeader: false,
    };
    const answer = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response);
    const server = tls ? createSecureServer({ ...options, ...tls }, answer, property) : createServer(options, answer);
    server.setTimeout(idleMs, (socket) => {
      if (!this.#owesAnswer(socket)) socket.destroy();
    });
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      // Node's parser refuses each of the bytes that follow, too.
      if (this.#refused.has(socket) && error.code !== "ECONNRESET") return;
      if (error.code !== "ECONNRESET" && socket.writable) this.#refuse(socket, refusalText(error.code));
      else socket.destroy();
    });
    return server;
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
    if (request.headers.host === undefined && request.httpVersion !== "1.0") {
      response.writeHead(400, { "Content-Type": MEDIA_TYPE, Connection: "close" }).end(refusalBody(400));
      return;
    }
    void this.#app.promise.then((app) => app(request, response));
  }

  /** Closing a connection with unread bytes would reset it, and the client might lose the answer. */
  #refuse(socket: Duplex, text: string): void {
    this.#refused.add(socket);
    socket.end(text);
    const timer = this.clock.schedule(this.limits.lingerMs, () => socket.destroy());
    socket.once("close", () => timer.cancel());
  }

  #owesAnswer(socket: Socket): boolean {
    return [...this.#exchanges].some((exchange) => exchange.request.socket === socket && isOwed(exchange));
  }
}

/** Whether the client has sent everything and waits for us. */
function isOwed({ request, response }: Exchange): boolean {
  return request.complete && !response.writableEnded;
}

function createSecureServer(
  options: TlsOptions,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  property: string,
): Server {
  try {
    const server = createTlsServer(options, answer);
    // `ssl.client.auth=requested`: a client may have no certificate, but not one that is not trusted.
    server.on("secureConnection", (socket: TLSSocket) => {
      if (options.requestCert && !socket.authorized && socket.getPeerX509Certificate()) socket.destroy();
    });
    return server;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(
      property,
      `TLS for REST cannot use its key store or trust store (${reason}): check their passwords, and that each certificate belongs to its key`,
      { cause },
    );
  }
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
