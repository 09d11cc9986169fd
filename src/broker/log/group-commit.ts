import { LogEnds } from "./log-ends.js";

export interface GroupCommitOptions {
  /** The end of the log, which is on disk as a whole. */
  readonly end: number;
  /** Forces everything appended so far to disk. Called again only once its promise has settled. */
  readonly force: () => Promise<void>;
  /** Resolves once the requests that have arrived are served: their batches share the sync. */
  readonly turn: () => Promise<void>;
  /** flush.messages: records that may be acknowledged before they are on disk, plus one. Read at each use. */
  readonly flushMessages: () => number;
  /** Called when that many bytes more may be read. */
  readonly onReadable: (bytes: number) => void;
  /** Called when `force` failed. The owner calls `stop`, and never appends again. */
  readonly onFailed: (cause: unknown) => void;
}

interface Wait {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/**
 * Acknowledges the batches of one log when they are on disk, and owns the log's ends. One sync is under way at a time;
 * batches appended meanwhile share the next one, so that the cost of a sync is divided among all that wait for it.
 */
export class GroupCommit {
  readonly #options: GroupCommitOptions;
  readonly #ends: LogEnds;
  #waits: Wait[] = [];
  /** Ends with the loop, not a microtask later as its promise would: a batch appended between them would wait forever. */
  #isRunning = false;
  #running: Promise<void> = Promise.resolve();
  #isWanted = false;
  #stopped: Error | undefined;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
    this.#ends = new LogEnds(options.end);
  }

  /** The end for readers: what is behind it may be lost, or refused. */
  get highWatermark(): number {
    return this.#ends.highWatermark;
  }

  get durableEnd(): number {
    return this.#ends.durable;
  }

  /** Whether records are appended that are not known to be on disk. */
  get isBehind(): boolean {
    return this.#ends.undurable > 0;
  }

  /** The sync under way; undefined when there is none. Never rejects. */
  get running(): Promise<void> | undefined {
    return this.#isRunning ? this.#running : undefined;
  }

  /** Called after each append. */
  appended(endOffset: number, bytes: number): void {
    this.#ends.append(endOffset, bytes);
    this.#advance();
    if (this.#mustForce()) this.#start();
  }

  /** Forces to disk what is appended, whatever flush.messages: for flush.ms, and to seal a segment. */
  want(): void {
    this.#isWanted = true;
    this.#start();
  }

  /** Everything before `offset` was forced to disk in another way. */
  markDurable(offset: number): void {
    this.#ends.markDurable(offset);
    this.#advance();
  }

  /**
   * Resolves once the records before `offset` are acknowledged; undefined: they are. Rejects when the log stops before.
   */
  settled(offset: number): Promise<void> | undefined {
    if (offset <= this.#ends.highWatermark) return undefined;
    if (this.#stopped) return Promise.reject(this.#stopped);
    return new Promise((resolve, reject) => this.#waits.push({ offset, resolve, reject }));
  }

  /** Rejects everything that waits, with `cause`; nothing is acknowledged from now on. */
  stop(cause: Error): void {
    this.#stopped ??= cause;
    for (const { reject } of this.#waits.splice(0)) reject(cause);
  }

  #mustForce(): boolean {
    return this.#isWanted || this.#ends.undurable >= this.#options.flushMessages();
  }

  #start(): void {
    if (this.#isRunning || this.#stopped) return;
    this.#isRunning = true;
    this.#running = this.#run();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped && this.#mustForce()) {
        await this.#options.turn();
        if (this.#stopped) return;
        this.#isWanted = false;
        const end = this.#ends.durable + this.#ends.undurable;
        await this.#options.force();
        if (this.#stopped) return;
        this.#ends.markDurable(end);
        this.#advance();
      }
    } catch (cause) {
      this.#options.onFailed(cause);
    } finally {
      this.#isRunning = false;
    }
  }

  #advance(): void {
    if (this.#stopped) return;
    const bytes = this.#ends.advance(this.#options.flushMessages());
    if (bytes === 0) return;
    const { highWatermark } = this.#ends;
    if (this.#waits.length > 0) {
      const waits = this.#waits;
      this.#waits = waits.filter(({ offset }) => offset > highWatermark);
      for (const { offset, resolve } of waits) if (offset <= highWatermark) resolve();
    }
    this.#options.onReadable(bytes);
  }
}
