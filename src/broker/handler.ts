import type { Clock } from "../base/clock.js";
import { InvariantError } from "../base/invariant-error.js";
import type { Logger } from "../base/logger.js";
import type { Api } from "../protocol/api.js";
import type { ByteReader } from "../protocol/byte-reader.js";
import type { Fields, InputOf, OutputOf } from "../protocol/message-fields.js";
import type { BrokerProperties } from "./broker-properties.js";
import type { BrokerState } from "./broker-state.js";
import type { GroupCoordinator } from "./groups/group-coordinator.js";
import type { Interception, Interceptor } from "./interceptor.js";
import type { TopicRegistry } from "./topics/topic-registry.js";

/** Where clients reach a broker. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Key, name and versions of an API as ApiVersions tells them. */
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
  readonly properties: BrokerProperties;
  readonly state: BrokerState;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly apis: readonly AdvertisedApi[];
}

/** One request on its way: who asks, how, and of which broker. */
export interface Call {
  readonly broker: Broker;
  readonly apiVersion: number;
  /** Empty when the client sent none. */
  readonly clientId: string;
  /** Address of the client as Java prints it: `/127.0.0.1`. */
  readonly clientHost: string;
  /** What to tell this client of where the broker is. */
  readonly advertised: Endpoint;
  /** Aborts when the client is gone or the broker stops: whoever waits for something gives up. */
  readonly closed: AbortSignal;
}

/** Instead of a response: nothing is sent (Produce with acks=0). */
export const NO_RESPONSE = Symbol("no response");
/** Instead of a response: the connection is closed, which is the only way to tell a failed acks=0 produce. */
export const CLOSE_CONNECTION = Symbol("close connection");

type Answer<S> = S | typeof NO_RESPONSE | typeof CLOSE_CONNECTION;

/** What is left to do once a request was served: chunks to send (none for no response), or close. */
export type Served = readonly Buffer[] | typeof CLOSE_CONNECTION;

/** A request's place on the wire. */
interface Incoming {
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Behind the client id. */
  readonly body: ByteReader;
}

/** One API as the broker serves it. Made by `defineHandler` only. */
export interface Handler extends AdvertisedApi {
  /** Oldest and newest version that is served. */
  readonly versions: readonly [number, number];
  /**
   * Decodes, serves and encodes. Answers at once where the handler does: a promise per request would cost the
   * fast paths.
   * @throws MalformedError for bytes that are no such request.
   */
  serve(incoming: Incoming, call: Call, intercept: Interceptor | undefined): Served | Promise<Served>;
}

interface HandlerDefinition<Q, S> {
  readonly versions: readonly [number, number];
  /** What ApiVersions tells, if it differs from what is served. */
  readonly advertised?: readonly [number, number];
  handle(request: Q, call: Call): Answer<S> | Promise<Answer<S>>;
  /** The answer that refuses everything asked with one error code: for failures nobody foresaw, and for interceptors. */
  refuse?(request: Q, errorCode: number, call: Call): S;
}

/** Describes how an API is served; one file per API. */
export function defineHandler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  definition: HandlerDefinition<OutputOf<Q>, InputOf<S>>,
): Handler {
  const { versions, advertised = versions } = definition;
  const encode = (
    { apiVersion, clientId, broker }: Call,
    correlationId: number,
    answer: Answer<InputOf<S>>,
  ): Served => {
    if (answer === NO_RESPONSE) return [];
    if (answer === CLOSE_CONNECTION) return CLOSE_CONNECTION;
    try {
      return api.encodeResponse(apiVersion, correlationId, answer as InputOf<S>);
    } catch (cause) {
      const fields = { apiVersion, client: clientId };
      broker.logger.error(`Closed a connection: the answer of ${api.name} cannot be written`, fields, cause);
      return CLOSE_CONNECTION;
    }
  };
  const failed = (cause: unknown, request: OutputOf<Q>, call: Call): Answer<InputOf<S>> => {
    call.broker.logger.error(
      `${api.name} failed unexpectedly`,
      { apiVersion: call.apiVersion, client: call.clientId },
      cause,
    );
    return definition.refuse?.(request, UNKNOWN_SERVER_ERROR, call) ?? CLOSE_CONNECTION;
  };
  const handle = (request: OutputOf<Q>, call: Call): Answer<InputOf<S>> | Promise<Answer<InputOf<S>>> => {
    try {
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
        if (!definition.refuse) throw new InvariantError(`${api.name} has no answer that is all error`);
        return encode(call, correlationId, definition.refuse(request, interception.errorCode, call));
    }
  };
  return {
    key: api.key,
    name: api.name,
    versions,
    advertised,
    serve({ apiVersion, correlationId, body }, call, intercept) {
      const request = api.decodeRequest(apiVersion, body);
      if (intercept) {
        const { clientId } = call;
        const interception = intercept({ apiKey: api.key, apiName: api.name, apiVersion, clientId, request });
        if (interception) return obey(interception, correlationId, request, call);
      }
      const answer = handle(request, call);
      // Not `body`: a request that waits for its answer must not keep its frame in memory meanwhile.
      return answer instanceof Promise
        ? answer.then((late) => encode(call, correlationId, late))
        : encode(call, correlationId, answer);
    },
  };
}

const UNKNOWN_SERVER_ERROR = -1;
