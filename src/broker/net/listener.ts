import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions, type Server as TlsServer } from "node:tls";
import type { Clock } from "../../base/clock.js";
import type { Logger } from "../../base/logger.js";
import type { BrokerProperties } from "../broker-properties.js";
import type { Endpoint } from "../handler.js";
import type { ListenerSecurity } from "../security/listener-security.js";
import type { ListenerTls } from "../security/listener-tls.js";
import { type SaslContext, SaslExchange } from "../security/sasl-exchange.js";
import { ANONYMOUS, Session } from "../security/session.js";
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
/** Time that a client has for its TLS handshake. */
const HANDSHAKE_MS = 30_000;
/** Of a listener's connections that are closed late, so many stay open at most. */
const MOST_LATE = 500;

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
  readonly sasl: SaslContext;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A listening socket and its connections. */
export class Listener {
  readonly #server: Server;
  /** Makes the encrypted sockets over those that the server accepts. */
  readonly #tls: TlsServer | undefined;
  /** All accepted sockets. */
  readonly #sockets = new Set<Socket>();
  /** Those that are closed late, the oldest first. */
  readonly #late = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #memory = new FrameMemory();

  private constructor(
    readonly plan: ListenerPlan,
    private readonly security: ListenerSecurity,
    private readonly context: ListenerContext,
  ) {
    this.#tls = security.tls && this.#tlsServer(security.tls);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Starts to listen. @throws ListenError */
  static async open(plan: ListenerPlan, security: ListenerSecurity, context: ListenerContext): Promise<Listener> {
    const { logger } = context;
    const endpoint = plan.listen;
    const listener = new Listener(plan, security, context);
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

  /** Has new connections use other certificates. */
  useCertificates(options: TlsOptions): void {
    this.#tls?.setSecureContext(options);
  }

  /** Closes connections idle for connections.max.idle.ms. Called by the broker's maintenance. */
  closeIdle(): void {
    const { properties, clock } = this.context;
    const idleMs = properties.number("connections.max.idle.ms");
    if (idleMs < 0) return;
    for (const connection of this.#connections) connection.closeIfIdle(clock.monotonicMs(), idleMs);
  }

  /** Stops listening, and closes connections once their last answers are written. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.end();
    await Promise.race([closed, this.context.clock.delay(CLOSE_GRACE_MS)]);
    await this.abandon();
  }

  /** Stops listening and breaks all connections. */
  async abandon(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close();
    // Those whose TLS handshake is under way, too.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const { limits } = this.context;
    const address = socket.remoteAddress ?? "";
    const slot = limits?.admit(address);
    if (limits && !slot) {
      // Its error is of no interest, but would end the process.
      socket.on("error", () => undefined);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    const waitMs = limits?.throttleMs(address) ?? 0;
    if (waitMs > 0) {
      slot?.leave();
      this.#closeLate(socket, waitMs);
      return;
    }
    socket.on("close", () => slot?.leave());
    if (this.#tls) this.#tls.emit("connection", socket);
    else this.#serve(socket, ANONYMOUS);
  }

  /**
   * As in Kafka: a client that connects too often is closed late, or it would try again at once. It is none of
   * max.connections: it would keep others out.
   */
  #closeLate(socket: Socket, waitMs: number): void {
    socket.on("error", () => undefined);
    const timer = this.context.clock.schedule(waitMs, () => socket.destroy());
    this.#late.add(socket);
    socket.on("close", () => {
      timer.cancel();
      this.#late.delete(socket);
    });
    if (this.#late.size <= MOST_LATE) return;
    const [oldest] = this.#late;
    this.#late.delete(oldest!);
    oldest!.destroy();
  }

  #tlsServer({ options, clientAuth, userOf }: ListenerTls): TlsServer {
    const { logger } = this.context;
    const refuse = (socket: Socket, cause: string) => {
      logger.info("Closed a connection: its TLS handshake failed", {
        listener: this.plan.name,
        client: socket.remoteAddress,
        cause,
      });
      socket.destroy();
    };
    const server = createTlsServer({ ...options, handshakeTimeout: HANDSHAKE_MS });
    // Node hangs up on a client whose certificate it does not trust, and says only that.
    server.on("tlsClientError", (cause, socket) => refuse(socket, distrustOf(socket) ?? cause.message));
    server.on("secureConnection", (socket: TLSSocket) => {
      const certificate = clientAuth === "none" ? undefined : socket.getPeerCertificate().raw;
      if (certificate === undefined) {
        this.#serve(socket, ANONYMOUS);
        return;
      }
      if (!socket.authorized) {
        refuse(socket, distrustOf(socket) ?? "the client's certificate is not trusted");
        return;
      }
      const user = userOf(certificate);
      if (user !== undefined) this.#serve(socket, user);
      else
        refuse(socket, "the client's certificate cannot be read, or no rule of ssl.principal.mapping.rules is for it");
    });
    return server;
  }

  /** @param user whom the socket has authenticated; SASL, where it is used, replaces it. */
  #serve(socket: Socket, user: string): void {
    const { dispatcher, budget, properties, clock, logger, sasl } = this.context;
    const { name, protocol, advertised } = this.plan;
    const exchange = this.security.sasl && new SaslExchange(this.security.sasl, sasl);
    const session = new Session(name, protocol, exchange ? { sasl: exchange } : { user }, this.security.isTrusted);
    const maxBytes = properties.number("socket.request.max.bytes");
    const limitOf = (key: number, version: number) => dispatcher.limitOf(key, version, session);
    const frames = new FrameReader(maxBytes, this.#memory, isReleased, limitOf);
    const address = advertised && { host: advertised.host, port: advertised.port || this.port };
    const connection = new Connection(socket, dispatcher, frames, budget, clock, logger, session, address);
    this.#connections.add(connection);
    socket.on("close", () => this.#connections.delete(connection));
  }
}

/**
 * Why a client's certificate is not trusted; undefined if it was not found to be so. Node has a code of OpenSSL here,
 * whatever its types say.
 */
function distrustOf({ authorizationError }: TLSSocket): string | undefined {
  const reason: unknown = authorizationError;
  if (!reason) return undefined;
  return `the client's certificate is not trusted: ${reason instanceof Error ? reason.message : String(reason)}`;
}
