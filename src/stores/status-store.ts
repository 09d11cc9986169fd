import { setMaxListeners } from "node:events";
import type { Clock, Logger, Random } from "../api/index.js";
import { Backoff } from "../base/backoff.js";
import { mustRun } from "../base/command-loop.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { CompactedLog, OpenLog } from "./compacted-log.js";
import type { StoreRecord } from "./log-transport.js";
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

/** Whether a write that waits is still wanted; asked before every attempt. */
type StillWanted = () => boolean;

interface PendingWrite {
  readonly subject: StatusSubject;
  readonly status: StoredStatus | null;
  readonly safe: boolean;
  readonly stillWanted: StillWanted;
  /** What the log held when this was put. */
  readonly before: StoredStatus | undefined;
}

/** The write that was acknowledged last after an attempt whose end is not known. */
interface DoubtedWrite {
  readonly write: PendingWrite;
  /** It has come back through the log. */
  hasReturned: boolean;
}

/**
 * Whether a safe write (UNASSIGNED, FAILED) may go over what is stored: not when another worker has written in a later
 * generation, which owns the connector or task by now.
 */
export function judgeSafeWrite(stored: StoredStatus | undefined, status: StoredStatus): boolean {
  return !stored || stored.workerId === status.workerId || stored.generation <= status.generation;
}

/**
 * Whether a write whose attempt has failed may be tried again: not when another worker has written since, in a
 * generation as late or later. What was stored before does not count: a group that lost its state counts its
 * generations from 1 again.
 */
export function judgeLateWrite(
  before: StoredStatus | undefined,
  stored: StoredStatus | undefined,
  status: StoredStatus,
): boolean {
  return !stored || stored === before || stored.workerId === status.workerId || stored.generation < status.generation;
}

/**
 * States of connectors and tasks, and the topics they use: the status topic. Writes return at once and are tried until
 * they succeed, are no longer wanted, or something newer of the same key takes their place: of each connector and task
 * one status waits, the newest. Every attempt is decided on what the log holds by then.
 */
export class StatusStore {
  readonly #fold = new StatusFold();
  readonly #log: CompactedLog;
  readonly #pending = new Map<string, PendingWrite>();
  /** Keys with a write at work, so that two of one key never overtake each other. */
  readonly #writing = new Set<string>();
  /**
   * Keys of which an attempt was given up that may land yet, with the write that succeeded since. Should an older status
   * of this worker come after that one, it hides it: the newer one is written again, once.
   */
  readonly #doubted = new Map<string, DoubtedWrite | undefined>();
  readonly #flushes = new Set<Deferred<void>>();
  readonly #closing = new AbortController();

  constructor(
    openLog: OpenLog,
    listener: StatusListener,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
  ) {
    setMaxListeners(0, this.#closing.signal); // Every status that waits for its next attempt listens.
    const changed = new Set<string>();
    this.#log = openLog({
      apply: (record) => {
        const outcome = this.#fold.apply(record);
        if (outcome.changed !== undefined) changed.add(outcome.changed);
        return outcome.ignored;
      },
      applied: () => {
        for (const [key, doubted] of this.#doubted) {
          if (doubted && changed.has(doubted.write.subject.connector)) this.#rewriteIfHidden(key, doubted);
        }
        for (const connector of changed) listener(connector);
        changed.clear();
      },
    });
  }

  start(): Promise<void> {
    return this.#log.start();
  }

  /** Writes a status, whatever is stored. */
  put(subject: StatusSubject, status: StoredStatus, stillWanted: StillWanted = always): void {
    this.#enqueue(subject, status, false, stillWanted);
  }

  /** Writes a status unless `judgeSafeWrite` forbids it when its turn comes. */
  putSafe(subject: StatusSubject, status: StoredStatus, stillWanted: StillWanted = always): void {
    this.#enqueue(subject, status, true, stillWanted);
  }

  /** Forgets the status of what is gone. */
  remove(subject: StatusSubject, stillWanted: StillWanted = always): void {
    this.#enqueue(subject, null, false, stillWanted);
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

  #enqueue(subject: StatusSubject, status: StoredStatus | null, safe: boolean, stillWanted: StillWanted): void {
    const key = statusKey(subject);
    this.#pending.set(key, { subject, status, safe, stillWanted, before: this.#fold.status(subject) });
    if (this.#writing.has(key) || this.#closing.signal.aborted) return;
    this.#writing.add(key);
    mustRun(`The writer of ${key}`, this.#drain(key));
  }

  /** Writes what is pending for one key until nothing is. */
  async #drain(key: string): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff({ initialMs: 1_000, maxMs: 10_000 }, this.random);
    for (let write = this.#pending.get(key); write && !signal.aborted; write = this.#pending.get(key)) {
      let isWritten = false;
      try {
        // What others wrote while the attempt before was under way.
        if (backoff.attempts > 0) await this.#log.readToEnd();
        await this.#log.sendOnce(() => {
          // Put while the attempt waited its turn: of one key only the newest is written.
          write = this.#pending.get(key) ?? write!;
          isWritten = this.#isAllowed(write, backoff.attempts > 0);
          return isWritten ? [statusRecord.status(write.subject, write.status)] : [];
        });
        if (isWritten && this.#doubted.has(key)) {
          this.#doubted.set(key, { write, hasReturned: isSame(this.#fold.status(write.subject), write.status) });
        }
      } catch (error) {
        if (signal.aborted) break;
        if (isWritten) this.#doubted.set(key, undefined);
        this.logger.warn("A status could not be written; it is tried again", { key }, error);
        await this.clock.delay(backoff.nextMs(), signal);
        continue;
      }
      backoff.reset();
      if (this.#pending.get(key) === write) this.#pending.delete(key);
    }
    this.#writing.delete(key);
    if (this.#writing.size > 0) return;
    for (const flushed of this.#flushes) flushed.resolve();
    this.#flushes.clear();
  }

  #rewriteIfHidden(key: string, doubted: DoubtedWrite): void {
    const { subject, status, safe, stillWanted } = doubted.write;
    const stored = this.#fold.status(subject);
    if (isSame(stored, status)) doubted.hasReturned = true;
    if (!doubted.hasReturned || isSame(stored, status) || this.#pending.has(key)) return;
    this.#doubted.delete(key);
    const isOwn = status ? stored?.workerId === status.workerId : true;
    if (isOwn) this.#enqueue(subject, status, safe, stillWanted);
  }

  #isAllowed({ subject, status, safe, stillWanted, before }: PendingWrite, isLate: boolean): boolean {
    if (!stillWanted()) return false;
    if (!status) return true;
    const stored = this.#fold.status(subject);
    return (!safe || judgeSafeWrite(stored, status)) && (!isLate || judgeLateWrite(before, stored, status));
  }

  #sendNote(record: StoreRecord): void {
    this.#log.send([record]).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) {
        this.logger.warn("The topics of a connector could not be noted", { key: record.key.toString() }, error);
      }
    });
  }
}

function isSame(a: StoredStatus | undefined, b: StoredStatus | null): boolean {
  if (!a || !b) return !a && !b;
  const { state, trace, workerId, generation, version } = a;
  return (
    state === b.state &&
    trace === b.trace &&
    workerId === b.workerId &&
    generation === b.generation &&
    version === b.version
  );
}

function always(): boolean {
  return true;
}
