import type { Timer } from "../../api/clock.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { produce } from "../../protocol/apis/produce.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { InputOf, OutputOf } from "../../protocol/message-fields.js";
import type { OnConnectivity } from "../client/client-options.js";
import type { Producer, ProducerListener, ProducerRecord, RecordMetadata } from "../client/producer.js";
import type { ProducerConfig } from "../client-properties.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { Connectivity, reasonOf } from "../cluster/connectivity.js";
import { MetadataRefresher, type MetadataUser, REPORT_AFTER_FAILURES } from "../cluster/metadata-refresher.js";
import { backoffMs, isRetriable } from "../cluster/retry.js";
import type { BatchAuthor } from "./batch-author.js";
import { judgeHead, type PartitionQueue } from "./partition-queue.js";
import { judgeProduce } from "./produce-verdict.js";
import type { ProducerBatch } from "./producer-batch.js";
import { RecordAccumulator } from "./record-accumulator.js";
import { SendSlot, SendTicket } from "./send-ticket.js";

type Queue<T> = PartitionQueue<T | SendSlot>;
type Batch<T> = ProducerBatch<T | SendSlot>;

/** A batch and the queue whose head it is. */
interface Outgoing<T> {
  readonly queue: Queue<T>;
  readonly batch: Batch<T>;
}

/** The next request to one broker. */
interface PlannedRequest<T> {
  bytes: number;
  readonly outgoing: Outgoing<T>[];
}

type ProduceRequest = InputOf<(typeof produce)["requestFields"]>;
type ProduceAnswer = OutputOf<(typeof produce)["responseFields"]>;
type PartitionAnswer = ProduceAnswer["responses"][number]["partitionResponses"][number];

/**
 * A producer with one loop, which runs after every change. It sends one request to each broker that has none in
 * flight, with the first batch of each partition that the broker leads. Batches grow while they wait, so they get
 * larger under load.
 */
export class BatchingProducer<T> implements Producer<T> {
  readonly #records: RecordAccumulator<T>;
  readonly #lane: Lane;
  readonly #connectivity: Connectivity;
  readonly #metadata: MetadataRefresher;
  readonly #busyNodes = new Set<number>();
  readonly #flushes: { readonly sequence: number; readonly done: Deferred<void> }[] = [];
  #drained: Deferred<void> | undefined;
  #pumpQueued = false;
  #timer: Timer | undefined;
  #timerAtMs = Number.POSITIVE_INFINITY;
  #closing = false;
  #closed = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly config: ProducerConfig,
    listener: ProducerListener<T>,
    onConnectivity: OnConnectivity | undefined,
    /** Whose batches they are; undefined: nobody's, and a retry may write one twice. */
    private readonly author?: BatchAuthor,
  ) {
    this.#records = new RecordAccumulator<T>(cluster, config, listener, (error, count) => {
      cluster.meter.recordsFailed += count;
      author?.fail(error);
    });
    this.#lane = cluster.lane(() => this.#end());
    this.#connectivity = new Connectivity(onConnectivity);
    this.#metadata = new MetadataRefresher(cluster, this.#connectivity, this.#metadataUser());
  }

  get bufferedBytes(): number {
    return this.#records.bufferedBytes;
  }

  get full(): boolean {
    return this.#records.bufferedBytes >= this.config.bufferBytes;
  }

  append(record: ProducerRecord, token: T): void {
    this.#records.append(record, token);
    this.#afterAppend();
  }

  drained(): Promise<void> {
    if (!this.full || this.#closed) return Promise.resolve();
    this.#drained ??= deferred();
    this.wake();
    return this.#drained.promise;
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const done = deferred();
    this.#flushes.push({ sequence: this.#records.nextSequence, done });
    this.wake();
    return done.promise;
  }

  send(records: readonly ProducerRecord[]): Promise<RecordMetadata[]> {
    const ticket = new SendTicket(records.length);
    records.forEach((record, index) => {
      this.#records.append(record, new SendSlot(ticket, index));
    });
    this.#afterAppend();
    return ticket.promise;
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#closed) return;
    this.#closing = true;
    this.#records.beginClose();
    if (timeoutMs > 0 && this.#records.firstUnsettled() < Number.POSITIVE_INFINITY) {
      const expired = new AbortController();
      await Promise.race([this.flush(), this.cluster.clock.delay(timeoutMs, expired.signal)]);
      expired.abort();
    }
    this.#end();
  }

  // --- the loop ---

  #afterAppend(): void {
    if (this.#closed) this.#records.failRefused();
    else this.wake();
  }

  /** Runs the loop after the current code, so that records appended together are sent together. */
  wake(): void {
    if (this.#pumpQueued) return;
    this.#pumpQueued = true;
    queueMicrotask(() => {
      this.#pumpQueued = false;
      if (!this.#closed) this.#pump();
    });
  }

  #pump(): void {
    this.#records.failRefused();
    this.#records.placeHeldBack();
    if (this.cluster.isStale && this.#records.isUsed) this.#metadata.refresh();
    const failure = this.author?.failure;
    if (failure) this.#records.failAll(failure);
    const nowMs = this.cluster.clock.monotonicMs();
    this.#failExpired(nowMs);
    const requests = new Map<number, PlannedRequest<T>>();
    let waitMs = Number.POSITIVE_INFINITY;
    for (const queue of this.#records.waiting) {
      if (!queue.inFlight) waitMs = Math.min(waitMs, this.#plan(queue, nowMs, requests));
    }
    for (const [leader, { outgoing }] of requests) {
      mustRun("A request of the producer", this.#sendRequest(leader, outgoing));
    }
    if (this.#records.unplaced.size > 0) this.#metadata.refresh();
    this.#schedule(Math.min(waitMs, this.#records.oldestIdleAtMs() + this.config.deliveryTimeoutMs - nowMs));
    this.#settleWaiters();
  }

  /**
   * Adds the head of `queue` to its leader's next request if it is due. Returns its remaining wait in ms, or Infinity.
   */
  #plan(queue: Queue<T>, nowMs: number, requests: Map<number, PlannedRequest<T>>): number {
    const head = queue.batches[0]!;
    const verdict = judgeHead({
      nowMs,
      ageMs: nowMs - head.createdAtMs,
      retryAtMs: queue.retryAtMs,
      isComplete: !head.isOpen || queue.batches.length > 1 || head.sizeBytes >= queue.batchLimit,
      isUrgent: this.#flushes.length > 0 || this.full || this.#closing,
      lingerMs: this.config.lingerMs,
    });
    if (verdict.kind === "wait") return verdict.forMs;
    const leader = this.cluster.leaderOf(queue.topic, queue.partition);
    if (leader === undefined) this.#awaitLeader(queue);
    if (leader === undefined || this.#busyNodes.has(leader)) return Number.POSITIVE_INFINITY;
    if (this.author?.admits(queue.topic, queue.partition) === false) return Number.POSITIVE_INFINITY;
    const request = requests.get(leader) ?? { bytes: 0, outgoing: [] };
    requests.set(leader, request);
    const fits = request.outgoing.length === 0 || request.bytes + head.sizeBytes <= this.config.maxRequestBytes;
    if (fits) {
      request.bytes += head.sizeBytes;
      request.outgoing.push({ queue, batch: head });
    }
    return Number.POSITIVE_INFINITY;
  }

  #schedule(waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(1, waitMs);
    const atMs = this.cluster.clock.monotonicMs() + delayMs;
    if (atMs >= this.#timerAtMs) return;
    this.#timer?.cancel();
    this.#timerAtMs = atMs;
    this.#timer = this.cluster.clock.schedule(delayMs, () => {
      this.#timerAtMs = Number.POSITIVE_INFINITY;
      this.wake();
    });
  }

  #settleWaiters(): void {
    if (this.#drained && !this.full) {
      this.#drained.resolve();
      this.#drained = undefined;
    }
    if (this.#flushes.length === 0) return;
    const first = this.#records.firstUnsettled();
    while (this.#flushes.length > 0 && this.#flushes[0]!.sequence <= first) this.#flushes.shift()!.done.resolve();
  }

  // --- requests ---

  async #sendRequest(leader: number, outgoing: readonly Outgoing<T>[]): Promise<void> {
    this.#busyNodes.add(leader);
    const topics = new Map<string, { index: number; records: Buffer }[]>();
    for (const { queue, batch } of outgoing) {
      queue.inFlight = true;
      this.#records.rotate(queue);
      batch.attempts++;
      this.cluster.meter.recordsSent += batch.count;
      const partitions = topics.get(queue.topic) ?? [];
      partitions.push({ index: queue.partition, records: this.#sealed(queue, batch) });
      topics.set(queue.topic, partitions);
    }
    const topicData = [...topics].map(([name, partitionData]) => ({ name, partitionData }));
    const { acks } = this.config;
    const transactionalId = this.author?.transactionalId ?? null;
    const request = { transactionalId, acks, timeoutMs: this.cluster.config.requestTimeoutMs, topicData };
    try {
      if (acks === 0) await this.#post(leader, request, outgoing);
      else {
        const answer = await this.#lane.send(leader, produce, request);
        if (!this.#closed) this.#takeAnswer(outgoing, answer);
      }
    } catch (error) {
      if (!this.#closed) this.#takeFailure(outgoing, error);
    }
    this.#busyNodes.delete(leader);
    this.wake();
  }

  #sealed({ topic, partition }: Queue<T>, batch: Batch<T>): Buffer {
    const { author } = this;
    return batch.seal(this.config.compression, author && (() => author.stamp(topic, partition, batch.count)));
  }

  /** acks=0: a batch counts as written once the operating system has its bytes. */
  async #post(leader: number, request: ProduceRequest, outgoing: readonly Outgoing<T>[]): Promise<void> {
    // With acks=0 a broker can report that it no longer leads a partition only by closing the connection.
    if (!this.#lane.isOpen(leader)) this.#metadata.refresh();
    // A broker that takes no more bytes, or a network that has swallowed it, would hold the batch until TCP gives up.
    const { requestTimeoutMs } = this.cluster.config;
    const timer = this.cluster.clock.schedule(requestTimeoutMs, () => this.#lane.disconnect(leader));
    try {
      await this.#lane.post(leader, produce, request);
    } finally {
      timer.cancel();
    }
    if (this.#closed) return;
    for (const { queue, batch } of outgoing) {
      queue.inFlight = false;
      this.#acknowledge(queue, batch, -1);
    }
  }

  #acknowledge(queue: Queue<T>, batch: Batch<T>, baseOffset: number): void {
    this.#connectivity.moving();
    queue.failures = 0;
    this.#records.acknowledge(queue, batch, baseOffset);
  }

  #takeAnswer(outgoing: readonly Outgoing<T>[], answer: ProduceAnswer): void {
    const answers = new Map<string, PartitionAnswer>();
    for (const { name, partitionResponses } of answer.responses) {
      for (const each of partitionResponses) answers.set(`${name}-${each.index}`, each);
    }
    for (const { queue, batch } of outgoing) {
      queue.inFlight = false;
      const each = answers.get(`${queue.topic}-${queue.partition}`);
      if (each) this.#takePartitionAnswer(queue, batch, each);
      else this.#retry(queue, leftOutError(queue));
    }
  }

  #takePartitionAnswer(queue: Queue<T>, batch: Batch<T>, answer: PartitionAnswer): void {
    switch (judgeProduce(answer.errorCode, batch.count)) {
      case "acknowledge":
        this.#acknowledge(queue, batch, answer.baseOffset);
        return;
      case "split":
        queue.batchLimit = Math.max(1, Math.floor(batch.bufferedBytes / 2));
        queue.batches.splice(0, 1, ...batch.split(this.config.compression));
        return;
      case "retry":
        this.#retry(queue, new KafkaError(answer.errorCode, producing(queue)));
        return;
      case "fail":
        this.#records.fail(queue, batch, refusedError(queue, batch, answer));
    }
  }

  #takeFailure(outgoing: readonly Outgoing<T>[], error: unknown): void {
    for (const { queue, batch } of outgoing) {
      queue.inFlight = false;
      if (isRetriable(error)) this.#retry(queue, error as KafkaError);
      else this.#records.fail(queue, batch, asError(error));
    }
  }

  /**
   * Sends the same bytes again later: the head stays the head (I9). Once `retries` are used up, the batch fails
   * instead. A failed connection does not count: a broker's restart must not fail a task whose worker has
   * `producer.retries=10`. With `retries=0` every failure is final. The stores rely on that, because they decide again
   * before each write.
   */
  #retry(queue: Queue<T>, error: KafkaError): void {
    const { retries } = this.config;
    const head = queue.batches[0];
    if (head && (retries === 0 || !KafkaError.is(error, "NETWORK_EXCEPTION")) && ++head.refusals > retries) {
      this.#records.fail(queue, head, error);
      this.#metadata.refresh();
      return;
    }
    this.cluster.meter.recordsRetried += head?.count ?? 0;
    queue.failures++;
    queue.lastError = error;
    queue.retryAtMs = this.cluster.clock.monotonicMs() + backoffMs(this.cluster, queue.failures);
    // While metadata fails, too, only that is reported: two alternating reasons would be reported at every attempt.
    const isReason = queue.failures >= REPORT_AFTER_FAILURES && this.#metadata.failures === 0;
    if (isReason) this.#connectivity.waiting(reasonOf(error));
    this.#metadata.refresh();
  }

  #failExpired(nowMs: number): void {
    const { deliveryTimeoutMs } = this.config;
    if (deliveryTimeoutMs === Number.POSITIVE_INFINITY) return;
    const isExpired = (createdAtMs: number) => nowMs - createdAtMs >= deliveryTimeoutMs;
    for (const queue of this.#records.waiting) {
      if (queue.inFlight) continue;
      for (let head = queue.batches[0]; head && isExpired(head.createdAtMs); head = queue.batches[0]) {
        this.#records.fail(queue, head, expiredError(queue, head, deliveryTimeoutMs));
      }
    }
    for (const records of this.#records.unplaced) {
      const expired = records.unplaced.filter((each) => isExpired(each.createdAtMs)).length;
      const detail = `topic ${records.topic} did not appear within delivery.timeout.ms=${deliveryTimeoutMs}`;
      const error = new KafkaError("REQUEST_TIMED_OUT", `Producing to topic ${records.topic}`, { detail });
      if (expired > 0) this.#records.failUnplaced(records, expired, error);
    }
  }

  // --- metadata ---

  #awaitLeader(queue: Queue<T>): void {
    const error = this.cluster.topic(queue.topic)?.error;
    if (error && !error.retriable) {
      while (queue.batches.length > 0) this.#records.fail(queue, queue.batches[0]!, error);
      return;
    }
    queue.lastError = error;
    this.#metadata.refresh();
  }

  #metadataUser(): MetadataUser {
    return {
      isClosed: () => this.#closed,
      isFailing: () => this.#records.isFailing,
      missing: () => {
        this.#records.learnPartitions();
        return this.#missing();
      },
      refused: (error) => this.#records.failAll(error),
      wake: () => this.wake(),
    };
  }

  /** The reason why a waiting record cannot be sent; undefined when every partition has a leader. */
  #missing(): string | undefined {
    for (const records of this.#records.unplaced) {
      const { topic } = records;
      const known = this.cluster.topic(topic);
      if (known?.topic) continue;
      if (known?.error && !known.error.retriable) {
        this.#records.failUnplaced(records, records.unplaced.length, known.error);
        continue;
      }
      return known?.error ? `waiting for topic ${topic}: ${known.error.message}` : `waiting for topic ${topic}`;
    }
    for (const { topic, partition } of this.#records.waiting) {
      if (this.cluster.leaderOf(topic, partition) === undefined) return `waiting for a leader of ${topic}-${partition}`;
    }
    return undefined;
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing = true;
    this.#records.beginClose();
    this.#timer?.cancel();
    this.#lane.close();
    for (const queue of this.#records.waiting) queue.inFlight = false;
    this.#records.failRefused();
    const detail = "the producer was closed before the record was acknowledged";
    this.#records.failAll(new KafkaError("NETWORK_EXCEPTION", "Producing", { detail }));
    this.#records.close();
    for (const { done } of this.#flushes.splice(0)) done.resolve();
    this.#drained?.resolve();
  }
}

function producing(queue: PartitionQueue<unknown>): string {
  return `Producing to ${queue.topic}-${queue.partition}`;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function leftOutError(queue: PartitionQueue<unknown>): KafkaError {
  return new KafkaError("NETWORK_EXCEPTION", producing(queue), { detail: "the broker left it out of its answer" });
}

function expiredError(queue: PartitionQueue<unknown>, batch: ProducerBatch<unknown>, timeoutMs: number): KafkaError {
  return new KafkaError("REQUEST_TIMED_OUT", producing(queue), {
    detail: `${batch.count} records were not acknowledged within delivery.timeout.ms=${timeoutMs}`,
    cause: queue.lastError,
  });
}

function refusedError(
  queue: PartitionQueue<unknown>,
  batch: ProducerBatch<unknown>,
  answer: PartitionAnswer,
): KafkaError {
  const isTooLarge = judgeProduce(answer.errorCode, Number.POSITIVE_INFINITY) === "split";
  const detail = isTooLarge
    ? `a record of ${batch.sizeBytes} bytes is larger than the topic's max.message.bytes; raise it on topic ${queue.topic}`
    : answer.errorMessage;
  return new KafkaError(answer.errorCode, producing(queue), { detail });
}
