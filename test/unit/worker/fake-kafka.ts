import type { Clock } from "../../../src/api/index.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import type { FetchedRecords } from "../../../src/kafka/client/consumer.js";
import type { GroupConsumer, RebalanceListener } from "../../../src/kafka/client/group-consumer.js";
import type { KafkaAdmin, NewTopic } from "../../../src/kafka/client/kafka-admin.js";
import type { Producer, ProducerListener, ProducerRecord } from "../../../src/kafka/client/producer.js";
import type { CommittedOffset, TopicPartition } from "../../../src/kafka/client/topic-partition.js";

/** A producer whose acknowledgements the test sends. */
export class FakeProducer<T> implements Producer<T> {
  readonly appended: { record: ProducerRecord; token: T }[] = [];
  /** Written records, as a consumer would see them. */
  readonly written: ProducerRecord[] = [];
  /** Acknowledge as soon as appended. */
  auto = false;
  closed = false;
  /** Full from this many unacknowledged records on. */
  limit = Number.POSITIVE_INFINITY;
  #drained = deferred();
  #settled = deferred();
  readonly #arrivals: { count: number; arrived: Deferred<void> }[] = [];
  #total = 0;

  constructor(private readonly listener: ProducerListener<T>) {}

  append(record: ProducerRecord, token: T): void {
    if (this.closed) {
      this.listener.failed(token, 1, new Error("closed"), record.topic, 0);
      return;
    }
    this.appended.push({ record, token });
    this.#total++;
    if (this.auto) this.ack(1);
    for (const { count, arrived } of this.#arrivals) if (this.#total >= count) arrived.resolve();
  }

  /** Resolves once `count` records have been appended since the producer was made. */
  arrived(count: number): Promise<void> {
    const arrived = deferred();
    if (this.#total >= count) arrived.resolve();
    this.#arrivals.push({ count, arrived });
    return arrived.promise;
  }

  /** Acknowledges the record at `at`, or the first `count`. */
  ack(count = this.appended.length, at = 0): void {
    for (const { record, token } of this.appended.splice(at, count)) {
      this.written.push(record);
      this.listener.acknowledged(token, 1, record.topic, 0, this.written.length - 1);
    }
    this.#after();
  }

  fail(error: Error, at = 0): void {
    for (const { record, token } of this.appended.splice(at, 1)) this.listener.failed(token, 1, error, record.topic, 0);
    this.#after();
  }

  get bufferedBytes(): number {
    return this.appended.length;
  }

  get full(): boolean {
    return this.appended.length >= this.limit;
  }

  async drained(): Promise<void> {
    if (this.full && !this.closed) await this.#drained.promise;
  }

  async flush(): Promise<void> {
    while (this.appended.length > 0 && !this.closed) await this.#settled.promise;
  }

  async send(): Promise<never> {
    throw new Error("not used by the worker");
  }

  async close(): Promise<void> {
    this.closed = true;
    while (this.appended.length > 0) this.fail(new Error("closed"));
    this.#after();
  }

  #after(): void {
    if (!this.full || this.closed) {
      this.#drained.resolve();
      this.#drained = deferred();
    }
    if (this.appended.length === 0 || this.closed) {
      this.#settled.resolve();
      this.#settled = deferred();
    }
  }
}

/** The part of the admin client that tasks use. `topics` are the existing topics. */
export class FakeAdmin {
  readonly topics = new Map<string, NewTopic>();
  refuse: Error | undefined;

  asAdmin(): KafkaAdmin {
    const describeTopics = async (names: readonly string[]) => ({
      topics: new Map(),
      missing: names.filter((name) => !this.topics.has(name)),
    });
    const createTopics = async (topics: readonly NewTopic[]) =>
      topics.map((topic) => {
        if (this.refuse) return { name: topic.name, error: this.refuse };
        this.topics.set(topic.name, topic);
        return { name: topic.name };
      });
    return { describeTopics, createTopics } as unknown as KafkaAdmin;
  }
}

const keyOf = ({ topic, partition }: TopicPartition) => `${topic}-${partition}`;

/** A group consumer over partitions that the test fills and assigns. */
export class FakeGroupConsumer implements GroupConsumer {
  readonly logs = new Map<string, FetchedRecords["records"][number][]>();
  readonly commits = new Map<string, number>();
  readonly #positions = new Map<string, TopicPartition & { offset: number }>();
  readonly #paused = new Set<string>();
  readonly #rebalances: { kind: "assign" | "revoke" | "lose"; partitions: TopicPartition[]; done: Deferred<void> }[] =
    [];
  #wake = deferred();
  #left: Deferred<void> | undefined;
  closed = false;
  abandoned = false;
  /** Thrown by the next commits. */
  commitError: Error | undefined;
  /** Held back until it resolves. */
  commitGate: Promise<void> | undefined;
  polls = 0;
  maxPollRecords = 500;

  constructor(
    readonly listener: RebalanceListener,
    private readonly clock: Clock,
    commits: ReadonlyMap<string, number> = new Map(),
    logs?: Map<string, FetchedRecords["records"][number][]>,
  ) {
    for (const [key, offset] of commits) this.commits.set(key, offset);
    if (logs) this.logs = logs;
  }

  /** Adds records with these values to a partition. */
  produce(partition: TopicPartition, ...values: string[]): void {
    const log = this.logs.get(keyOf(partition)) ?? [];
    this.logs.set(keyOf(partition), log);
    for (const value of values) {
      log.push({
        offset: log.length,
        timestampMs: 1000,
        timestampType: "CreateTime",
        key: null,
        value: Buffer.from(value),
        headers: [],
      });
    }
    this.#wake.resolve();
  }

  /** Runs in the next poll; resolves when its callback is done. */
  rebalance(kind: "assign" | "revoke" | "lose", ...partitions: TopicPartition[]): Promise<void> {
    const done = deferred();
    this.#rebalances.push({ kind, partitions, done });
    this.#wake.resolve();
    return done.promise;
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<FetchedRecords[]> {
    this.polls++;
    for (let next = this.#rebalances.shift(); next; next = this.#rebalances.shift()) await this.#rebalanceTo(next);
    let fetched = this.#fetch();
    if (fetched.length === 0 && !signal?.aborted) {
      this.#wake = deferred();
      const woken = new AbortController();
      const end = () => woken.abort();
      signal?.addEventListener("abort", end, { once: true });
      void this.#wake.promise.then(end);
      await this.clock.delay(maxWaitMs, woken.signal);
      signal?.removeEventListener("abort", end);
      for (let next = this.#rebalances.shift(); next; next = this.#rebalances.shift()) await this.#rebalanceTo(next);
      fetched = this.#fetch();
    }
    return fetched;
  }

  async #rebalanceTo({ kind, partitions, done }: { kind: string; partitions: TopicPartition[]; done: Deferred<void> }) {
    try {
      if (kind === "assign") {
        const positions = partitions.map((partition) => ({
          topic: partition.topic,
          partition: partition.partition,
          offset: this.commits.get(keyOf(partition)) ?? 0,
        }));
        for (const position of positions) this.#positions.set(keyOf(position), { ...position });
        await this.listener.onAssigned(positions);
      } else {
        await (kind === "revoke" ? this.listener.onRevoked(partitions) : this.listener.onLost(partitions));
        for (const partition of partitions) {
          this.#positions.delete(keyOf(partition));
          this.#paused.delete(keyOf(partition));
        }
      }
      done.resolve();
    } catch (error) {
      done.resolve();
      throw error;
    }
  }

  #fetch(): FetchedRecords[] {
    const fetched: FetchedRecords[] = [];
    for (const position of this.#positions.values()) {
      const log = this.logs.get(keyOf(position)) ?? [];
      if (this.#paused.has(keyOf(position)) || position.offset >= log.length) continue;
      const records = log.slice(position.offset, position.offset + this.maxPollRecords);
      const nextOffset = position.offset + records.length;
      fetched.push({
        topic: position.topic,
        partition: position.partition,
        records,
        nextOffset,
        end: log.length,
        codec: "none",
      });
      position.offset = nextOffset;
    }
    return fetched;
  }

  get assignment(): readonly TopicPartition[] {
    return [...this.#positions.values()];
  }

  get paused(): readonly TopicPartition[] {
    return this.assignment.filter((partition) => this.#paused.has(keyOf(partition)));
  }

  seek(partition: TopicPartition, offset: number | "earliest" | "latest"): void {
    const position = this.#positions.get(keyOf(partition));
    if (position && typeof offset === "number") position.offset = offset;
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.add(keyOf(partition));
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#paused.delete(keyOf(partition));
  }

  position(partition: TopicPartition): number | undefined {
    return this.#positions.get(keyOf(partition))?.offset;
  }

  async commit(offsets: readonly CommittedOffset[]): Promise<void> {
    if (this.commitGate) await this.commitGate;
    if (this.abandoned) throw new Error("abandoned");
    if (this.commitError) throw this.commitError;
    for (const offset of offsets) this.commits.set(keyOf(offset), offset.offset);
  }

  async committed(): Promise<CommittedOffset[]> {
    return [];
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#wake.resolve();
    this.#left?.resolve();
  }

  abandon(): void {
    this.abandoned = true;
    this.#wake.resolve();
  }
}
