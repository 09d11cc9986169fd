import type { ApiInfo } from "../../protocol/api.js";
import type { Address } from "../client-properties.js";

/** Oldest and newest version of each API a broker speaks, by key. */
export type BrokerVersions = ReadonlyMap<number, readonly [number, number]>;

/** One authenticated connection to a broker. Requests are answered in the order sent. */
export interface Wire {
  readonly versions: BrokerVersions;
  /** False once the connection is lost or closed, or its SASL session about to end; it is not opened again. */
  readonly isOpen: boolean;
  /**
   * Sends one request and resolves with its response, behind the correlation id.
   * @param encode gives the whole frame for the correlation id it is told.
   * @throws KafkaError NETWORK_EXCEPTION when the connection is lost, REQUEST_TIMED_OUT when no answer came in time
   *   (the connection is closed then: its late answer must not be taken for another's).
   */
  exchange(
    api: ApiInfo,
    version: number,
    encode: (correlationId: number) => Buffer[],
    timeoutMs: number,
  ): Promise<Buffer>;
  /**
   * Sends one request that has no answer (Produce with acks=0); resolves once the operating system has its bytes.
   * @throws KafkaError NETWORK_EXCEPTION when the connection is lost before that.
   */
  post(api: ApiInfo, encode: (correlationId: number) => Buffer[]): Promise<void>;
  /** Closes once what is in flight has been answered, and resolves then. */
  retire(): Promise<void>;
  /** Closes at once; requests in flight fail with NETWORK_EXCEPTION. */
  close(): void;
}

/** Opens connections: kafkajs's in production, a scripted broker's in tests. */
export interface Transport {
  /**
   * Connects, asks for versions and authenticates.
   * @throws KafkaError NETWORK_EXCEPTION when nobody answers, SASL_AUTHENTICATION_FAILED when the credentials are refused.
   */
  connect(address: Address): Promise<Wire>;
}
