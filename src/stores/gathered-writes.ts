import { mustRun } from "../base/command-loop.js";
import { type Deferred, deferred } from "../base/deferred.js";
import type { CompactedLog } from "./compacted-log.js";
import type { LeaderSends } from "./leader-sends.js";
import type { StoreRecord } from "./log-transport.js";

/**
 * Called before every attempt of a write, with the number of attempts made: several times before the first. Its error
 * ends the write.
 */
export type WritePermit = (attempts: number) => void;

/** Writes are gathered up to here, far below any limit of a batch: one that is too large must not fail the others. */
const GATHERED_BYTES = 64 * 1024;

interface Write {
  /** The connector that it changes, if any: two writes of one connector are never gathered. */
  readonly connector: string | undefined;
  readonly permit: WritePermit;
  readonly records: readonly StoreRecord[];
  readonly done: Deferred<void>;
}

/**
 * The leader's writes of the config topic. Those of several connectors that wait at the same time become one write, so
 * that a change of 500 connectors does not take 500 times the way to Kafka and back.
 */
export class GatheredWrites {
  #waiting: Write[] = [];
  #isWriting = false;

  /** @param leaderSends writes in transactions; undefined: the log's own transport. */
  constructor(
    private readonly log: CompactedLog,
    private readonly leaderSends: LeaderSends | undefined,
  ) {}

  /**
   * Resolves once the records have returned through the log.
   *
   * @param permit called, with the topic read to its end, right before the first attempt, and before each other. Its
   *   error goes to the caller, and possibly to those whose records were gathered with these.
   * @throws as CompactedLog.send and CompactedLog.readToEnd
   */
  write(connector: string | undefined, permit: WritePermit, records: readonly StoreRecord[]): Promise<void> {
    const done = deferred();
    this.#waiting.push({ connector, permit, records, done });
    if (!this.#isWriting) mustRun("The leader's writer of the config topic", this.#run());
    return done.promise;
  }

  async #run(): Promise<void> {
    this.#isWriting = true;
    let isRead = false;
    while (this.#waiting.length > 0) {
      if (!isRead) this.#dropForbidden();
      try {
        if (!isRead && this.#waiting.length > 0) await this.log.readToEnd();
      } catch (error) {
        for (const { done } of this.#waiting.splice(0)) done.reject(error);
        break;
      }
      // A failed write may have landed, and those that wait were decided without it.
      isRead = await this.#write(this.#gather());
    }
    this.#isWriting = false;
  }

  /** A former leader's writes must not wait for a Kafka that it cannot reach: its next round waits behind them. */
  #dropForbidden(): void {
    this.#waiting = this.#waiting.filter((write) => isPermitted(write));
  }

  /** @returns whether the topic is read to its end. */
  async #write(writes: readonly Write[]): Promise<boolean> {
    if (writes.length === 0) return true;
    const { log, leaderSends } = this;
    const records = writes.flatMap((write) => write.records);
    const permit = (attempts: number) => {
      for (const write of writes) write.permit(attempts);
    };
    try {
      await log.send(records, permit, leaderSends && ((all) => leaderSends.send(all)));
      await log.readToEnd();
      for (const { done } of writes) done.resolve();
      return true;
    } catch (error) {
      for (const { done } of writes) done.reject(error);
      return false;
    }
  }

  /** Takes the first write that is permitted, and others as far as they fit. */
  #gather(): Write[] {
    const gathered: Write[] = [];
    const left: Write[] = [];
    const connectors = new Set<string>();
    let bytes = 0;
    for (const write of this.#waiting) {
      const { connector, records } = write;
      const size = records.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
      const fits = gathered.length === 0 || bytes + size <= GATHERED_BYTES;
      if (!fits || (connector !== undefined && connectors.has(connector))) {
        left.push(write);
        continue;
      }
      if (!isPermitted(write)) continue;
      if (connector !== undefined) connectors.add(connector);
      gathered.push(write);
      bytes += size;
    }
    this.#waiting = left;
    return gathered;
  }
}

/** Rejects the write if it is not. */
function isPermitted({ permit, done }: Write): boolean {
  try {
    permit(0);
    return true;
  } catch (error) {
    done.reject(error);
    return false;
  }
}
