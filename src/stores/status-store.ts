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

/** The most connectors and tasks whose failed attempts are remembered. Beyond it the oldest attempts count as lost. */
const MOST_DOUBTED = 10_000;

/** Called with a connector whose status, tasks' statuses or topics may have changed. Must not throw. */
export type StatusListener = (connector: string) => void;

/** Whether a pending write is still wanted. Checked before every attempt. */
type StillWanted = () => boolean;

interface PendingWrite {
  readonly subject: StatusSubject;
  readonly status: StoredStatus | null;
  readonly safe: boolean;
  readonly stillWanted: StillWanted;
  /** The log's status when this write was put. */
  readonly before: StoredStatus | undefined;
}

/** The last write of a key, which another record may hide. */
interface StandingWrite {
  readonly write: PendingWrite;
  /** It has returned through the log. */
  hasReturned: boolean;
  /** The log's last record of the key is an old owner's that the fold ignores. Compaction would keep only that one. */
  isOverlaid: boolean;
}

/**
 * Whether a safe write (UNASSIGNED, FAILED) may replace the stored status. Not if another worker wrote it in a later
 * generation: that worker owns the connector or task by now.
 */
export function judgeSafeWrite(stored: StoredStatus | undefined, status: StoredStatus): boolean {
  return !stored || stored.workerId === status.workerId || stored.generation <= status.generation;
}

/**
 * Whether a write may be retried after a failed attempt. Not if another worker has written since, in the same or a
 * later generation. The status stored before the attempt does not count: a group that lost its state counts its
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
 * Whether the stored status hides a newer one of this worker, which must then be written again. There are two
 * interleavings. First, a worker that was stopped beyond its session (SIGSTOP, a paused machine) reports its former work
 * when it continues, before it has read that others own it by now: an older generation, or a tombstone of a former
 * leader, over the owner's status. Second, an abandoned attempt of this worker lands after its newer status.
 *
 * @param isDoubted this worker has such an attempt.
 */
export function isHidden(own: StoredStatus | null, stored: StoredStatus | undefined, isDoubted: boolean): boolean {
  if (isSame(stored, own)) return false;
  if (isDoubted && (!own || stored?.workerId === own.workerId)) return true;
  if (!own || hasGivenUp(own)) return false;
  return !stored || (stored.workerId !== own.workerId && stored.generation < own.generation);
}

/**
 * States of connectors and tasks, and the topics they use: the status topic. Writes return at once and are retried
 * until they succeed, are unwanted, or a newer status of the same connector or task replaces them. Each attempt is
 * judged by the log's content at that time.
 */
export class StatusStore {
  readonly #fold = new StatusFold();
  readonly #log: CompactedLog;
  readonly #pending = new Map<string, PendingWrite>();
  /** Keys with a write in progress, so that two writes of one key never overtake each other. */
  readonly #writing = new Set<string>();
  /** How many attempts of a key may still land after their failure. */
  readonly #doubts = new Map<string, number>();
  /** The statuses of what this worker holds, and those in doubt: if one is hidden, it is written again. */
  readonly #standing = new Map<string, StandingWrite>();
  readonly #flushes = new Set<Deferred<void>>();
  readonly #closing = new AbortController();
  #topicsForgotten: (connector: string) => void = () => {};

  constructor(
    openLog: OpenLog,
    listener: StatusListener,
    private readonly clock: Clock,
    private readonly random: Random,
    private readonly logger: Logger,
    private readonly mostDoubted = MOST_DOUBTED,
  ) {
    setMaxListeners(0, this.#closing.signal); // every status that waits for its next attempt listens
    const changed = new Set<string>();
    const forgot = new Set<string>();
    const touched = new Set<string>();
    this.#log = openLog({
      apply: (record) => {
        const outcome = this.#fold.apply(record);
        if (outcome.changed !== undefined) changed.add(outcome.changed);
        if (outcome.forgot !== undefined) forgot.add(outcome.forgot);
        const key = record.key?.toString() ?? "";
        const standing = this.#standing.get(key);
        if (standing) {
          touched.add(key);
          const isShown = isSame(this.#fold.status(standing.write.subject), standing.write.status);
          if (isShown) standing.hasReturned = true;
          standing.isOverlaid = isShown && outcome.isLate === true;
        }
        return outcome.ignored;
      },
      applied: () => {
        for (const key of touched) this.#rewriteIfHidden(key);
        touched.clear();
        for (const connector of changed) listener(connector);
        changed.clear();
        for (const connector of forgot) this.#topicsForgotten(connector);
        forgot.clear();
      },
    });
  }

  start(): Promise<void> {
    return this.#log.start();
  }

  /** Writes a status over any stored one. */
  put(subject: StatusSubject, status: StoredStatus, stillWanted: StillWanted = always): void {
    this.#enqueue(subject, status, false, stillWanted);
  }

  /** Writes a status unless `judgeSafeWrite` forbids it at the time of the attempt. */
  putSafe(subject: StatusSubject, status: StoredStatus, stillWanted: StillWanted = always): void {
    this.#enqueue(subject, status, true, stillWanted);
  }

  /** Deletes a status. */
  remove(subject: StatusSubject, stillWanted: StillWanted = always): void {
    const pending = this.#pending.get(statusKey(subject));
    if (pending?.status === null && pending.stillWanted()) return;
    this.#enqueue(subject, null, false, stillWanted);
  }

  /** This worker does not hold it any more, and it needs no status: nothing of it is written again. */
  forget(subject: StatusSubject): void {
    this.#standing.delete(statusKey(subject));
  }

  /** Notes a connector's use of a topic, once. The next start of a task makes up for a lost note. */
  putTopic(use: TopicUse): void {
    if (!this.#fold.topics(use.connector).includes(use.topic)) this.#sendNote(statusRecord.topic(use));
  }

  /**
   * Calls `listener` whenever some worker has removed topics of a connector, so that tasks which still use them note
   * them again.
   */
  onTopicsForgotten(listener: (connector: string) => void): void {
    this.#topicsForgotten = listener;
  }

  /** Forgets the topics of a connector. */
  removeTopics(connector: string): void {
    for (const topic of this.#fold.topics(connector)) this.#sendNote(statusRecord.noTopic(topic, connector));
  }

  /** Resolves once every status written before the call is folded. @throws RetriableError STORE_UNREADABLE */
  readToEnd(timeoutMs: number): Promise<void> {
    return this.#log.readToEnd(timeoutMs);
  }

  /** Resolves once every status put so far, or a newer one, is written. */
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

  /** Topics that a connector has used, in order of name. */
  topics(connector: string): string[] {
    return this.#fold.topics(connector);
  }

  /** Closes the store. Unwritten statuses are lost, so flush first. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#log.close();
  }

  #enqueue(subject: StatusSubject, status: StoredStatus | null, safe: boolean, stillWanted: StillWanted): void {
    const key = statusKey(subject);
    if (!status || hasGivenUp(status)) this.#standing.delete(key);
    this.#pending.set(key, { subject, status, safe, stillWanted, before: this.#fold.status(subject) });
    if (this.#writing.has(key) || this.#closing.signal.aborted) return;
    this.#writing.add(key);
    mustRun(`The writer of ${key}`, this.#drain(key));
  }

  /** Writes the pending status of one key until none is left. */
  async #drain(key: string): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff({ initialMs: 1_000, maxMs: 10_000 }, this.random);
    for (let write = this.#pending.get(key); write && !signal.aborted; write = this.#pending.get(key)) {
      let isWritten = false;
      try {
        // Other workers may have written during the last attempt.
        if (backoff.attempts > 0) await this.#log.readToEnd();
        await this.#log.sendOnce(() => {
          // While the attempt waited, a newer status of the key may have been put: only the newest is written.
          write = this.#pending.get(key) ?? write!;
          isWritten = this.#isAllowed(write, backoff.attempts > 0);
          if (isWritten) this.#note(key, write);
          return isWritten ? [statusRecord.status(write.subject, write.status)] : [];
        });
      } catch (error) {
        if (signal.aborted) break;
        if (isWritten) this.#doubt(key);
        this.logger.warn("A status could not be written; it is tried again", { key }, error);
        await this.clock.delay(backoff.nextMs(), signal);
        continue;
      }
      backoff.reset();
      if (this.#pending.get(key) === write) this.#pending.delete(key);
      this.#rewriteIfHidden(key); // while its answer was on the way
    }
    this.#writing.delete(key);
    if (this.#writing.size > 0) return;
    for (const flushed of this.#flushes) flushed.resolve();
    this.#flushes.clear();
  }

  #note(key: string, write: PendingWrite): void {
    const hasReturned = isSame(this.#fold.status(write.subject), write.status);
    const isHeld = write.status !== null && !hasGivenUp(write.status);
    if (isHeld || this.#doubtsOf(key) > 0) this.#standing.set(key, { write, hasReturned, isOverlaid: false });
    else this.#standing.delete(key);
  }

  #rewriteIfHidden(key: string): void {
    const standing = this.#standing.get(key);
    if (!standing?.hasReturned || this.#pending.has(key)) return;
    const { subject, status, safe, stillWanted } = standing.write;
    const stored = this.#fold.status(subject);
    const doubts = this.#doubtsOf(key);
    if (!standing.isOverlaid && !isHidden(status, stored, doubts > 0)) return;
    // Counted: it may be the status of another process with this worker's name, which would rewrite its own in turn.
    if (!standing.isOverlaid && stored?.workerId === status?.workerId) this.#endDoubt(key);
    this.#standing.delete(key);
    this.#enqueue(subject, status, safe, stillWanted);
  }

  #doubt(key: string): void {
    const doubts = this.#doubtsOf(key) + 1;
    this.#doubts.delete(key);
    this.#doubts.set(key, doubts);
    for (const oldest of this.#doubts.keys()) {
      if (this.#doubts.size <= this.mostDoubted) break;
      this.#doubts.delete(oldest);
      const status = this.#standing.get(oldest)?.write.status;
      if (!status || hasGivenUp(status)) this.#standing.delete(oldest);
    }
  }

  #endDoubt(key: string): void {
    const doubts = this.#doubtsOf(key) - 1;
    if (doubts === 0) this.#doubts.delete(key);
    else this.#doubts.set(key, doubts);
  }

  #doubtsOf(key: string): number {
    return this.#doubts.get(key) ?? 0;
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

/** The worker that writes this does not hold the connector or task any more. */
function hasGivenUp({ state }: StoredStatus): boolean {
  return state === "UNASSIGNED";
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
