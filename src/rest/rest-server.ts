import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConflictError } from "../api/index.js";
import { deferred } from "../base/deferred.js";
import type { Listener } from "./listener.js";
import type { RestContext } from "./rest-app.js";

const IDLE_TIMEOUT_MS = 90_000;

/**
 * The HTTP server of REST. It binds before the rest of the worker starts, because its port is part of the worker's
 * name. Requests before `serve` wait for it.
 */
export class RestServer {
  readonly #server: Server;
  readonly #app = deferred<RequestListener>();

  private constructor() {
    this.#server = createServer((request, response) => this.#handle(request, response));
    this.#server.keepAliveTimeout = IDLE_TIMEOUT_MS;
  }

  /**
   * Binds the port.
   *
   * @throws ConflictError PORT_IN_USE, or ADDRESS_UNUSABLE for an address that is not this machine's or is not allowed.
   */
  static async bind(listener: Listener, property: string): Promise<RestServer> {
    const rest = new RestServer();
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
  async serve(context: RestContext): Promise<void> {
    const { restApp } = await import("./rest-app.js");
    this.#app.resolve(restApp(context) as RequestListener);
  }

  /** Stops accepting requests and ends those in progress. */
  async close(): Promise<void> {
    const closed = deferred();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.#app.promise.then((app) => app(request, response));
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
