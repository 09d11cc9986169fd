import { ByteReader } from "./byte-reader.js";
import { ByteWriter } from "./byte-writer.js";
import { MalformedError } from "./malformed-error.js";
import { defineMessage } from "./message.js";
import type { Fields, InputOf, OutputOf } from "./message-fields.js";

const API_VERSIONS_KEY = 18;

/** The start of a request frame, the same in all header versions. */
export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Empty when the client sent null. */
  readonly clientId: string;
}

/** One API of the Kafka protocol: encodes and decodes its requests and responses in all supported versions. */
export interface Api<Q extends Fields, S extends Fields> {
  readonly key: number;
  /** Kafka's name, as in logs: `OffsetCommit`. */
  readonly name: string;
  /** Oldest and newest supported version. */
  readonly versions: readonly [number, number];
  /** First version with flexible encoding and the newer headers; undefined: none. */
  readonly flexibleFrom: number | undefined;
  readonly requestFields: Q;
  readonly responseFields: S;
  /** A whole request frame with its size. */
  encodeRequest(version: number, correlationId: number, clientId: string | null, request: InputOf<Q>): Buffer[];
  /**
   * Everything after the client id: the tagged section of header v2, if any, and the body. For a transport that writes
   * the rest of the header itself.
   */
  encodeRequestTail(version: number, request: InputOf<Q>): Buffer[];
  /** Reads a request; `reader` is positioned after the client id, as by `readRequestHeader`. @throws MalformedError */
  decodeRequest(version: number, reader: ByteReader): OutputOf<Q>;
  /** A whole response frame with its size. */
  encodeResponse(version: number, correlationId: number, response: InputOf<S>): Buffer[];
  /** Reads a response; `reader` is positioned after the correlation id. @throws MalformedError */
  decodeResponse(version: number, reader: ByteReader): OutputOf<S>;
}

/** An API's key, name and versions, without its messages. */
export type ApiInfo = Pick<Api<Fields, Fields>, "key" | "name" | "versions" | "flexibleFrom">;

/** A decoded request of `A`. */
export type RequestOf<A> = A extends Api<infer Q, Fields> ? OutputOf<Q> : never;
/** A decoded response of `A`. */
export type ResponseOf<A> = A extends Api<Fields, infer S> ? OutputOf<S> : never;
/** A response of `A` to encode: fields with defaults or version ranges may be left out. */
export type ResponseInput<A> = A extends Api<Fields, infer S> ? InputOf<S> : never;

export interface ApiDefinition<Q extends Fields, S extends Fields> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [number, number];
  readonly flexibleFrom?: number;
  readonly request: Q;
  readonly response: S;
}

/** Defines an API. Fields are listed in wire order (Apache Kafka's message definitions). */
export function defineApi<const Q extends Fields, const S extends Fields>(definition: ApiDefinition<Q, S>): Api<Q, S> {
  const { key, name, versions, flexibleFrom } = definition;
  const requests = defineMessage(`${name} request`, versions, flexibleFrom, definition.request);
  const responses = defineMessage(`${name} response`, versions, flexibleFrom, definition.response);
  const isFlexible = (version: number) => flexibleFrom !== undefined && version >= flexibleFrom;
  // A client that sends ApiVersions does not know the broker's versions yet: its response keeps the oldest header.
  const hasTaggedResponseHeader = (version: number) => isFlexible(version) && key !== API_VERSIONS_KEY;
  const writeTail = (version: number, writer: ByteWriter, request: InputOf<Q>) => {
    if (isFlexible(version)) writer.uvarint(0);
    requests.write(version, writer, request);
  };
  return {
    key,
    name,
    versions,
    flexibleFrom,
    requestFields: definition.request,
    responseFields: definition.response,
    encodeRequest(version, correlationId, clientId, request) {
      const writer = new ByteWriter();
      writer.i16(key);
      writer.i16(version);
      writer.i32(correlationId);
      // The client id keeps its 16-bit length in header v2 as well.
      const clientIdBytes = clientId === null ? -1 : Buffer.byteLength(clientId);
      writer.i16(clientIdBytes);
      if (clientId !== null) writer.utf8(clientId, clientIdBytes);
      writeTail(version, writer, request);
      return framed(writer);
    },
    encodeRequestTail(version, request) {
      const writer = new ByteWriter();
      writeTail(version, writer, request);
      return writer.finish();
    },
    decodeRequest(version, reader) {
      if (isFlexible(version)) reader.skipTags();
      return requests.read(version, reader);
    },
    encodeResponse(version, correlationId, response) {
      const writer = new ByteWriter();
      writer.i32(correlationId);
      if (hasTaggedResponseHeader(version)) writer.uvarint(0);
      responses.write(version, writer, response);
      return framed(writer);
    },
    decodeResponse(version, reader) {
      if (hasTaggedResponseHeader(version)) reader.skipTags();
      return responses.read(version, reader);
    },
  };
}

/**
 * Reads key, version, correlation id and client id, and leaves `reader` where `Api.decodeRequest` begins.
 * @throws MalformedError
 */
export function readRequestHeader(reader: ByteReader): RequestHeader {
  const apiKey = reader.i16();
  const apiVersion = reader.i16();
  const correlationId = reader.i32();
  const clientIdBytes = reader.i16();
  if (clientIdBytes < -1) throw new MalformedError(`A client id of length ${clientIdBytes}`);
  const clientId = clientIdBytes < 0 ? "" : reader.string(clientIdBytes);
  return { apiKey, apiVersion, correlationId, clientId };
}

function framed(writer: ByteWriter): Buffer[] {
  const size = Buffer.allocUnsafe(4);
  size.writeInt32BE(writer.length, 0);
  const chunks = writer.finish();
  return [size, ...chunks];
}

/** Reads the correlation id of a response frame (without its size); `reader` is positioned after it. */
export function readCorrelationId(frame: Buffer): { readonly correlationId: number; readonly reader: ByteReader } {
  const reader = new ByteReader(frame);
  return { correlationId: reader.i32(), reader };
}
