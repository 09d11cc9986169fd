import type { Clock } from "../base/clock.js";
import type { DiskSpace } from "../base/files/disk.js";
import type { TakeBuffer } from "../base/files/durable-files.js";
import { InvariantError } from "../base/invariant-error.js";
import type { Logger } from "../base/logger.js";
import type { Api } from "../protocol/api.js";
import type { ByteReader } from "../protocol/byte-reader.js";
import { ErrorCodes, type ErrorName } from "../protocol/error-codes.js";
import type { Fields, InputOf, OutputOf } from "../protocol/message-fields.js";
import type { Access } from "./access/access.js";
import type { Authorizer } from "./access/authorizer.js";
import type { BrokerProperties } from "./broker-properties.js";
import type { FreeSpace } from "./free-space.js";
import type { GroupCoordinator } from "./groups/group-coordinator.js";
import type { Interception, Interceptor } from "./interceptor.js";
import type { BrokerState } from "./metadata/broker-state.js";
import type { ClientQuotas } from "./quotas/client-quotas.js";
import { type RequestTime, timed } from "./quotas/request-time.js";
import type { ListenerCertificates } from "./security/listener-certificates.js";
import type { Session } from "./security/session.js";
import type { TopicRegistry } from "./topics/topic-registry.js";
import type { MarkerWriter } from "./transactions/marker-writer.js";
import type { TransactionCoordinator } from "./transactions/transaction-coordinator.js";

/** An address of a broker. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Key, name and versions of an API, as ApiVersions answers them. */
interface AdvertisedApi {
  readonly key: number;
  readonly name: string;
  readonly advertised: readonly [number, number];
}

/** The broker as its handlers see it. */
export interface Broker {
  readonly nodeId: number;
  readonly topics: TopicRegistry;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  readonly markers: MarkerWriter;
  readonly properties: BrokerProperties;
  readonly state: BrokerState;
  readonly quotas: ClientQuotas;
  readonly certificates: ListenerCertificates;
  readonly freeSpace: FreeSpace;
  /** Looks at the disk of the data folder. */
  readonly diskSpace: () => Promise<DiskSpace>;
  /** undefined: every client may do everything. */
  readonly authorizer: Authorizer | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly apis: readonly AdvertisedApi[];
}

/** The memory for the requests and answers of one connection. */
export interface CallMemory {
  /** Bytes of records that an answer may hold now; 0: none before `room` has resolved. */
  readonly roomBytes: number;
  /** Counts the bytes of an answer from now on, until it is handed over. */
  reserve(bytes: number): void;
  /** Resolves once there is room, or the connection is closed. */
  room(): Promise<void>;
  /**
   * A buffer for records of the answer, with arbitrary content. It is used again once the client has taken the answer, of
   * which it must then be one chunk.
   */
  readonly take: TakeBuffer;
  /** Counts bytes that a handler keeps of its request while it waits, until the returned function is called. */
  hold(bytes: number): () => void;
}

/** The context of one request: its client, its version and the broker that serves it. */
export interface Call {
  readonly broker: Broker;
  readonly apiVersion: number;
  /** Empty when the client sent none. */
  readonly clientId: string;
  /** Address of the client as Java prints it: `/127.0.0.1`. */
  readonly clientHost: string;
  /** The client's user and listener. */
  readonly session: Session;
  /** The client's rights. */
  readonly access: Access;
  /** The broker's address to answer this client with. */
  readonly advertised: Endpoint;
  /** Aborts when the client disconnects or the broker stops; handlers that wait must stop waiting then. */
  readonly closed: AbortSignal;
  readonly memory: CallMemory;
  /** Has the connection serve no further request for so long, once this one is answered. */
  readonly mute: (delayMs: number) => void;
  /** The time that this request takes, measured if any client has a quota. Steps after a wait are run by `timed`. */
  readonly time: RequestTime | undefined;
}

/** Instead of a response: nothing is sent (Produce with acks=0). */
export const NO_RESPONSE = Symbol("no response");
/** Instead of a response: the connection is closed, the only way to report that a produce with acks=0 failed. */
export const CLOSE_CONNECTION = Symbol("close connection");

/** A response after which the connection is closed: `response` as an object, or encoded. */
export class LastAnswer<S> {
  constructor(readonly response: S) {}
}

type Answer<S> = S | LastAnswer<S> | typeof NO_RESPONSE | typeof CLOSE_CONNECTION;

/** The outcome of a request: chunks to send (none for no response), the last ones, or close the connection. */
export type Served = readonly Buffer[] | LastAnswer<readonly Buffer[]> | typeof CLOSE_CONNECTION;

/** A request whose header has been read. */
interface Incoming {
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Positioned after the request header. */
  readonly body: ByteReader;
}

/** One API as the broker serves it. Made by `defineHandler` only. */
export interface Handler extends AdvertisedApi {
  /** Oldest and newest version served. */
  readonly versions: readonly [number, number];
  /**
   * Decodes the request, serves it and encodes the answer. Synchronous where the handler is: a promise per request
   * would slow the fast paths.
   * @throws MalformedError when the bytes are not such a request.
   */
  serve(incoming: Incoming, call: Call, intercept: Interceptor | undefined): Served | Promise<Served>;
}

/** Who may send a request. */
type Authorization<Q> =
  | "anybody"
  /** The handler asks for each resource that the request names, and answers for each. */
  | "by resource"
  /** The error that refuses the whole request, or NONE. */
  | ((request: Q, access: Access) => ErrorName);

interface HandlerDefinition<Q, S> {
  readonly versions: readonly [number, number];
  /** The versions that ApiVersions answers, if they differ from those served. */
  readonly advertised?: readonly [number, number];
  readonly authorize: Authorization<Q>;
  handle(request: Q, call: Call): Answer<S> | Promise<Answer<S>>;
  /**
   * The answer that refuses the whole request with one error code: for clients that may not send it, unexpected failures,
   * and interceptors.
   */
  refuse?(request: Q, errorCode: number, call: Call): S;
}

/** Makes the handler of one API; one file per API. */
export function defineHandler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  definition: HandlerDefinition<OutputOf<Q>, InputOf<S>>,
): Handler {
  const { versions, advertised = versions, authorize } = definition;
  if (typeof authorize === "function" && !definition.refuse) {
    throw new InvariantError(`${api.name} may be refused, and has no answer that is an error as a whole`);
  }
  // Kafka exempts the requests whose answers cannot tell a client to wait.
  const isExempt = !Object.hasOwn(api.responseFields, "throttleTimeMs");
  const encode = (call: Call, correlationId: number, answer: Answer<InputOf<S>>): Served => {
    if (answer === NO_RESPONSE) return [];
    if (answer === CLOSE_CONNECTION) return CLOSE_CONNECTION;
    const { apiVersion, clientId, broker } = call;
    try {
      if (answer instanceof LastAnswer) {
        return new LastAnswer(api.encodeResponse(apiVersion, correlationId, answer.response));
      }
      const response = answer as InputOf<S>;
      const { time } = call;
      if (!time || isExempt) return api.encodeResponse(apiVersion, correlationId, response);
      const told = throttled(response, time, call);
      const encoded = timed(time, () => api.encodeResponse(apiVersion, correlationId, told));
      // Counts for the next request: this one's answer is fixed.
      broker.quotas.recordTime(call.session.user, clientId, time.takeMs());
      return encoded;
    } catch (cause) {
      const fields = { apiVersion, client: clientId };
      broker.logger.error(`Closed a connection: the answer of ${api.name} could not be encoded`, fields, cause);
      return CLOSE_CONNECTION;
    }
  };
  const failed = (cause: unknown, request: OutputOf<Q>, call: Call): Answer<InputOf<S>> => {
    call.broker.logger.error(
      `${api.name} failed unexpectedly`,
      { apiVersion: call.apiVersion, client: call.clientId },
      cause,
    );
    return definition.refuse?.(request, ErrorCodes.UNKNOWN_SERVER_ERROR, call) ?? CLOSE_CONNECTION;
  };
  const handle = (request: OutputOf<Q>, call: Call): Answer<InputOf<S>> | Promise<Answer<InputOf<S>>> => {
    try {
      if (typeof authorize === "function") {
        const error = authorize(request, call.access);
        if (error !== "NONE") return definition.refuse!(request, ErrorCodes[error], call);
      }
      const answer = definition.handle(request, call);
      return answer instanceof Promise ? answer.catch((cause: unknown) => failed(cause, request, call)) : answer;
    } catch (cause) {
      return failed(cause, request, call);
    }
  };
  const obey = async (
    interception: Interception,
    correlationId: number,
    request: OutputOf<Q>,
    call: Call,
  ): Promise<Served> => {
    switch (interception.kind) {
      case "drop":
        if (interception.after) await handle(request, call);
        return CLOSE_CONNECTION;
      case "delay": {
        if (!interception.after) await interception.until;
        const answer = await handle(request, call);
        if (interception.after) await interception.until;
        return encode(call, correlationId, answer);
      }
      case "answer":
        return encode(call, correlationId, interception.response as InputOf<S>);
      case "error":
        if (!definition.refuse) throw new InvariantError(`${api.name} has no answer that is an error as a whole`);
        return encode(call, correlationId, definition.refuse(request, interception.errorCode, call));
    }
  };
  return {
    key: api.key,
    name: api.name,
    versions,
    advertised,
    serve({ apiVersion, correlationId, body }, call, intercept) {
      const { time } = call;
      time?.begin();
      const request = api.decodeRequest(apiVersion, body);
      if (intercept) {
        const { clientId } = call;
        const interception = intercept({ apiKey: api.key, apiName: api.name, apiVersion, clientId, request });
        if (interception) return obey(interception, correlationId, request, call);
      }
      const answer = handle(request, call);
      time?.end();
      // These closures must not capture `body`: a parked request would keep its frame in memory.
      return answer instanceof Promise
        ? answer.then((late) => encode(call, correlationId, late))
        : encode(call, correlationId, answer);
    },
  };
}

/** Counts the time of a request. If its client has passed its quota, its connection is muted, and the answer says so. */
function throttled<A>(answer: A, time: RequestTime, { broker, session, clientId, mute }: Call): A {
  const delayMs = broker.quotas.recordTime(session.user, clientId, time.takeMs());
  if (delayMs === 0) return answer;
  mute(delayMs);
  const { throttleTimeMs = 0 } = answer as { readonly throttleTimeMs?: number };
  return { ...answer, throttleTimeMs: Math.max(throttleTimeMs, delayMs) };
}
