import type { Clock } from "../../api/clock.js";
import type { Logger } from "../../api/logger.js";
import type { Random } from "../../api/random.js";
import type { Api } from "../../protocol/api.js";
import { findCoordinator } from "../../protocol/apis/find-coordinator.js";
import { metadata } from "../../protocol/apis/metadata.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { Fields, InputOf, OutputOf } from "../../protocol/message-fields.js";
import type { OnConnectivity } from "../client/client-options.js";
import type { PartitionDescription, TopicDescription } from "../client/kafka-admin.js";
import { ClientClosedError } from "../client-closed-error.js";
import { ClientMeter } from "../client-meter.js";
import type { Address, ConnectionConfig } from "../client-properties.js";
import { BrokerConnection, type SendOptions } from "../transport/broker-connection.js";
import type { Transport } from "../transport/transport.js";
import { Connectivity } from "./connectivity.js";

/** A topic in a metadata response: its description, or its error. */
export type TopicMetadata =
  | { readonly topic: TopicDescription; readonly error?: undefined }
  | { readonly topic?: undefined; readonly error: KafkaError };

/** The parts shared by a client, its producers, consumers and members. */
export interface ClusterOptions {
  readonly config: ConnectionConfig;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly onConnectivity?: OnConnectivity | undefined;
}

/**
 * The client's view of the cluster: its brokers, and the leaders of the topics in use. It never refreshes by itself: a
 * user whose request fails, and who may have asked the wrong broker, calls `refresh` and retries.
 */
export class Cluster {
  readonly config: ConnectionConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: ClientMeter;
  readonly #transport: Transport;
  readonly #connectivity: Connectivity;
  readonly #brokers = new Map<number, Address>();
  readonly #topics = new Map<string, TopicMetadata>();
  /** Topics in use: the number of users, and of those for which a metadata request may create the topic. */
  readonly #tracked = new Map<string, { users: number; creating: number }>();
  readonly #lanes = new Set<Lane>();
  /** For metadata and administration. */
  readonly control: Lane;
  #refreshing: Promise<void> | undefined;
  #refreshedAtMs = Number.NEGATIVE_INFINITY;
  #clusterId: string | null = null;
  #controllerId = -1;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.config = options.config;
    this.clock = options.clock;
    this.random = options.random;
    this.logger = options.logger;
    this.meter = new ClientMeter(options.config.clientId, options.clock);
    this.#transport = options.transport;
    this.#connectivity = new Connectivity(options.onConnectivity);
    this.control = this.lane();
  }

  /**
   * Creates the connections of one user. Requests of different lanes never wait for each other.
   * @param end called when the client closes before the lane, to end the lane's user.
   * @throws ClientClosedError when the client was closed: the lane would never be closed.
   */
  lane(end?: () => void): Lane {
    if (this.#closed) throw new ClientClosedError("The client");
    const lane = new Lane(this, this.#transport, end, () => this.#lanes.delete(lane));
    this.#lanes.add(lane);
    return lane;
  }

  get clusterId(): string | null {
    return this.#clusterId;
  }

  get controllerId(): number {
    return this.#controllerId;
  }

  /** Ids of all brokers. */
  nodeIds(): number[] {
    return [...this.#brokers.keys()];
  }

  addressOf(nodeId: number): Address | undefined {
    return this.#brokers.get(nodeId);
  }

  /** A tracked topic as of the last refresh; undefined before the first. */
  topic(name: string): TopicMetadata | undefined {
    return this.#topics.get(name);
  }

  /** Node id of the partition's leader; undefined while none is known. */
  leaderOf(topic: string, partition: number): number | undefined {
    const leader = this.#topics.get(topic)?.topic?.partitions[partition]?.leader;
    return leader === undefined || leader < 0 || !this.#brokers.has(leader) ? undefined : leader;
  }

  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.topic?.partitions.length;
  }

  /** Includes this topic in `refresh`. `creating`: a broker that creates topics automatically may create it. */
  track(topic: string, creating: boolean): void {
    const entry = this.#tracked.get(topic) ?? { users: 0, creating: 0 };
    entry.users++;
    if (creating) entry.creating++;
    this.#tracked.set(topic, entry);
  }

  untrack(topic: string, creating: boolean): void {
    const entry = this.#tracked.get(topic);
    if (!entry) return;
    if (creating) entry.creating--;
    if (--entry.users > 0) return;
    this.#tracked.delete(topic);
    this.#topics.delete(topic);
  }

  /** Whether the metadata is older than `metadata.max.age.ms`. */
  get isStale(): boolean {
    return this.clock.monotonicMs() - this.#refreshedAtMs > this.config.metadataMaxAgeMs;
  }

  /** Asks for all tracked topics; concurrent calls share one request. @throws KafkaError when no broker answers. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /**
   * Asks for these topics only (null: all); neither creates nor caches them.
   * @throws KafkaError when no broker answers.
   */
  async describe(names: readonly string[] | null): Promise<Map<string, TopicMetadata>> {
    const answer = await this.#ask(names, false);
    return new Map(answer.topics.map((each) => [each.name ?? "", topicMetadata(each)]));
  }

  /**
   * Sends to any broker that answers: the known ones, then `bootstrap.servers`.
   * @throws KafkaError with each broker's failure.
   */
  sendToAny<Q extends Fields, S extends Fields>(api: Api<Q, S>, request: InputOf<Q>): Promise<OutputOf<S>> {
    return this.control.sendToAny(api, request);
  }

  send<Q extends Fields, S extends Fields>(nodeId: number, api: Api<Q, S>, request: InputOf<Q>): Promise<OutputOf<S>> {
    return this.control.send(nodeId, api, request);
  }

  /**
   * Asks for the node id of the coordinator of a group or transactional id.
   * @throws KafkaError COORDINATOR_NOT_AVAILABLE, or as `sendToAny`.
   */
  async findCoordinator(key: string, of: "group" | "transactional id" = "group"): Promise<number> {
    const answer = await this.sendToAny(findCoordinator, { key, keyType: of === "group" ? 0 : 1 });
    if (answer.errorCode !== 0) {
      throw new KafkaError(answer.errorCode, `Finding the coordinator of ${of} ${key}`);
    }
    this.#brokers.set(answer.nodeId, { host: answer.host, port: answer.port });
    return answer.nodeId;
  }

  /** Ends every user of the cluster and closes all connections at once. */
  close(): void {
    this.#closed = true;
    for (const lane of [...this.#lanes]) lane.end?.();
    for (const lane of [...this.#lanes]) lane.close();
  }

  /** Addresses for a request to any broker: the known brokers in random order, then the rest of `bootstrap.servers`. */
  candidates(): Address[] {
    const known = [...this.#brokers.values()];
    for (let last = known.length - 1; last > 0; last--) {
      const other = this.random.integer(last + 1);
      [known[last], known[other]] = [known[other]!, known[last]!];
    }
    const seen = new Set(known.map(addressText));
    return [...known, ...this.config.bootstrap.filter((each) => !seen.has(addressText(each)))];
  }

  /** Reports to the client's owner whether any broker answers; `reason` undefined: one does. */
  noteReachable(reason: string | undefined): void {
    if (reason === undefined) this.#connectivity.moving();
    else this.#connectivity.waiting(reason);
  }

  async #refresh(): Promise<void> {
    const names = [...this.#tracked.keys()];
    const answer = await this.#ask(names, false);
    for (const each of answer.topics) {
      if (each.name !== null && this.#tracked.has(each.name)) this.#topics.set(each.name, topicMetadata(each));
    }
    this.#refreshedAtMs = this.clock.monotonicMs();
    const toCreate = names.filter((name) => {
      const unknown = KafkaError.is(this.#topics.get(name)?.error, "UNKNOWN_TOPIC_OR_PARTITION");
      return unknown && (this.#tracked.get(name)?.creating ?? 0) > 0;
    });
    if (toCreate.length === 0) return;
    const created = await this.#ask(toCreate, true);
    for (const each of created.topics) {
      if (each.name !== null && this.#tracked.has(each.name)) this.#topics.set(each.name, topicMetadata(each));
    }
  }

  async #ask(
    names: readonly string[] | null,
    creating: boolean,
  ): Promise<OutputOf<(typeof metadata)["responseFields"]>> {
    const answer = await this.sendToAny(metadata, {
      topics: names === null ? null : names.map((name) => ({ name })),
      allowAutoTopicCreation: creating,
    });
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    this.#clusterId = answer.clusterId;
    this.#controllerId = answer.controllerId;
    return answer;
  }
}

type MetadataTopic = OutputOf<(typeof metadata)["responseFields"]>["topics"][number];

function topicMetadata(answer: MetadataTopic): TopicMetadata {
  const name = answer.name ?? "";
  if (answer.errorCode !== ErrorCodes.NONE) return { error: new KafkaError(answer.errorCode, `Topic ${name}`) };
  // Partitions are indexed by id: ids have no gaps once a topic is created.
  const partitions: PartitionDescription[] = answer.partitions
    .map((each) => ({
      partition: each.partitionIndex,
      leader: each.leaderId,
      replicas: each.replicaNodes,
      isr: each.isrNodes,
    }))
    .sort((a, b) => a.partition - b.partition);
  return { topic: { name, internal: answer.isInternal, partitions } };
}

export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The connections of one user (a producer, a consumer, a group member) to the brokers of a cluster. */
export class Lane {
  readonly #connections = new Map<string, BrokerConnection>();
  #closed = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly transport: Transport,
    /** Ends the lane's user. */
    readonly end: (() => void) | undefined,
    private readonly onClose: () => void,
  ) {}

  /**
   * Sends to the broker with this id.
   * @throws KafkaError as BrokerConnection.send; NETWORK_EXCEPTION for an unknown id.
   */
  async send<Q extends Fields, S extends Fields>(
    nodeId: number,
    api: Api<Q, S>,
    request: InputOf<Q>,
    options?: SendOptions,
  ): Promise<OutputOf<S>> {
    const answer = await this.#connectionTo(nodeId, api.name).send(api, request, options);
    this.cluster.noteReachable(undefined);
    return answer;
  }

  /**
   * Sends a request that has no answer.
   * @throws KafkaError as BrokerConnection.post; NETWORK_EXCEPTION for an unknown id.
   */
  async post<Q extends Fields>(nodeId: number, api: Api<Q, Fields>, request: InputOf<Q>): Promise<void> {
    await this.#connectionTo(nodeId, api.name).post(api, request);
    this.cluster.noteReachable(undefined);
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether a request to this broker could be sent without connecting first. */
  isOpen(nodeId: number): boolean {
    const address = this.cluster.addressOf(nodeId);
    return address !== undefined && this.#connections.get(addressText(address))?.isOpen === true;
  }

  /** Sends to any broker, open connections first. */
  async sendToAny<Q extends Fields, S extends Fields>(api: Api<Q, S>, request: InputOf<Q>): Promise<OutputOf<S>> {
    if (this.#closed) throw new ClientClosedError("The client");
    const candidates = this.cluster.candidates();
    const isOpen = (address: Address) => this.#connections.get(addressText(address))?.isOpen === true;
    const failures: string[] = [];
    let last: unknown;
    for (const address of [...candidates.filter(isOpen), ...candidates.filter((each) => !isOpen(each))]) {
      try {
        const answer = await this.#connection(address).send(api, request);
        this.cluster.noteReachable(undefined);
        return answer;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        last = error;
        failures.push(error.reason);
        // Another broker would refuse the same credentials.
        if (KafkaError.is(error, "SASL_AUTHENTICATION_FAILED")) break;
      }
    }
    const servers = this.cluster.config.bootstrap.map(addressText).join(",");
    const code = last instanceof KafkaError ? last.code : "NETWORK_EXCEPTION";
    const detail = `no broker of bootstrap.servers=${servers} answered: ${failures.join("; ")}`;
    this.cluster.noteReachable(`waiting for a broker: ${detail}`);
    throw new KafkaError(code, api.name, { cause: last, detail });
  }

  /**
   * Drops the connection to this broker, which may be dead. Requests in flight fail; the next request opens a new one.
   */
  disconnect(nodeId: number): void {
    const address = this.cluster.addressOf(nodeId);
    if (address) this.#connections.get(addressText(address))?.disconnect();
  }

  /** Closes its connections at once; requests in flight fail. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
    this.onClose();
  }

  #connectionTo(nodeId: number, request: string): BrokerConnection {
    const address = this.cluster.addressOf(nodeId);
    if (address) return this.#connection(address);
    throw new KafkaError("NETWORK_EXCEPTION", request, { detail: `broker ${nodeId} is not known` });
  }

  #connection(address: Address): BrokerConnection {
    if (this.#closed) throw new ClientClosedError("The client");
    const key = addressText(address);
    const existing = this.#connections.get(key);
    if (existing) return existing;
    const { clientId, requestTimeoutMs } = this.cluster.config;
    const connection = new BrokerConnection(address, this.transport, clientId, requestTimeoutMs, this.cluster.meter);
    this.#connections.set(key, connection);
    return connection;
  }
}
