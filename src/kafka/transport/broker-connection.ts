import type { Api } from "../../protocol/api.js";
import { ByteReader } from "../../protocol/byte-reader.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import { MalformedError } from "../../protocol/malformed-error.js";
import type { Fields, InputOf, OutputOf } from "../../protocol/message-fields.js";
import type { ClientMeter } from "../client-meter.js";
import type { Address } from "../client-properties.js";
import type { BrokerVersions, Transport, Wire } from "./transport.js";

/**
 * The newest version that the client uses, where the codec knows newer ones: those name topics by id, ask for several
 * groups at once, or let the coordinator skip assignments. This client needs none of that.
 */
const NEWEST_SPOKEN: ReadonlyMap<number, number> = new Map([
  [0, 11], // Produce
  [1, 12], // Fetch
  [2, 7], // ListOffsets
  [3, 12], // Metadata
  [8, 8], // OffsetCommit
  [9, 7], // OffsetFetch
  [10, 3], // FindCoordinator
  [11, 5], // JoinGroup
  [14, 4], // SyncGroup
  [26, 4], // EndTxn
]);

export interface SendOptions {
  /** Added to `request.timeout.ms` for requests that the broker holds: a parked join, a long poll. */
  readonly extraTimeoutMs?: number;
}

/**
 * A connection to one address, opened on demand and again after it was lost. Requests are sent in the order of `send`.
 * Each fails on its own, and none is sent twice.
 */
export class BrokerConnection {
  #wire: Wire | undefined;
  #opening: Promise<Wire> | undefined;
  /** Replaced wires that wait for their last answers. */
  readonly #retiring = new Set<Wire>();
  #closed = false;

  constructor(
    readonly address: Address,
    private readonly transport: Transport,
    private readonly clientId: string,
    private readonly requestTimeoutMs: number,
    private readonly meter: ClientMeter,
  ) {}

  /** Whether a request could be sent without connecting first. */
  get isOpen(): boolean {
    return this.#wire?.isOpen ?? false;
  }

  /**
   * Sends a request in the newest version that both sides support.
   * @throws KafkaError NETWORK_EXCEPTION, REQUEST_TIMED_OUT, SASL_AUTHENTICATION_FAILED, UNSUPPORTED_VERSION. The
   *   caller checks the error codes inside the response.
   */
  async send<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    request: InputOf<Q>,
    options: SendOptions = {},
  ): Promise<OutputOf<S>> {
    const { wire, version, encode } = await this.#prepare(api, request);
    let sentMs = 0;
    const counted = (correlationId: number) => {
      const parts = encode(correlationId);
      sentMs = this.meter.sent(parts);
      return parts;
    };
    const payload = await wire.exchange(api, version, counted, this.requestTimeoutMs + (options.extraTimeoutMs ?? 0));
    this.meter.answered(api.key, sentMs, payload.length);
    try {
      return api.decodeResponse(version, new ByteReader(payload));
    } catch (cause) {
      if (!(cause instanceof MalformedError)) throw cause;
      wire.close();
      throw new KafkaError("NETWORK_EXCEPTION", `${api.name} to ${this.#name}`, {
        cause,
        detail: `the broker's answer cannot be read: ${cause.message}`,
      });
    }
  }

  /**
   * Sends a request without an answer; resolves once the operating system has its bytes.
   * @throws KafkaError as `send`, except REQUEST_TIMED_OUT.
   */
  async post<Q extends Fields>(api: Api<Q, Fields>, request: InputOf<Q>): Promise<void> {
    const { wire, encode } = await this.#prepare(api, request);
    await wire.post(api, (correlationId) => {
      const parts = encode(correlationId);
      this.meter.sent(parts);
      return parts;
    });
  }

  /** Closes the open wire: requests in flight fail, and the next one connects again. */
  disconnect(): void {
    this.#wire?.close();
  }

  /** Closes at once; requests in flight and later ones fail. */
  close(): void {
    this.#closed = true;
    this.#wire?.close();
    for (const wire of this.#retiring) wire.close();
  }

  async #prepare<Q extends Fields, S extends Fields>(api: Api<Q, S>, request: InputOf<Q>) {
    const open = this.#wire;
    const wire = open?.isOpen ? open : await this.#open();
    const version = chooseVersion(api, wire.versions, this.#name);
    const encode = (correlationId: number) => api.encodeRequest(version, correlationId, this.clientId, request);
    return { wire, version, encode };
  }

  #open(): Promise<Wire> {
    if (this.#closed) {
      return Promise.reject(new KafkaError("NETWORK_EXCEPTION", `The connection to ${this.#name} was closed`));
    }
    this.#opening ??= this.#connect().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #connect(): Promise<Wire> {
    const wire = await this.transport.connect(this.address);
    if (this.#closed) {
      wire.close();
      throw new KafkaError("NETWORK_EXCEPTION", `The connection to ${this.#name} was closed`);
    }
    this.#retire(this.#wire);
    this.#wire = wire;
    return wire;
  }

  #retire(wire: Wire | undefined): void {
    if (!wire) return;
    this.#retiring.add(wire);
    void wire.retire().finally(() => this.#retiring.delete(wire));
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`;
  }
}

function chooseVersion(
  api: Pick<Api<Fields, Fields>, "key" | "name" | "versions">,
  broker: BrokerVersions,
  name: string,
): number {
  const range = broker.get(api.key);
  const ours = [api.versions[0], Math.min(api.versions[1], NEWEST_SPOKEN.get(api.key) ?? api.versions[1])] as const;
  const version = range === undefined ? -1 : Math.min(range[1], ours[1]);
  if (range === undefined || version < Math.max(range[0], ours[0])) {
    throw new KafkaError("UNSUPPORTED_VERSION", `${api.name} to ${name}`, {
      detail: range
        ? `the broker supports versions ${range[0]} to ${range[1]}, this client ${ours[0]} to ${ours[1]}`
        : "the broker does not offer this API",
    });
  }
  return version;
}
