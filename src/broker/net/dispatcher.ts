import { readRequestHeader } from "../../protocol/api.js";
import { apiVersions } from "../../protocol/apis/api-versions.js";
import { produce } from "../../protocol/apis/produce.js";
import { saslAuthenticate } from "../../protocol/apis/sasl-authenticate.js";
import { saslHandshake } from "../../protocol/apis/sasl-handshake.js";
import { ByteReader } from "../../protocol/byte-reader.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { OPEN_ACCESS } from "../access/access.js";
import { type Broker, type Call, CLOSE_CONNECTION, type Handler, type Served } from "../handler.js";
import type { Interceptor } from "../interceptor.js";
import { RequestTime } from "../quotas/request-time.js";
import { takeSaslToken } from "../security/sasl-token.js";
import type { Session } from "../security/session.js";

/** The part of a call that is the same for all requests of a connection. */
export type ConnectionCall = Omit<Call, "apiVersion" | "clientId" | "broker" | "access" | "time">;

/** The largest frame of a request that is not served, and of one that only asks for versions. */
const TINY_FRAME_BYTES = 64 * 1024;
/** The largest frame of a request without records: decoded, it takes many times its size. */
const FRAME_BYTES = 16 * 1024 * 1024;

/** The requests of a client that has not authenticated. */
const BEFORE_LOGIN: ReadonlySet<number> = new Set([apiVersions.key, saslHandshake.key, saslAuthenticate.key]);

/** Finds the handler of each request. */
export class Dispatcher {
  readonly #handlers = new Map<number, Handler>();

  constructor(
    private readonly broker: Broker,
    handlers: readonly Handler[],
    private readonly interceptor: Interceptor | undefined,
  ) {
    for (const handler of handlers) this.#handlers.set(handler.key, handler);
  }

  /** Whether a Produce request has been read when `dispatch` returns; an interceptor may delay it. */
  get readsAtOnce(): boolean {
    return this.interceptor === undefined;
  }

  /** The largest frame of such a request, within socket.request.max.bytes. */
  limitOf(apiKey: number, apiVersion: number, session: Session): number {
    const limit = this.#limitOf(apiKey, apiVersion);
    if (session.principal !== undefined) return limit;
    return Math.min(limit, this.broker.properties.number("sasl.server.max.receive.size"));
  }

  #limitOf(apiKey: number, apiVersion: number): number {
    const handler = this.#handlers.get(apiKey);
    if (!handler || apiKey === apiVersions.key) return TINY_FRAME_BYTES;
    if (apiVersion < handler.versions[0] || apiVersion > handler.versions[1]) return TINY_FRAME_BYTES;
    return apiKey === produce.key ? Number.POSITIVE_INFINITY : FRAME_BYTES;
  }

  /**
   * Serves one frame.
   * @throws MalformedError when it cannot be decoded; the connection is then closed, as in Kafka.
   */
  dispatch(frame: Buffer, connection: ConnectionCall): Served | Promise<Served> {
    const { session } = connection;
    if (session.sasl?.expectsBareToken) return this.#takeBareToken(frame, connection);
    const body = new ByteReader(frame);
    const { apiKey, apiVersion, correlationId, clientId } = readRequestHeader(body);
    const handler = this.#handlers.get(apiKey);
    const served = handler && apiVersion >= handler.versions[0] && apiVersion <= handler.versions[1];
    if (!served) {
      // A newer client asks in its own newest version, and must be able to read the refusal: v0.
      if (apiKey === apiVersions.key && handler) return unsupportedApiVersions(correlationId, handler);
      const { logger } = this.broker;
      logger.warn("Closed a connection that sent an API or version that is not served", {
        apiKey,
        apiVersion,
        client: clientId,
      });
      return CLOSE_CONNECTION;
    }
    if (session.principal === undefined && !BEFORE_LOGIN.has(apiKey)) {
      const { logger } = this.broker;
      const fields = { apiKey, client: connection.clientHost, listener: session.listener };
      if (session.sasl?.isExpired) logger.info("Closed a connection whose session has ended", fields);
      else logger.warn("Closed a connection that sent a request before it had authenticated", fields);
      return CLOSE_CONNECTION;
    }
    const { advertised, clientHost, closed, memory, mute } = connection;
    const { broker } = this;
    const host = clientHost.slice(1);
    const access = broker.authorizer?.accessOf(session, host, handler.name) ?? OPEN_ACCESS;
    const time = broker.quotas.areSet ? new RequestTime(broker.clock) : undefined;
    const client = { clientId, session, access, advertised, clientHost, closed, memory, mute };
    const call: Call = { broker, apiVersion, time, ...client };
    return handler.serve({ apiVersion, correlationId, body }, call, this.interceptor);
  }

  /** A token after SaslHandshake v0 has only its size before it, and so has the reply; a refusal has none. */
  #takeBareToken(token: Buffer, { session, clientHost }: ConnectionCall): Served | Promise<Served> {
    const outcome = takeSaslToken(token, session, clientHost, this.broker);
    const reply = (known: Awaited<typeof outcome>): Served => {
      if (known.kind !== "reply") return CLOSE_CONNECTION;
      const size = Buffer.alloc(4);
      size.writeInt32BE(known.token.length);
      return [size, known.token];
    };
    return outcome instanceof Promise ? outcome.then(reply) : reply(outcome);
  }
}

function unsupportedApiVersions(correlationId: number, { key, advertised }: Handler): Served {
  const [minVersion, maxVersion] = advertised;
  return apiVersions.encodeResponse(0, correlationId, {
    errorCode: ErrorCodes.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: key, minVersion, maxVersion }],
  });
}
