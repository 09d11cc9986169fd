import type { ApiInfo } from "../../protocol/api.js";
import type { Address } from "../client-properties.js";

/** The oldest and newest version of each API that a broker supports, by key. */
export type BrokerVersions = ReadonlyMap<number, readonly [number, number]>;

/** One authenticated connection to a broker. Requests are answered in the order sent. */
export interface Wire {
  readonly versions: BrokerVersions;
  /** False once the connection is lost or closed, or its SASL session is about to end. It never opens again. */
  readonly isOpen: boolean;
  /**
   * Sends one request and resolves with its response after the correlation id.
   * @param encode returns the whole frame with this correlation id.
   * @throws KafkaError NETWORK_EXCEPTION when the connection is lost, REQUEST_TIMED_OUT when no answer arrives in time
   *   (the connection is then closed, so that a late answer cannot be matched to another request).
   */
  exchange(
    api: ApiInfo,
    version: number,
    encode: (correlationId: number) => Buffer[],
    timeoutMs: number,
  ): Promise<Buffer>;
  /**
   * Sends one request without an answer (Produce with acks=0); resolves once the operating system has its bytes.
   * @throws KafkaError NETWORK_EXCEPTION when the connection is lost before that.
   */
  post(api: ApiInfo, encode: (correlationId: number) => Buffer[]): Promise<void>;
  /** Waits for the answers in flight, then closes and resolves. */
  retire(): Promise<void>;
  /** Closes at once; requests in flight fail with NETWORK_EXCEPTION. */
  close(): void;
}

/** Opens connections: over kafkajs in production, to a scripted broker in tests. */
export interface Transport {
  /**
   * Connects, requests the broker's versions and authenticates.
   * @throws KafkaError NETWORK_EXCEPTION when there is no answer, SASL_AUTHENTICATION_FAILED when the credentials are
   *   refused.
   */
  connect(address: Address): Promise<Wire>;
}
