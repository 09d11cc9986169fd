import type { Clock, Timer } from "../../base/clock.js";
import { AnswerMemory } from "./answer-memory.js";

/** Bytes of a request that every connection may hold, whatever the others hold: heartbeats, for one, are smaller. */
export const OWN_BYTES = 64 * 1024;
/** Where less than this is free, no answer of records is begun: it would hold hardly more than a batch. */
const ROOM_BYTES = 64 * 1024;
/** Shares of the budget: for requests; for answers; of these, for answers of records. */
const REQUESTS = 1 / 2;
const ANSWERS = 1 / 2;
const RECORDS = 3 / 8;
/** While handlers hold more than this share, no connection has the turn: its frame might be held, too. */
const HELD = 1 / 8;
/** Interval at which stalled connections are looked for, and waiting ones are woken. */
const CHECK_MS = 1000;
/** A connection that holds memory, and of which nothing moves for so long, is closed if others wait for memory. */
const STALL_MS = 30_000;
/**
 * The same while no request is served because of such answers, for as few connections as must be closed to free enough memory. All
 * others wait, heartbeats included: shorter than the shortest session of a group (group.min.session.timeout.ms).
 */
const BLOCKING_MS = 3000;
/** The same for one whose turn it is: all others wait for it. Its bytes are expected at this rate. */
const TURN_MS = 5000;
const TURN_BYTES_PER_MS = 1024;

/** A connection, as the budget sees it. */
export interface Holder {
  /** There is memory: go on with reading or serving. */
  resume(): void;
  /** Close: others wait for the memory that this one holds, and nothing of it moves. */
  evict(): void;
}

/**
 * One budget of bytes for all connections (queued.max.request.bytes): half of it for requests that are being read, half
 * for answers that their clients have not taken. To read never depends on answers, and to serve never on requests.
 *
 * Shares: a connection may hold as many bytes of a request as are free. One alone gets half of them, of n greedy ones
 * each an (n + 1)th, and some always stays free for the next. OWN_BYTES it may hold whatever the others do. Above its
 * share it is not read from until memory is free. An answer of records is as large as there is room for, and waits for
 * room; all other requests are served until the half of the answers is used up.
 *
 * No deadlock: of the connections that wait with a part of a frame, the first has the turn, and is read to the end of its
 * frame in any case. The whole frame is served, its memory is free, and the next has the turn. The order is that in which
 * their frames began to wait. One that may not be served passes the turn on. A client that has the turn and sends nothing
 * is closed, and so is one that does not take its answers, or sends no rest of its request, if others wait for memory;
 * early, if its answers keep all requests from being served. What a handler holds of a request while it waits counts like
 * what is being read, and ends without the client; so the turn can wait for that.
 *
 * Together they hold at most the budget, the share for handlers, one frame, one answer, and OWN_BYTES and one chunk of the
 * socket each; what `AnswerMemory` keeps comes on top.
 */
export class MemoryBudget {
  /** Where the buffers of answers come from, and go to. */
  readonly answers = new AnswerMemory();
  readonly #accounts = new Set<MemoryAccount>();
  /** Those that had to wait with the frame that they read, in that order. They wait, or have been woken since. */
  readonly #readers = new Set<MemoryAccount>();
  #waitingReaders = 0;
  readonly #servers = new Set<MemoryAccount>();
  readonly #answerers = new Set<() => void>();
  #requestBytes = 0;
  /** Those of the requests that handlers hold. */
  #heldBytes = 0;
  #answerBytes = 0;
  #turn: { readonly account: MemoryAccount; readonly sinceMs: number; readonly startBytes: number } | undefined;
  #isWaking = false;
  #timer: Timer | undefined;

  /** @param limit queued.max.request.bytes, read at each use; not positive: no limit, as in Kafka. */
  constructor(
    private readonly limit: () => number,
    private readonly clock: Clock,
  ) {}

  /** Bytes that all connections hold. */
  get used(): number {
    return this.#requestBytes + this.#answerBytes;
  }

  /** Bytes that are free for requests; what the connection whose turn it is holds does not count. */
  get free(): number {
    return this.#share(REQUESTS) - this.#requestBytes + (this.#turn?.account.requestBytes ?? 0);
  }

  /** Bytes of records that may be read for an answer; 0: too few for one. */
  get roomBytes(): number {
    const share = this.#share(RECORDS);
    const room = share - this.#answerBytes;
    return room < Math.min(ROOM_BYTES, share) ? 0 : room;
  }

  /** Whether requests may be served. How large their answers will be is not known before. */
  get mayServe(): boolean {
    return this.#answerBytes < this.#share(ANSWERS);
  }

  open(holder: Holder): MemoryAccount {
    const account = new MemoryAccount(this, holder, this.clock);
    this.#accounts.add(account);
    return account;
  }

  /** For accounts. */
  add(requestBytes: number, answerBytes: number): void {
    this.#requestBytes += requestBytes;
    this.#answerBytes += answerBytes;
    if ((requestBytes < 0 || answerBytes < 0) && this.#isWaitedFor) this.#wakeSoon();
  }

  /** For accounts: a handler holds bytes of a request; negative: no more. */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    this.add(bytes, 0);
  }

  /** For accounts. */
  hasTurn(account: MemoryAccount): boolean {
    return this.#turn?.account === account;
  }

  /** For accounts: its frame is complete. */
  endFrame(account: MemoryAccount): void {
    this.#readers.delete(account);
    this.passTurn(account);
  }

  /** For accounts: it does not read on for now. It keeps its place in the order. */
  passTurn(account: MemoryAccount): void {
    if (this.#turn?.account !== account) return;
    this.#turn = undefined;
    this.#wakeSoon();
  }

  /** For accounts: `resume` is called once it may hold more of a request. */
  waitToRead(account: MemoryAccount): void {
    if (account.isWaiting) return;
    this.#readers.add(account);
    this.#setWaiting(account, true);
    this.#wakeSoon();
  }

  /** For accounts: `resume` is called once requests may be served. */
  waitToServe(account: MemoryAccount): void {
    this.#servers.add(account);
    this.#scheduleCheck();
  }

  /** Calls `resume` once there is room for an answer; the returned function ends the wait. */
  waitForRoom(resume: () => void): () => void {
    this.#answerers.add(resume);
    this.#scheduleCheck();
    return () => this.#answerers.delete(resume);
  }

  /** For accounts. */
  close(account: MemoryAccount): void {
    this.#accounts.delete(account);
    this.#servers.delete(account);
    if (account.isWaiting) this.#setWaiting(account, false);
    this.endFrame(account);
  }

  #share(part: number): number {
    const limit = this.limit();
    return limit > 0 ? limit * part : Number.POSITIVE_INFINITY;
  }

  get #isWaitedFor(): boolean {
    return this.#waitingReaders > 0 || this.#servers.size > 0 || this.#answerers.size > 0;
  }

  #setWaiting(account: MemoryAccount, isWaiting: boolean): void {
    account.isWaiting = isWaiting;
    if (!isWaiting) account.letRead();
    this.#waitingReaders += isWaiting ? 1 : -1;
  }

  /** Many connections free memory in one turn of the event loop; the waiting ones are woken once. */
  #wakeSoon(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    queueMicrotask(() => {
      this.#isWaking = false;
      this.#wake();
    });
  }

  /** Wakes in order, as many as there is memory for: each will hold some more. */
  #wake(): void {
    if (this.mayServe) {
      const servers = [...this.#servers];
      this.#servers.clear();
      for (const account of servers) account.holder.resume();
    }
    let free = this.free;
    for (const account of [...this.#readers]) {
      if (free <= 0) break;
      if (!account.isWaiting || !account.mayRead) continue;
      free -= OWN_BYTES;
      this.#resume(account);
    }
    this.#giveTurn();
    let room = this.roomBytes;
    for (const resume of [...this.#answerers]) {
      if (room <= 0) break;
      room -= ROOM_BYTES;
      this.#answerers.delete(resume);
      resume();
    }
    this.#scheduleCheck();
  }

  #giveTurn(): void {
    if (this.#turn || this.#heldBytes > this.#share(HELD)) return;
    for (const account of this.#readers) {
      if (!account.isWaiting) continue;
      this.#turn = { account, sinceMs: this.clock.monotonicMs(), startBytes: account.requestBytes };
      this.#resume(account);
      return;
    }
  }

  #resume(account: MemoryAccount): void {
    this.#setWaiting(account, false);
    account.holder.resume();
  }

  #scheduleCheck(): void {
    if (this.#timer || !this.#isWaitedFor) return;
    this.#timer = this.clock.schedule(CHECK_MS, () => {
      this.#timer = undefined;
      if (!this.#isWaitedFor) return;
      for (const account of [...this.#accounts]) if (this.#isStalled(account)) account.holder.evict();
      if (this.#servers.size > 0) this.#unblock();
      this.#wake();
    });
  }

  /** Closes those that have not taken their answers for longest, until there is room for other answers. */
  #unblock(): void {
    const lastMs = this.clock.monotonicMs() - BLOCKING_MS;
    const blocking = [...this.#accounts].filter(({ answerBytes, movedMs }) => answerBytes > 0 && movedMs < lastMs);
    let left = this.#answerBytes;
    for (const account of blocking.sort((a, b) => a.movedMs - b.movedMs)) {
      if (left <= this.#share(RECORDS)) return;
      left -= account.answerBytes;
      account.holder.evict();
    }
  }

  #isStalled(account: MemoryAccount): boolean {
    const nowMs = this.clock.monotonicMs();
    const { requestBytes, answerBytes, movedMs } = account;
    if (this.#turn?.account === account) {
      const { sinceMs, startBytes } = this.#turn;
      return nowMs - sinceMs > TURN_MS + (requestBytes - startBytes) / TURN_BYTES_PER_MS;
    }
    if (answerBytes > 0) return nowMs - movedMs > STALL_MS;
    if (requestBytes <= OWN_BYTES || account.isWaiting || account.isHeldBack) return false;
    return nowMs - Math.max(movedMs, account.letReadMs) > STALL_MS;
  }
}

/** One connection's part of the budget. */
export class MemoryAccount {
  #requestBytes = 0;
  #heldBytes = 0;
  #answerBytes = 0;
  #movedMs: number;
  #letReadMs: number;
  #isHeldBack = false;
  #isClosed = false;
  /** Set by the budget: it waits to read. */
  isWaiting = false;

  /** Made by `MemoryBudget.open` only. */
  constructor(
    private readonly budget: MemoryBudget,
    readonly holder: Holder,
    private readonly clock: Clock,
  ) {
    this.#movedMs = clock.monotonicMs();
    this.#letReadMs = this.#movedMs;
  }

  /** Bytes of requests that have arrived and are not served. */
  get requestBytes(): number {
    return this.#requestBytes;
  }

  /** Bytes of answers that are being made, or that the client has not taken. */
  get answerBytes(): number {
    return this.#answerBytes;
  }

  /** When the connection moved last. */
  get movedMs(): number {
    return this.#movedMs;
  }

  /** Since when its client may send, unless it waits to read or is held back. */
  get letReadMs(): number {
    return this.#letReadMs;
  }

  /** Whether it does not read on, because it may not serve. */
  get isHeldBack(): boolean {
    return this.#isHeldBack;
  }

  /** Whether more of a request may be read. */
  get mayRead(): boolean {
    const bytes = this.#requestBytes + this.#heldBytes;
    return bytes < OWN_BYTES || bytes < this.budget.free || this.budget.hasTurn(this);
  }

  /** Whether a request may be served. */
  get mayServe(): boolean {
    return this.budget.mayServe;
  }

  /** Bytes of records that may be read for an answer; 0: too few for one. */
  get roomBytes(): number {
    return this.budget.roomBytes;
  }

  /** Bytes of requests have arrived; negative: so many are served. */
  addRequest(bytes: number): void {
    if (this.#isClosed) return;
    this.#requestBytes += bytes;
    this.budget.add(bytes, 0);
  }

  /** A handler keeps bytes of a request until the returned function is called, whether the connection stays or not. */
  hold(bytes: number): () => void {
    this.#heldBytes += bytes;
    this.budget.hold(bytes);
    return () => {
      this.#heldBytes -= bytes;
      this.budget.hold(-bytes);
    };
  }

  /** Bytes of an answer are made; negative: so many are taken. */
  addAnswer(bytes: number): void {
    if (this.#isClosed) return;
    this.#answerBytes += bytes;
    this.budget.add(0, bytes);
  }

  /** A request was read, OWN_BYTES more of one have arrived, or a part of an answer was taken. */
  moved(): void {
    this.#movedMs = this.clock.monotonicMs();
  }

  /** A frame is complete. */
  endFrame(): void {
    this.budget.endFrame(this);
  }

  waitToRead(): void {
    this.budget.waitToRead(this);
  }

  /**
   * The connection does not read on, because it may not serve: no other connection may wait for its frame, and its client
   * is not to blame for the rest of a request.
   */
  holdBack(): void {
    this.#isHeldBack = true;
    this.budget.passTurn(this);
  }

  /** The connection may serve, and reads on. */
  readOn(): void {
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.letRead();
  }

  /** Its client may send again, and has the whole time for it. */
  letRead(): void {
    this.#letReadMs = this.clock.monotonicMs();
  }

  waitToServe(): void {
    this.budget.waitToServe(this);
  }

  /** Resolves once there is room for an answer, or `closed` aborts. */
  room(closed: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        stop();
        closed.removeEventListener("abort", finish);
        resolve();
      };
      const stop = this.budget.waitForRoom(finish);
      closed.addEventListener("abort", finish, { once: true });
      if (closed.aborted) finish();
    });
  }

  /** The connection is closed: what it held is free. */
  close(): void {
    this.addRequest(-this.#requestBytes);
    this.addAnswer(-this.#answerBytes);
    this.#isClosed = true;
    this.budget.close(this);
  }
}
