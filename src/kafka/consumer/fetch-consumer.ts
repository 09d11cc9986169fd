import type { Timer } from "../../api/clock.js";
import { mustRun } from "../../base/command-loop.js";
import { type Deferred, deferred } from "../../base/deferred.js";
import { fetch } from "../../protocol/apis/fetch.js";
import { ErrorCodes } from "../../protocol/error-codes.js";
import { KafkaError } from "../../protocol/kafka-error.js";
import type { OutputOf } from "../../protocol/message-fields.js";
import type { OnConnectivity } from "../client/client-options.js";
import type { Consumer, FetchedRecords } from "../client/consumer.js";
import type { TopicPartition } from "../client/topic-partition.js";
import { ClientClosedError } from "../client-closed-error.js";
import type { ConsumerConfig } from "../client-properties.js";
import type { Cluster, Lane } from "../cluster/cluster.js";
import { Connectivity, reasonOf } from "../cluster/connectivity.js";
import { MetadataRefresher, type MetadataUser, REPORT_AFTER_FAILURES } from "../cluster/metadata-refresher.js";
import { byTopic, type LookupResult, lookUpOffsets } from "../cluster/partition-offsets.js";
import { backoffMs, isRetriable } from "../cluster/retry.js";
import { FetchPartition, type ResetTo } from "./fetch-partition.js";
import { type Asked, planRequests } from "./plan-requests.js";

type FetchAnswer = OutputOf<(typeof fetch)["responseFields"]>;
type PartitionAnswer = FetchAnswer["responses"][number]["partitions"][number];

/**
 * A consumer that keeps one fetch in flight to every broker that leads a partition with room for more. `poll` returns
 * the records that have arrived. Fetching continues between polls, up to `fetch.max.bytes`.
 */
export class FetchConsumer implements Consumer {
  readonly #lane: Lane;
  readonly #connectivity: Connectivity;
  readonly #metadata: MetadataRefresher;
  readonly #partitions = new Map<string, FetchPartition>();
  readonly #busyNodes = new Set<number>();
  /** An error for the next poll to throw. */
  #error: Error | undefined;
  #arrived: Deferred<void> = deferred();
  #timer: Timer | undefined;
  #closed = false;
  #isWoken = false;

  constructor(
    private readonly cluster: Cluster,
    private readonly config: ConsumerConfig,
    onConnectivity: OnConnectivity | undefined,
  ) {
    this.#lane = cluster.lane(() => void this.close());
    this.#connectivity = new Connectivity(onConnectivity);
    this.#metadata = new MetadataRefresher(cluster, this.#connectivity, this.#metadataUser());
  }

  assign(partitions: readonly TopicPartition[]): void {
    this.#throwIfClosed();
    this.#replace(partitions);
  }

  #replace(partitions: readonly TopicPartition[]): void {
    const kept = new Map<string, FetchPartition>();
    for (const { topic, partition } of partitions) {
      const key = `${topic}-${partition}`;
      const existing = this.#partitions.get(key);
      if (existing) {
        kept.set(key, existing);
        continue;
      }
      const added = new FetchPartition(topic, partition, this.config.checkCrcs);
      // With `none` there is no offset to start from: poll throws unless the caller seeks.
      if (this.config.reset !== "none") added.reset(this.config.reset);
      kept.set(key, added);
      this.cluster.track(topic, false);
    }
    for (const [key, { topic }] of this.#partitions) if (!kept.has(key)) this.cluster.untrack(topic, false);
    this.#partitions.clear();
    for (const [key, partition] of kept) this.#partitions.set(key, partition);
    this.#error = undefined;
  }

  get assignment(): readonly TopicPartition[] {
    return [...this.#partitions.values()].map(plain);
  }

  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void {
    const found = this.#find(partition);
    if (typeof offset === "number") found.seek(offset);
    else found.reset(offset);
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#find(each).paused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#find(each).paused = false;
  }

  get paused(): readonly TopicPartition[] {
    return [...this.#partitions.values()].filter((each) => each.paused).map(plain);
  }

  position(partition: TopicPartition): number | undefined {
    return this.#partitions.get(`${partition.topic}-${partition.partition}`)?.position;
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]> {
    const { clock } = this.cluster;
    const deadlineMs = clock.monotonicMs() + maxWaitMs;
    this.#throwIfClosed();
    for (;;) {
      if (this.#closed) return [];
      // Before taking records: partitions that keep delivering must not hide one that cannot.
      this.#throwPending();
      const taken = this.#take();
      this.#pump();
      if (taken.length > 0) return taken;
      if (this.#error) continue;
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0 || signal?.aborted || this.#isWoken) {
        this.#isWoken = false;
        return [];
      }
      this.#arrived = deferred();
      await this.#arrivedOrElse(leftMs, signal);
    }
  }

  /** Ends the wait of the poll in progress, or else of the next one. */
  wake(): void {
    this.#isWoken = true;
    this.#arrived.resolve();
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#timer?.cancel();
    this.#replace([]);
    this.#lane.close();
    this.#arrived.resolve();
    return Promise.resolve();
  }

  /** Without an AbortController: with a thousand idle consumers in a thread, its errors were most of the work. */
  async #arrivedOrElse(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = this.#arrived;
    const end = () => resolve();
    const timer = this.cluster.clock.schedule(waitMs, end);
    signal?.addEventListener("abort", end, { once: true });
    await promise;
    signal?.removeEventListener("abort", end);
    timer.cancel();
  }

  /** Takes records of all partitions in turn, up to `max.poll.records`. A partition that delivered moves to the end. */
  #take(): FetchedRecords[] {
    const taken: FetchedRecords[] = [];
    let room = this.config.maxPollRecords;
    for (const [key, partition] of [...this.#partitions]) {
      const { position } = partition;
      if (partition.paused || position === undefined || partition.fetched.isEmpty) continue;
      try {
        const { records, nextOffset } = partition.fetched.take(position, room);
        if (nextOffset === position) continue;
        partition.advance(nextOffset);
        const { topic, end, fetched } = partition;
        taken.push({ topic, partition: partition.partition, records, nextOffset, end, codec: fetched.codec });
        room -= records.length;
        this.cluster.meter.recordsConsumed += records.length;
      } catch (error) {
        // The batch is fetched again, in case it was damaged in transit.
        partition.seek(position);
        this.#error ??= asError(error);
      }
      this.#partitions.delete(key);
      this.#partitions.set(key, partition);
      if (room <= 0) break;
    }
    return taken;
  }

  #throwPending(): void {
    const error = this.#error ?? this.#withoutPosition();
    this.#error = undefined;
    if (error) throw error;
  }

  #withoutPosition(): Error | undefined {
    for (const { position, resetTo, topic, partition } of this.#partitions.values()) {
      if (position !== undefined || resetTo !== undefined) continue;
      const detail = "it has no position, and auto.offset.reset is none";
      return new KafkaError("OFFSET_OUT_OF_RANGE", `Reading ${topic}-${partition}`, { detail });
    }
    return undefined;
  }

  // --- the loop ---

  /** Sends the requests that are due to brokers without a request in flight. */
  #pump(): void {
    if (this.#closed) return;
    const { lookups, fetches, lacksLeader, waitMs } = planRequests(this.#partitions.values(), {
      nowMs: this.cluster.clock.monotonicMs(),
      config: this.config,
      leaderOf: ({ topic, partition }) => this.cluster.leaderOf(topic, partition),
      isBusy: (leader) => this.#busyNodes.has(leader),
    });
    if (lacksLeader) this.#metadata.refresh();
    for (const { leader, to, partitions } of lookups) {
      mustRun("A look-up of the consumer", this.#lookUp(leader, to, partitions));
    }
    for (const [leader, asked] of fetches) mustRun("A fetch of the consumer", this.#fetch(leader, asked));
    if (this.cluster.isStale && this.#partitions.size > 0) this.#metadata.refresh();
    this.#schedule(waitMs);
  }

  async #lookUp(leader: number, to: ResetTo, partitions: readonly FetchPartition[]): Promise<void> {
    this.#busyNodes.add(leader);
    const epochs = partitions.map((each) => each.epoch);
    try {
      const results = await lookUpOffsets(this.#lane, leader, partitions, to, this.config.readCommitted);
      const found = new Map(results.map((each) => [`${each.topic}-${each.partition}`, each]));
      partitions.forEach((partition, index) => {
        if (partition.epoch !== epochs[index]) return;
        this.#takeLookup(partition, found.get(`${partition.topic}-${partition.partition}`));
      });
    } catch (error) {
      for (const partition of partitions) this.#takeError(partition, asError(error));
    }
    this.#busyNodes.delete(leader);
    this.#pump();
  }

  #takeLookup(partition: FetchPartition, result: LookupResult | undefined): void {
    if (result?.offset !== undefined) partition.seek(result.offset);
    else if (result?.error) this.#takeError(partition, result.error);
  }

  async #fetch(leader: number, asked: readonly Asked[]): Promise<void> {
    this.#busyNodes.add(leader);
    const { maxWaitMs, minBytes, maxBytes, maxPartitionBytes, readCommitted } = this.config;
    const topics = [...byTopic(asked.map((each) => ({ ...plain(each.partition), offset: each.offset })))].map(
      ([topic, partitions]) => ({
        topic,
        partitions: partitions.map(({ partition, offset }) => ({
          partition,
          fetchOffset: offset,
          partitionMaxBytes: maxPartitionBytes,
        })),
      }),
    );
    const isolationLevel = readCommitted ? 1 : 0;
    const request = { maxWaitMs, minBytes, maxBytes, isolationLevel, sessionId: 0, sessionEpoch: -1, topics };
    try {
      const answer = await this.#lane.send(
        leader,
        fetch,
        { ...request, forgottenTopicsData: [] },
        { extraTimeoutMs: maxWaitMs },
      );
      if (answer.errorCode !== 0) throw new KafkaError(answer.errorCode, "Fetching");
      this.#connectivity.moving();
      this.#takeAnswer(asked, answer);
    } catch (error) {
      for (const { partition } of asked) this.#takeError(partition, asError(error));
    }
    this.#busyNodes.delete(leader);
    this.#pump();
  }

  #takeAnswer(asked: readonly Asked[], answer: FetchAnswer): void {
    const answers = new Map<string, PartitionAnswer>();
    for (const { topic, partitions } of answer.responses) {
      for (const each of partitions) answers.set(`${topic}-${each.partitionIndex}`, each);
    }
    for (const each of asked) {
      const { partition, epoch } = each;
      const found = answers.get(`${partition.topic}-${partition.partition}`);
      // After a seek or a new assignment the answer belongs to an old position.
      if (!found || partition.epoch !== epoch || !this.#isAssigned(partition)) continue;
      if (found.errorCode === 0) this.#hold(each, found);
      else
        this.#takeError(
          partition,
          new KafkaError(found.errorCode, `Reading ${partition.topic}-${partition.partition} at ${each.offset}`),
        );
    }
  }

  #hold({ partition }: Asked, answer: PartitionAnswer): void {
    const { records, highWatermark, lastStableOffset, abortedTransactions } = answer;
    partition.failures = 0;
    // Brokers without transactions answer no last stable offset.
    partition.end = this.config.readCommitted && lastStableOffset >= 0 ? lastStableOffset : highWatermark;
    if (!records || records.length === 0) return;
    this.cluster.meter.bytesConsumed += records.length;
    try {
      const next = partition.fetched.add(
        records,
        partition.fetchOffset,
        this.config.readCommitted ? abortedTransactions : null,
      );
      if (next !== undefined) partition.heldUpTo(Math.max(next, partition.fetchOffset));
    } catch (error) {
      partition.seek(partition.position!);
      this.#takeError(partition, asError(error));
    }
    this.#arrived.resolve();
  }

  #isAssigned(partition: FetchPartition): boolean {
    return this.#partitions.get(`${partition.topic}-${partition.partition}`) === partition;
  }

  /**
   * Retries if the request may succeed later, resets the position when its offset is gone and nothing is held, and has
   * poll throw every other error.
   */
  #takeError(partition: FetchPartition, error: Error): void {
    if (this.#closed || !this.#isAssigned(partition)) return;
    if (error instanceof KafkaError && error.code === ErrorCodes.OFFSET_OUT_OF_RANGE) {
      // Retention has overtaken a slow reader: records fetched before are delivered first.
      if (!partition.fetched.isEmpty) {
        partition.retryAtMs = this.cluster.clock.monotonicMs() + backoffMs(this.cluster, 1);
        return;
      }
      const { reset } = this.config;
      if (reset !== "none") {
        const { topic, position: offset } = partition;
        const place = { topic, partition: partition.partition, offset, reset };
        this.cluster.logger.warn("Offset out of range: resetting the position by auto.offset.reset", place);
        partition.reset(reset);
        return;
      }
    }
    partition.failures++;
    partition.retryAtMs = this.cluster.clock.monotonicMs() + backoffMs(this.cluster, partition.failures);
    const heals = isRetriable(error) && !KafkaError.is(error, "CORRUPT_MESSAGE");
    if (!heals) {
      this.#failPoll(error);
      return;
    }
    // While metadata fails, too, only that is reported: two alternating reasons would be reported at every attempt.
    const isReason = partition.failures >= REPORT_AFTER_FAILURES && this.#metadata.failures === 0;
    if (isReason) this.#connectivity.waiting(reasonOf(error));
    this.#metadata.refresh();
  }

  #metadataUser(): MetadataUser {
    return {
      isClosed: () => this.#closed,
      isFailing: () => [...this.#partitions.values()].some(({ failures }) => failures > 0),
      missing: () => this.#missing(),
      refused: (error) => this.#failPoll(error),
      wake: () => this.#pump(),
    };
  }

  /** Has poll throw `error`. */
  #failPoll(error: Error): void {
    this.#error ??= error;
    this.#arrived.resolve();
  }

  /** The reason why a partition cannot be read; undefined when all have leaders. */
  #missing(): string | undefined {
    for (const { topic, partition } of this.#partitions.values()) {
      if (this.cluster.leaderOf(topic, partition) !== undefined) continue;
      const error = this.cluster.topic(topic)?.error;
      if (error && !error.retriable) this.#failPoll(error);
      return error ? `waiting for topic ${topic}: ${error.message}` : `waiting for a leader of ${topic}-${partition}`;
    }
    return undefined;
  }

  #schedule(waitMs: number): void {
    if (waitMs === Number.POSITIVE_INFINITY) return;
    this.#timer?.cancel();
    this.#timer = this.cluster.clock.schedule(Math.max(1, waitMs), () => this.#pump());
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new ClientClosedError("The consumer");
  }

  #find({ topic, partition }: TopicPartition): FetchPartition {
    this.#throwIfClosed();
    const found = this.#partitions.get(`${topic}-${partition}`);
    if (found) return found;
    throw new KafkaError("UNKNOWN_TOPIC_OR_PARTITION", `Partition ${topic}-${partition}`, {
      detail: "it is not assigned here",
    });
  }
}

function plain({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
