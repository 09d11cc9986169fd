import type { Clock, Logger } from "../api/index.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { CompactedLog } from "./compacted-log.js";
import type { StoredRecords, StoreRecord } from "./log-transport.js";
import {
  StatusFold,
  type StatusSubject,
  type StoredStatus,
  statusKey,
  statusRecord,
  type TopicUse,
} from "./status-fold.js";

/** Told which connector's status, or task's status, may have changed. */
export type StatusListener = (connector: string) => void;

/** A failed write is tried again after this long, unless something newer has taken its place. */
const RETRY_MS = 1_000;

interface PendingWrite {
  readonly subject: StatusSubject;
  readonly status: StoredStatus | null;
  readonly safe: boolean;
}

/**
 * Whether a safe write (UNASSIGNED, FAILED) may go over what is stored: not when another worker has written in a later
 * generation, which owns the connector or task by now.
 */
export function judgeSafeWrite(stored: StoredStatus | undefined, status: StoredStatus): boolean {
  return !stored || stored.workerId === status.workerId || stored.generation <= status.generation;
}

/**
 * States of connectors and tasks, and the topics they use: the status topic. Writes return at once; of several to one
 * key that wait for Kafka, only the newest is written.
 */
export class StatusStore {
  readonly #fold = new StatusFold();
  readonly #log: CompactedLog;
  readonly #pending = new Map<string, PendingWrite>();
  /** Keys with a write at work, so that two of one key never overtake each other. */
  readonly #writing = new Set<string>();
  readonly #flushes = new Set<Deferred<void>>();
  readonly #closing = new AbortController();

  /** @param openLog makes the log over the status topic, given its fold. */
  constructor(
    openLog: (apply: (records: StoredRecords) => void) => CompactedLog,
    private readonly listener: StatusListener,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.#log = openLog((records) => this.#apply(records));
  }

  start(): Promise<void> {
    return this.#log.start();
  }

  /** Writes a status, whatever is stored; null when the connector or task is gone. */
  put(subject: StatusSubject, status: StoredStatus | null): void {
    this.#enqueue({ subject, status, safe: false });
  }

  /** Writes a status unless `judgeSafeWrite` forbids it when its turn comes. */
  putSafe(subject: StatusSubject, status: StoredStatus): void {
    this.#enqueue({ subject, status, safe: true });
  }

  /** Notes that a connector uses a topic. Told once per connector and topic; a lost note comes again with the next start of a task. */
  putTopic(use: TopicUse): void {
    if (!this.#fold.topics(use.connector).includes(use.topic)) this.#sendNote(statusRecord.topic(use));
  }

  /** Forgets the topics of a connector. */
  removeTopics(connector: string): void {
    for (const topic of this.#fold.topics(connector)) this.#sendNote(statusRecord.noTopic(topic, connector));
  }

  /** Resolves once every status put so far is written, or something newer is. */
  async flush(): Promise<void> {
    if (this.#writing.size === 0) return;
    const flushed = deferred();
    this.#flushes.add(flushed);
    await flushed.promise;
  }

  status(subject: StatusSubject): StoredStatus | undefined {
    return this.#fold.status(subject);
  }

  /** By task id, in order. */
  taskStatuses(connector: string): [number, StoredStatus][] {
    return this.#fold.taskStatuses(connector);
  }

  /** Connectors with a status of their own or of a task. */
  connectors(): Set<string> {
    return this.#fold.connectors();
  }

  /** Topics that a connector was seen to use, in order of name. */
  topics(connector: string): string[] {
    return this.#fold.topics(connector);
  }

  /** Ends; statuses not written yet are lost, so flush before. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#log.close();
  }

  #enqueue(write: PendingWrite): void {
    const key = statusKey(write.subject);
    this.#pending.set(key, write);
    if (this.#writing.has(key) || this.#closing.signal.aborted) return;
    this.#writing.add(key);
    void this.#drain(key);
  }

  /** Writes what is pending for one key until nothing is. */
  async #drain(key: string): Promise<void> {
    for (let write = this.#pending.get(key); write; write = this.#pending.get(key)) {
      if (this.#closing.signal.aborted) break;
      const { subject, status, safe } = write;
      if (!safe || !status || judgeSafeWrite(this.#fold.status(subject), status)) {
        try {
          await this.#log.send([statusRecord.status(subject, status)]);
        } catch (error) {
          if (this.#closing.signal.aborted) break;
          this.logger.warn("A status could not be written; it is tried again", { key }, error);
          await this.clock.delay(RETRY_MS, this.#closing.signal);
          continue;
        }
      }
      if (this.#pending.get(key) === write) this.#pending.delete(key);
    }
    this.#writing.delete(key);
    if (this.#writing.size > 0) return;
    for (const flushed of this.#flushes) flushed.resolve();
    this.#flushes.clear();
  }

  #sendNote(record: StoreRecord): void {
    this.#log.send([record]).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) {
        this.logger.warn("The topics of a connector could not be noted", { key: record.key.toString() }, error);
      }
    });
  }

  #apply({ partition, records }: StoredRecords): void {
    const changed = new Set<string>();
    for (const record of records) {
      const outcome = this.#fold.apply(record);
      if (outcome.changed !== undefined) changed.add(outcome.changed);
      if (outcome.ignored !== undefined) {
        this.logger.warn("A record of the status topic is ignored", {
          partition,
          offset: record.offset,
          why: outcome.ignored,
        });
      }
    }
    for (const connector of changed) this.listener(connector);
  }
}
