import type { Clock, Random } from "../../../src/api/index.js";
import type { SimClock } from "../../../src/base/clock.js";
import { type Deferred, deferred } from "../../../src/base/deferred.js";
import { KafkaError } from "../../../src/protocol/kafka-error.js";
import type { LogTransport, StoredRecord, StoredRecords, StoreRecord } from "../../../src/stores/log-transport.js";
import type { BrokerLink, Weather } from "./broker-link.js";

/** A record as it was appended, with its attempt. */
export interface AppendedRecord extends StoredRecord {
  /** The attempt's writer had given it up, and others have written since it was sent. */
  readonly isOvertaken: boolean;
}

/** How often the attempts of one process fail in fair weather: chances from 0 to 1. */
export interface Trouble {
  /** Not written; another attempt may succeed. */
  refused: number;
  /** Written, but the connection breaks before the answer. */
  answerLost: number;
  /** The connection breaks, and the request is served some time later. */
  late: number;
}

const DELIVERY_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const API_TIMEOUT_MS = 60_000;

/** A compacted topic of a broker in memory, which all workers of a simulated group share. */
export class SimTopic {
  readonly #partitions: AppendedRecord[][];
  readonly #ends: number[];
  /** Resolves at the next append. */
  news = deferred();
  /** The readers' positions, by partition. */
  readonly readers = new Set<(partition: number) => number>();
  /** Called with every record. */
  onAppend: ((record: AppendedRecord) => void) | undefined;
  /** Every record ever appended, before compaction. */
  readonly history: AppendedRecord[] = [];

  constructor(
    readonly name: string,
    readonly clock: SimClock,
    partitions: number,
  ) {
    this.#partitions = Array.from({ length: partitions }, () => []);
    this.#ends = this.#partitions.map(() => 0);
  }

  get ends(): readonly number[] {
    return this.#ends;
  }

  partitionOf(key: Buffer): number {
    let hash = 0;
    for (const byte of key) hash = (hash * 31 + byte) | 0;
    return Math.abs(hash) % this.#partitions.length;
  }

  /** The records of a partition that are left from an offset on. */
  read(partition: number, fromOffset: number): readonly AppendedRecord[] {
    const records = this.#partitions[partition]!;
    const at = records.findIndex(({ offset }) => offset >= fromOffset);
    return at < 0 ? [] : records.slice(at);
  }

  /** One batch: all of it, with no other record in between. */
  append(partition: number, records: readonly StoreRecord[], isOvertaken = false): void {
    for (const { key, value, headers = [] } of records) {
      const appended = { key, value, headers, offset: this.#ends[partition]!++, isOvertaken };
      this.#partitions[partition]!.push(appended);
      this.history.push(appended);
      this.onAppend?.(appended);
    }
    this.news.resolve();
    this.news = deferred();
  }

  /**
   * Keeps the newest record of each key, and with `tombstones` no tombstone that all readers have passed: a reader has
   * a day for that (`delete.retention.ms`). The last record always stays.
   */
  compact(tombstones: boolean): void {
    for (const partition of this.#partitions.keys())
      this.#partitions[partition] = this.compacted(partition, tombstones);
  }

  /** A partition's records as after `compact`. */
  compacted(partition: number, tombstones: boolean): AppendedRecord[] {
    const records = this.#partitions[partition]!;
    const newest = new Map(records.map((record) => [String(record.key), record]));
    const last = records.at(-1);
    const passed = tombstones ? Math.min(...[...this.readers].map((position) => position(partition))) : 0;
    const isKept = (record: AppendedRecord) =>
      newest.get(String(record.key)) === record && (record.value !== null || record.offset >= passed);
    return records.filter((record) => record === last || isKept(record));
  }
}

/** The process behind a connection. */
export interface TopicClient {
  readonly clock: Clock & { hears<T>(outcome: Promise<T>): Promise<T> };
  readonly link: BrokerLink;
  readonly random: Random;
  readonly trouble: Trouble;
  latencyMs(): number;
  onDeath(step: () => void): void;
  /** It may write on behalf of a past that others do not share any more. */
  isAstray(): boolean;
  /** Called when a request with these records leaves the process. */
  sending(topic: string, records: readonly StoreRecord[]): void;
}

/** One process's connection to a topic, as unkind as a broker behind a bad network. */
export class SimTopicTransport implements LogTransport {
  readonly #positions: number[];
  /** The end of the last attempt, by partition: one is in flight at a time. */
  readonly #inFlight = new Map<number, Promise<unknown>>();
  #dropped: Deferred<never> = deferred<never>();
  #isClosed = false;
  readonly #position = (partition: number) => this.#positions[partition]!;

  constructor(
    private readonly topic: SimTopic,
    private readonly client: TopicClient,
  ) {
    this.#positions = topic.ends.map(() => 0);
    topic.readers.add(this.#position);
    client.onDeath(() => topic.readers.delete(this.#position));
  }

  async open(): Promise<readonly number[]> {
    await this.#reach(API_TIMEOUT_MS);
    return [...this.#positions];
  }

  async endOffsets(): Promise<readonly number[]> {
    await this.#reach(API_TIMEOUT_MS);
    const ends = [...this.topic.ends];
    await this.client.clock.delay(this.client.latencyMs());
    return ends;
  }

  async poll(signal: AbortSignal): Promise<readonly StoredRecords[]> {
    const { clock, random } = this.client;
    while (!signal.aborted) {
      const { weather } = this.client.link;
      const behind = weather === "fair" ? this.#behind() : [];
      if (behind.length === 0) {
        await Promise.race([
          clock.hears(this.topic.news.promise),
          clock.hears(this.client.link.changed),
          aborted(signal),
        ]);
        continue;
      }
      await clock.delay(this.client.latencyMs());
      if (this.client.link.weather !== "fair" || signal.aborted) continue;
      // Each partition arrives when it likes.
      const arriving = behind.filter(() => random.next() < 0.7);
      if (arriving.length > 0) return arriving.map((partition) => this.#take(partition));
    }
    return [];
  }

  async send(records: readonly StoreRecord[]): Promise<void> {
    if (records.length === 0) return;
    const byPartition = new Map<number, StoreRecord[]>();
    for (const record of records) {
      const partition = this.topic.partitionOf(record.key);
      byPartition.set(partition, [...(byPartition.get(partition) ?? []), record]);
    }
    await Promise.all([...byPartition].map(([partition, part]) => this.#sendPart(partition, part)));
  }

  dropSends(): void {
    this.#dropped.reject(new KafkaError("NETWORK_EXCEPTION", "Producing"));
    this.#dropped = deferred<never>();
    this.#inFlight.clear();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.topic.readers.delete(this.#position);
    this.dropSends();
  }

  async #sendPart(partition: number, records: readonly StoreRecord[]): Promise<void> {
    const dropped = this.#dropped;
    const before = this.#inFlight.get(partition);
    const attempt = this.#attempt(partition, records, dropped, before);
    const ended = attempt.catch(() => {});
    this.#inFlight.set(partition, ended);
    await Promise.race([attempt, dropped.promise]);
  }

  async #attempt(
    partition: number,
    records: readonly StoreRecord[],
    dropped: Deferred<never>,
    before: Promise<unknown> | undefined,
  ): Promise<void> {
    const { client, topic } = this;
    const { clock, random, trouble } = client;
    if (before) await before;
    if (dropped.settled || this.#isClosed) throw new KafkaError("NETWORK_EXCEPTION", "Producing");
    if (client.link.weather === "cut") {
      await clock.delay(random.integer(DELIVERY_TIMEOUT_MS));
      throw new KafkaError("REQUEST_TIMED_OUT", "Producing");
    }
    client.sending(topic.name, records);
    const draw = random.next();
    // The request travels on, even if the process dies.
    await topic.clock.delay(client.latencyMs());
    const weather = client.link.weather as Weather; // it may have changed on the way
    const end = topic.ends[partition]!;
    if (weather === "cut") throw new KafkaError("NETWORK_EXCEPTION", "Producing");
    if (weather === "deaf") {
      // Retransmitted when the network works again, unless that breaks the connection.
      void client.link.changed.then(() => {
        if (client.link.weather !== "cut" && draw < 0.5) this.#land(partition, records, end);
      });
      await clock.delay(REQUEST_TIMEOUT_MS);
      throw new KafkaError("REQUEST_TIMED_OUT", "Producing");
    }
    if (draw < trouble.refused) throw new KafkaError("NOT_LEADER_OR_FOLLOWER", "Producing");
    if (draw < trouble.refused + trouble.late) {
      topic.clock.schedule(random.integer(REQUEST_TIMEOUT_MS), () => this.#land(partition, records, end));
      throw new KafkaError("NETWORK_EXCEPTION", "Producing");
    }
    topic.append(partition, records, client.isAstray());
    if (weather === "mute") {
      await clock.delay(REQUEST_TIMEOUT_MS);
      throw new KafkaError("REQUEST_TIMED_OUT", "Producing");
    }
    await clock.delay(client.latencyMs());
    if (draw < trouble.refused + trouble.late + trouble.answerLost || client.link.weather !== "fair") {
      throw new KafkaError("NETWORK_EXCEPTION", "Producing");
    }
  }

  #land(partition: number, records: readonly StoreRecord[], sentAtEnd: number): void {
    this.topic.append(partition, records, this.topic.ends[partition]! > sentAtEnd);
  }

  #behind(): number[] {
    return [...this.topic.ends.keys()].filter((partition) => this.#positions[partition]! < this.topic.ends[partition]!);
  }

  #take(partition: number): StoredRecords {
    const records = this.topic.read(partition, this.#positions[partition]!);
    const nextOffset = this.topic.ends[partition]!;
    this.#positions[partition] = nextOffset;
    return { partition, records, nextOffset };
  }

  /** Waits until the broker answers. */
  async #reach(timeoutMs: number): Promise<void> {
    const { clock, link } = this.client;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    await clock.delay(this.client.latencyMs());
    while (link.weather !== "fair" && !this.#isClosed) {
      const over = new AbortController();
      await Promise.race([clock.hears(link.changed), clock.delay(deadlineMs - clock.monotonicMs(), over.signal)]);
      over.abort();
      if (clock.monotonicMs() >= deadlineMs) throw new KafkaError("REQUEST_TIMED_OUT", "Listing offsets");
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
