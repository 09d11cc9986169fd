import { createRequire } from "node:module";
import type { Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Clock, Timer } from "../../api/clock.js";
import type { Logger } from "../../api/logger.js";
import type { ApiInfo } from "../../protocol/api.js";
import { apiVersions } from "../../protocol/apis/api-versions.js";
import { ByteReader } from "../../protocol/byte-reader.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { Address, ConnectionConfig } from "../client-properties.js";
import type { SaslConfig, SecurityConfig } from "../security-config.js";
import { type FramedSocketOptions, openFramedSocket } from "./framed-socket.js";
import type { BrokerVersions, Transport, Wire } from "./transport.js";

// Only this file uses kafkajs. Its Connection matches answers to requests and does SASL, over our socket. We put encoded
// requests into its queue, because its own encoder copies every request twice, and time them ourselves, because its
// queue looks at them ten times a second for each connection. Our socket splits answers into frames itself, because the
// framing of kafkajs would copy them once more.
// The exact version in package.json fixes the members used here, and a contract test checks them.

interface Exchanged {
  readonly payload: Buffer;
}

interface RequestQueue {
  readonly inflight: ReadonlyMap<number, unknown>;
  readonly pending: readonly unknown[];
  push(request: {
    readonly entry: {
      readonly apiKey: number;
      readonly apiName: string;
      readonly apiVersion: number;
      readonly correlationId: number;
      readonly resolve: (answer: Exchanged) => void;
      readonly reject: (error: unknown) => void;
    };
    readonly expectResponse: boolean;
    readonly requestTimeout: number;
    readonly sendRequest: () => void;
  }): void;
  fulfillRequest(answer: { readonly size: number; readonly correlationId: number; readonly payload: Buffer }): void;
  scheduleCheckPendingRequests: () => void;
  /** Ends its timers. */
  destroy(): void;
}

type SendSasl = (request: unknown) => Promise<unknown>;

interface KafkajsConnection {
  readonly requestQueue: RequestQueue;
  readonly socket: Socket | undefined;
  /** Set during SASL, which then handles incoming bytes. */
  readonly authHandlers: unknown;
  processData(bytes: Buffer): void;
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  isConnected(): boolean;
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  /** SASL sends with these: to brokers that wrap it in requests, and to older ones. */
  send: SendSasl;
  sendAuthRequest: SendSasl;
  nextCorrelationId(): number;
  rejectRequests(error: Error): void;
  setVersions(versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>>): void;
  setSupportAuthenticationProtocol(supported: boolean): void;
}

interface KafkajsConnectionOptions extends Address {
  readonly logger: unknown;
  readonly socketFactory: (options: FramedSocketOptions) => Socket;
  readonly requestTimeout: number;
  readonly connectionTimeout: number;
  readonly ssl: ConnectionOptions | null;
  readonly sasl: (Omit<SaslConfig, "mechanism"> & { mechanism: string }) | null;
  readonly clientId: string;
}

type KafkajsConnectionClass = new (options: KafkajsConnectionOptions) => KafkajsConnection;

const require = createRequire(import.meta.url);
const Connection = require("kafkajs/src/network/connection") as KafkajsConnectionClass;

const SASL_AUTHENTICATE_KEY = 36;
/** The size and the correlation id before an answer's payload. */
const ANSWER_HEAD_BYTES = 8;

/** A transport over connections of kafkajs. */
export class KafkajsTransport implements Transport {
  readonly #logger: unknown;

  constructor(
    private readonly config: ConnectionConfig,
    private readonly security: SecurityConfig,
    private readonly clock: Clock,
    logger: Logger,
  ) {
    this.#logger = kafkajsLogger(logger);
  }

  async connect(address: Address): Promise<Wire> {
    const { config, security, clock } = this;
    const sasl = security.sasl;
    const connection = new Connection({
      ...address,
      logger: this.#logger,
      socketFactory: openFramedSocket,
      requestTimeout: config.requestTimeoutMs,
      connectionTimeout: config.connectionTimeoutMs,
      ssl: security.tls ?? null,
      sasl: sasl ? { ...sasl } : null,
      clientId: config.clientId,
    });
    // kafkajs sets a timer after every answer to check throttled requests. We have none, and newer versions of Node
    // warn about its negative delay.
    connection.requestQueue.scheduleCheckPendingRequests = () => undefined;
    takeWholeAnswers(connection);
    const wire = new KafkajsWire(connection, address, sasl !== undefined, clock);
    try {
      await connection.connect();
      await wire.negotiate(config);
      // Its timer was for the requests of SASL.
      connection.requestQueue.destroy();
      return wire;
    } catch (cause) {
      wire.close();
      throw asKafkaError(cause, `Connecting to ${address.host}:${address.port}`);
    }
  }
}

class KafkajsWire implements Wire {
  versions: BrokerVersions = new Map();
  #closed = false;

  constructor(
    private readonly connection: KafkajsConnection,
    private readonly address: Address,
    private readonly authenticates: boolean,
    private readonly clock: Clock,
  ) {}

  /**
   * False when the SASL session is about to end: the client then opens another connection, which KIP-368 allows.
   * kafkajs cannot authenticate this one again, because it would read the answers of requests in flight as its own.
   */
  get isOpen(): boolean {
    return this.#isConnected && (!this.authenticates || this.connection.isAuthenticated());
  }

  /** Requests the broker's versions (in version 0, which every broker supports) and authenticates. */
  async negotiate(config: ConnectionConfig): Promise<void> {
    const encode = (correlationId: number) => apiVersions.encodeRequest(0, correlationId, config.clientId, {});
    const payload = await this.#exchange(apiVersions, 0, encode, config.requestTimeoutMs);
    const { errorCode, apiKeys } = apiVersions.decodeResponse(0, new ByteReader(payload));
    if (errorCode !== 0) throw new KafkaError(errorCode, `Asking ${this.#name} for its versions`);
    this.versions = new Map(apiKeys.map((each) => [each.apiKey, [each.minVersion, each.maxVersion]]));
    this.connection.setVersions(Object.fromEntries(apiKeys.map((each) => [each.apiKey, each])));
    this.connection.setSupportAuthenticationProtocol(this.versions.has(SASL_AUTHENTICATE_KEY));
    if (this.authenticates) await this.#authenticate();
  }

  /** kafkajs reports every failure as refused credentials, even a lost connection; this throws the original error. */
  async #authenticate(): Promise<void> {
    const { connection } = this;
    let failure: unknown;
    const noting = (send: SendSasl): SendSasl => {
      return async (request) => {
        try {
          return await send.call(connection, request);
        } catch (error) {
          failure = error;
          throw error;
        }
      };
    };
    connection.send = noting(connection.send);
    connection.sendAuthRequest = noting(connection.sendAuthRequest);
    try {
      await connection.authenticate();
    } catch (error) {
      throw failure ?? error;
    }
  }

  async exchange(
    api: ApiInfo,
    version: number,
    encode: (correlationId: number) => Buffer[],
    timeoutMs: number,
  ): Promise<Buffer> {
    try {
      return await this.#exchange(api, version, encode, timeoutMs);
    } catch (cause) {
      const error = asKafkaError(cause, `${api.name} to ${this.#name}`);
      if (KafkaError.is(error, "REQUEST_TIMED_OUT")) this.close();
      throw error;
    }
  }

  /** Bypasses the queue of kafkajs, which considers a request sent while its bytes still wait in the socket. */
  post(api: ApiInfo, encode: (correlationId: number) => Buffer[]): Promise<void> {
    const { connection } = this;
    const context = `${api.name} to ${this.#name}`;
    return new Promise((resolve, reject) => {
      const { socket } = connection;
      if (!this.#isConnected || !socket) {
        reject(new KafkaError("NETWORK_EXCEPTION", `The connection to ${this.#name} is closed`));
        return;
      }
      const written = (cause?: Error | null) => {
        if (cause) reject(asKafkaError(cause, context));
        // Node reports no error for a write that was under way when its socket was destroyed.
        else if (socket.destroyed) reject(new KafkaError("NETWORK_EXCEPTION", context, { detail: "it was closed" }));
        else resolve();
      };
      const chunks = encode(connection.nextCorrelationId());
      const last = chunks.pop()!;
      socket.cork();
      for (const chunk of chunks) socket.write(chunk);
      socket.write(last, written);
      socket.uncork();
    });
  }

  async retire(): Promise<void> {
    await this.connection.disconnect();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const { connection } = this;
    // An error has a stack, which costs a worker that stops a thousand tasks more than the rest of a close.
    const { inflight, pending } = connection.requestQueue;
    if (inflight.size + pending.length > 0)
      connection.rejectRequests(new KafkaError("NETWORK_EXCEPTION", `The connection to ${this.#name} was closed`));
    connection.socket?.destroy();
    // Ends its timers. With no request in flight and the socket gone, this only clears state.
    void connection.disconnect();
  }

  get #isConnected(): boolean {
    return !this.#closed && this.connection.isConnected();
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  async #exchange(
    api: ApiInfo,
    apiVersion: number,
    encode: (correlationId: number) => Buffer[],
    requestTimeout: number,
  ): Promise<Buffer> {
    const { connection, clock } = this;
    let timer: Timer | undefined;
    const answered = new Promise<Exchanged>((resolve, reject) => {
      const { socket } = connection;
      if (!this.#isConnected || !socket) {
        reject(new KafkaError("NETWORK_EXCEPTION", `The connection to ${this.#name} is closed`));
        return;
      }
      const correlationId = connection.nextCorrelationId();
      const chunks = encode(correlationId);
      const sendRequest = () => {
        socket.cork();
        for (const chunk of chunks) socket.write(chunk);
        socket.uncork();
      };
      const entry = { apiKey: api.key, apiName: api.name, apiVersion, correlationId, resolve, reject };
      timer = clock.schedule(requestTimeout, () => {
        reject(new KafkaError("REQUEST_TIMED_OUT", `${api.name} to ${this.#name}`));
      });
      connection.requestQueue.push({ entry, expectResponse: true, requestTimeout, sendRequest });
    });
    try {
      return (await answered).payload;
    } finally {
      timer?.cancel();
    }
  }
}

/** Bypasses the framing of kafkajs: each chunk from our socket is one whole answer. */
function takeWholeAnswers(connection: KafkajsConnection): void {
  const authenticating = connection.processData.bind(connection);
  connection.processData = (frame) => {
    if (connection.authHandlers) {
      authenticating(frame);
      return;
    }
    if (frame.length < ANSWER_HEAD_BYTES) {
      connection.socket?.destroy(
        new Error(`it sent an answer of ${frame.length} bytes, which is not Kafka's protocol`),
      );
      return;
    }
    connection.requestQueue.fulfillRequest({
      size: frame.length,
      correlationId: frame.readInt32BE(4),
      payload: frame.subarray(ANSWER_HEAD_BYTES),
    });
  };
}

function asKafkaError(cause: unknown, context: string): KafkaError {
  if (cause instanceof KafkaError) return cause;
  const { name, message } = cause instanceof Error ? cause : { name: "", message: String(cause) };
  const detail = message.replace(/^Connection error: /, "");
  if (name === "KafkaJSProtocolError") {
    return new KafkaError((cause as { readonly code: number } & Error).code, context, { cause, detail });
  }
  if (name === "KafkaJSRequestTimeoutError") return new KafkaError("REQUEST_TIMED_OUT", context, { cause });
  if (name === "KafkaJSSASLAuthenticationError") {
    return new KafkaError("SASL_AUTHENTICATION_FAILED", context, { cause, detail });
  }
  return new KafkaError("NETWORK_EXCEPTION", context, { cause, detail });
}

/** We report errors of kafkajs ourselves, with context; its own lines are logged at trace level only. */
function kafkajsLogger(logger: Logger): unknown {
  const line = (message: string) => logger.trace(`kafkajs: ${message}`);
  const levels = { info: line, error: line, warn: line, debug: line };
  const namespaced = { ...levels, namespace: () => namespaced, setLogLevel: () => undefined };
  return namespaced;
}
