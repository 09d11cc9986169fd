import type { Clock } from "../../../src/api/clock.js";
import { deferred } from "../../../src/base/deferred.js";
import { silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import type { OnConnectivity } from "../../../src/kafka/client/client-options.js";
import type { KafkaClient } from "../../../src/kafka/client/kafka-client.js";
import { type ConnectionConfig, connectionConfig } from "../../../src/kafka/client-properties.js";
import { createClientOver } from "../../../src/kafka/create-kafka-client.js";
import type { Transport, Wire } from "../../../src/kafka/transport/transport.js";
import { type Api, type ApiInfo, readRequestHeader } from "../../../src/protocol/api.js";
import { fetch } from "../../../src/protocol/apis/fetch.js";
import { findCoordinator } from "../../../src/protocol/apis/find-coordinator.js";
import { listOffsets } from "../../../src/protocol/apis/list-offsets.js";
import { metadata } from "../../../src/protocol/apis/metadata.js";
import { produce } from "../../../src/protocol/apis/produce.js";
import { ByteReader } from "../../../src/protocol/byte-reader.js";
import { ErrorCodes, type ErrorName } from "../../../src/protocol/error-codes.js";
import { KafkaError } from "../../../src/protocol/kafka-error.js";
import type { Fields, InputOf, OutputOf } from "../../../src/protocol/message-fields.js";
import { nextOffsetOf, patchBatch, readBatchHeader } from "../../../src/protocol/records/record-batch.js";
import { readRecords } from "../../../src/protocol/records/record-batch-reader.js";

/**
 * The fault of one request: it is lost before it is applied, its answer is lost afterwards, it is answered with an
 * error code for every partition, or its answer waits for a promise.
 */
export type Fault = "drop" | "lose" | ErrorName | Promise<unknown>;

/** A request as it arrived. */
export interface Seen {
  readonly node: number;
  readonly api: string;
  readonly request: unknown;
}

type Handler = (request: never, node: number) => unknown;

/** Brokers in memory: metadata, logs of stored batches, and scripted APIs. Every request can be made to fail. */
export class ScriptedBroker implements Transport {
  readonly seen: Seen[] = [];
  /** Leader by `topic-partition`. */
  readonly leaders = new Map<string, number>();
  readonly topics = new Map<string, number>();
  readonly logs = new Map<string, Buffer[]>();
  /** Nodes that refuse connections. */
  readonly down = new Set<number>();
  /** Nodes whose connections take no bytes of requests without an answer. */
  readonly stalled = new Set<number>();
  /** Topics that exist but are too new to be described. */
  readonly unready = new Set<string>();
  maxMessageBytes = Number.POSITIVE_INFINITY;
  coordinator = 0;
  /** Connections opened so far. */
  connections = 0;
  #appended = deferred();
  readonly #faults = new Map<string, Fault[]>();
  readonly #handlers = new Map<number, { api: Api<Fields, Fields>; handler: Handler }>();
  readonly #wires = new Set<ScriptedWire>();

  constructor(
    readonly clock: Clock,
    readonly nodes = 1,
  ) {
    this.on(metadata, (request) => this.#metadata(request));
    this.on(produce, (request) => this.#produce(request));
    this.on(fetch, (request) => this.#fetch(request));
    this.on(listOffsets, (request) => this.#listOffsets(request));
    this.on(findCoordinator, () => ({
      errorCode: 0,
      nodeId: this.coordinator,
      host: "node",
      port: 1000 + this.coordinator,
    }));
  }

  /** Scripts an API. The handler may return a promise. */
  on<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    handler: (request: OutputOf<Q>, node: number) => InputOf<S> | Promise<InputOf<S>>,
  ): void {
    this.#handlers.set(api.key, { api: api as unknown as Api<Fields, Fields>, handler: handler as unknown as Handler });
  }

  /** The next requests of this API have these faults, in order. */
  fail(api: string, ...faults: Fault[]): void {
    this.#faults.set(api, [...(this.#faults.get(api) ?? []), ...faults]);
  }

  /** Breaks all connections. */
  disconnect(): void {
    for (const wire of this.#wires) wire.close();
  }

  topic(name: string, partitions: number, leader: (partition: number) => number = () => 0): void {
    this.topics.set(name, partitions);
    for (let partition = 0; partition < partitions; partition++)
      this.leaders.set(`${name}-${partition}`, leader(partition));
  }

  /** Appends a batch to a log, or stores it further on to leave a gap. */
  store(topicPartition: string, batch: Buffer, baseOffset = this.end(topicPartition)): void {
    const log = this.logs.get(topicPartition) ?? [];
    const stored = Buffer.from(batch);
    patchBatch(stored, 0, baseOffset, 0);
    log.push(stored);
    this.logs.set(topicPartition, log);
    this.#appended.resolve();
    this.#appended = deferred();
  }

  end(topicPartition: string): number {
    const last = this.logs.get(topicPartition)?.at(-1);
    return last ? nextOffsetOf(readBatchHeader(last)) : 0;
  }

  #start(topicPartition: string): number {
    const first = this.logs.get(topicPartition)?.[0];
    return first ? readBatchHeader(first).baseOffset : 0;
  }

  /** Values in the log, in order. */
  values(topicPartition: string): string[] {
    return this.batches(topicPartition).flat();
  }

  /** Values by batch. */
  batches(topicPartition: string): string[][] {
    return (this.logs.get(topicPartition) ?? []).map((batch) =>
      readRecords(batch).map((each) => each.value?.toString() ?? ""),
    );
  }

  requests<Q extends Fields>(api: Api<Q, Fields>): OutputOf<Q>[] {
    return this.seen.filter((each) => each.api === api.name).map((each) => each.request as OutputOf<Q>);
  }

  connect({ port }: { readonly port: number }): Promise<Wire> {
    const node = port - 1000;
    if (this.down.has(node)) return Promise.reject(new KafkaError("NETWORK_EXCEPTION", `Connecting to node:${port}`));
    const versions = new Map([...this.#handlers].map(([key, { api }]) => [key, api.versions] as const));
    const serve = (api: ApiInfo, version: number, frame: Buffer) => this.#serve(node, api, version, frame);
    const wire = new ScriptedWire(versions, serve, () => this.stalled.has(node));
    this.#wires.add(wire);
    this.connections++;
    return Promise.resolve(wire);
  }

  async #serve(node: number, info: ApiInfo, version: number, frame: Buffer): Promise<Buffer> {
    const { api, handler } = this.#handlers.get(info.key)!;
    const reader = new ByteReader(frame, 4);
    readRequestHeader(reader);
    const request = api.decodeRequest(version, reader);
    this.seen.push({ node, api: api.name, request });
    const fault = this.#faults.get(api.name)?.shift();
    const lost = new KafkaError("NETWORK_EXCEPTION", `${api.name} to node ${node}`);
    if (fault === "drop" || this.down.has(node)) throw lost;
    const isCode = typeof fault === "string" && fault !== "lose";
    if (isCode && (request as { readonly acks?: number }).acks === 0) throw lost;
    const answer = isCode ? refuse(api.name, request, ErrorCodes[fault]) : await handler(request as never, node);
    if (fault === "lose") throw lost;
    if (fault instanceof Promise) await fault;
    return Buffer.concat(api.encodeResponse(version, 0, answer as never)).subarray(8);
  }

  #metadata(request: OutputOf<(typeof metadata)["requestFields"]>): InputOf<(typeof metadata)["responseFields"]> {
    const names = request.topics === null ? [...this.topics.keys()] : request.topics.map((each) => each.name ?? "");
    return {
      brokers: Array.from({ length: this.nodes }, (_, nodeId) => ({ nodeId, host: "node", port: 1000 + nodeId })),
      clusterId: "scripted",
      controllerId: 0,
      topics: names.map((name) => {
        if (this.unready.has(name)) return { errorCode: ErrorCodes.LEADER_NOT_AVAILABLE, name, partitions: [] };
        const count = this.topics.get(name);
        if (count === undefined) return { errorCode: ErrorCodes.UNKNOWN_TOPIC_OR_PARTITION, name, partitions: [] };
        const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: this.leaders.get(`${name}-${partitionIndex}`) ?? -1,
          replicaNodes: [0],
          isrNodes: [0],
        }));
        return { errorCode: 0, name, partitions };
      }),
    };
  }

  #produce({ topicData }: OutputOf<(typeof produce)["requestFields"]>): InputOf<(typeof produce)["responseFields"]> {
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index, records }) => {
        const key = `${name}-${index}`;
        if (records!.length > this.maxMessageBytes) {
          return { index, errorCode: ErrorCodes.MESSAGE_TOO_LARGE, baseOffset: -1 };
        }
        const baseOffset = this.end(key);
        this.store(key, records!);
        return { index, errorCode: 0, baseOffset };
      }),
    }));
    return { responses, throttleTimeMs: 0 };
  }

  async #fetch(request: OutputOf<(typeof fetch)["requestFields"]>): Promise<InputOf<(typeof fetch)["responseFields"]>> {
    const read = () => {
      let bytes = 0;
      const responses = request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, fetchOffset, partitionMaxBytes }) => {
          const key = `${topic}-${partition}`;
          const end = this.end(key);
          if (fetchOffset > end || fetchOffset < this.#start(key))
            return partitionAnswer(partition, ErrorCodes.OFFSET_OUT_OF_RANGE, end, []);
          const records: Buffer[] = [];
          let size = 0;
          for (const batch of this.logs.get(key) ?? []) {
            if (nextOffsetOf(readBatchHeader(batch)) <= fetchOffset) continue;
            if (size > 0 && size + batch.length > partitionMaxBytes) break;
            records.push(batch);
            size += batch.length;
          }
          bytes += size;
          return partitionAnswer(partition, 0, end, records);
        }),
      }));
      const isReady =
        bytes > 0 || responses.some((each) => each.partitions.some((partition) => partition.errorCode !== 0));
      return { isReady, answer: { throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses } };
    };
    const first = read();
    if (first.isReady || request.maxWaitMs === 0) return first.answer;
    await Promise.race([this.#appended.promise, this.clock.delay(request.maxWaitMs)]);
    return read().answer;
  }

  #listOffsets({
    topics,
  }: OutputOf<(typeof listOffsets)["requestFields"]>): InputOf<(typeof listOffsets)["responseFields"]> {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const key = `${name}-${partitionIndex}`;
          return { partitionIndex, errorCode: 0, offset: timestamp === -1 ? this.end(key) : this.#start(key) };
        }),
      })),
    };
  }
}

class ScriptedWire implements Wire {
  isOpen = true;
  readonly #closed = deferred<never>();

  constructor(
    readonly versions: Wire["versions"],
    private readonly serve: (api: ApiInfo, version: number, frame: Buffer) => Promise<Buffer>,
    private readonly isStalled: () => boolean,
  ) {}

  exchange(api: ApiInfo, version: number, encode: (correlationId: number) => Buffer[]): Promise<Buffer> {
    if (!this.isOpen) return this.#closed.promise;
    return Promise.race([this.serve(api, version, Buffer.concat(encode(1))), this.#closed.promise]);
  }

  /** Resolves once the bytes are written. The broker handles them later, and an error closes the connection. */
  post(api: ApiInfo, encode: (correlationId: number) => Buffer[]): Promise<void> {
    if (!this.isOpen || this.isStalled()) return this.#closed.promise;
    const frame = Buffer.concat(encode(1));
    void this.serve(api, frame.readInt16BE(6), frame).catch(() => this.close());
    return Promise.resolve();
  }

  retire(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.isOpen = false;
    this.#closed.reject(new KafkaError("NETWORK_EXCEPTION", "The connection was closed"));
  }
}

function partitionAnswer(partitionIndex: number, errorCode: number, highWatermark: number, records: Buffer[]) {
  return { partitionIndex, errorCode, highWatermark, abortedTransactions: null, records };
}

/** An answer with `errorCode` wherever the API has a place for it. */
function refuse(api: string, request: unknown, errorCode: number): unknown {
  if (api === "Produce") {
    const { topicData } = request as OutputOf<(typeof produce)["requestFields"]>;
    const responses = topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => ({ index, errorCode, baseOffset: -1 })),
    }));
    return { responses, throttleTimeMs: 0 };
  }
  if (api === "Fetch") {
    const { topics } = request as OutputOf<(typeof fetch)["requestFields"]>;
    const responses = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => partitionAnswer(partition, errorCode, -1, [])),
    }));
    return { throttleTimeMs: 0, errorCode: 0, sessionId: 0, responses };
  }
  return { errorCode, nodeId: -1, host: "", port: -1 };
}

function testConfig(properties: Record<string, string> = {}): ConnectionConfig {
  return connectionConfig({ "bootstrap.servers": "node:1000", ...properties });
}

/** A client over a scripted broker. */
export function scriptedClient(
  broker: ScriptedBroker,
  properties: Record<string, string> = {},
  onConnectivity?: OnConnectivity,
): KafkaClient {
  const all = { "bootstrap.servers": "node:1000", ...properties };
  return createClientOver(broker, testConfig(all), {
    properties: all,
    clock: broker.clock,
    random: new SeededRandom(7),
    logger: silentLogger,
    ...(onConnectivity && { onConnectivity }),
  });
}
