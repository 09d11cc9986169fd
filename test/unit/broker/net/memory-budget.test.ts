import { beforeEach, describe, expect, test } from "vitest";
import { SimClock } from "../../../../src/base/clock.js";
import { SeededRandom } from "../../../../src/base/random.js";
import { type MemoryAccount, MemoryBudget, OWN_BYTES } from "../../../../src/broker/net/memory-budget.js";
import { seedOf } from "../../../support/seed.js";

const MIB = 1024 * 1024;
/** Half of it for requests, 3 MiB for records, 4 MiB for all answers. */
const LIMIT = 8 * MIB;

let clock: SimClock;
let budget: MemoryBudget;
beforeEach(() => {
  clock = new SimClock();
  budget = new MemoryBudget(() => LIMIT, clock);
});

/** A connection that reads a frame in chunks, as far as the budget lets it. */
class Reader {
  readonly account: MemoryAccount;
  isWaiting = false;
  evicted = false;
  done = 0;
  #left: number;

  constructor(
    private readonly frameBytes: number,
    private readonly chunkBytes = OWN_BYTES,
  ) {
    this.#left = frameBytes;
    this.account = budget.open({
      resume: () => {
        this.isWaiting = false;
      },
      evict: () => {
        this.evicted = true;
        this.account.close();
      },
    });
  }

  /** A chunk arrives, if the connection is read from. Returns whether it did. */
  step(): boolean {
    if (this.isWaiting || this.evicted) return false;
    const bytes = Math.min(this.chunkBytes, this.#left);
    this.account.addRequest(bytes);
    this.account.moved();
    this.#left -= bytes;
    if (this.#left === 0) {
      this.account.addRequest(-this.frameBytes);
      this.account.endFrame();
      this.#left = this.frameBytes;
      this.done++;
    }
    if (!this.account.mayRead) {
      this.isWaiting = true;
      this.account.waitToRead();
    }
    return true;
  }
}

/** Lets all readers read until each of them waits. */
async function readAll(readers: readonly Reader[], rounds = 1000): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    if (!readers.map((reader) => reader.step()).includes(true)) return;
    await clock.settled();
  }
}

describe("a share", () => {
  test("is what is free: half for one connection, less for each of several, and never less than its own bytes", () => {
    const read = (count: number) => {
      const readers = Array.from({ length: count }, () => new Reader(1000 * MIB));
      for (let round = 0; round < 100; round++) for (const reader of readers) if (reader.account.mayRead) reader.step();
      const held = readers.map(({ account }) => account.requestBytes);
      for (const { account } of readers) account.close();
      return [Math.min(...held), Math.max(...held)];
    };
    for (const count of [1, 3, 7]) {
      const share = LIMIT / 2 / (count + 1);
      const [least, most] = read(count);
      expect(least).toBeGreaterThanOrEqual(share - OWN_BYTES);
      expect(most).toBeLessThanOrEqual(share + OWN_BYTES);
    }
    expect(read(200)).toEqual([OWN_BYTES, OWN_BYTES]);
  });

  test("has no limit when the property is not positive, as in Kafka", () => {
    budget = new MemoryBudget(() => -1, clock);
    const reader = new Reader(1000 * MIB);
    for (let round = 0; round < 1000; round++) reader.step();
    expect([reader.isWaiting, budget.roomBytes, budget.mayServe]).toEqual([false, Number.POSITIVE_INFINITY, true]);
  });
});

describe("connections that all wait with a part of a frame", () => {
  test("each finish it: they take turns, and together never hold more than budget, one frame and their own bytes", async () => {
    const seed = seedOf("memory budget");
    const random = new SeededRandom(seed);
    const readers = Array.from(
      { length: 20 },
      () => new Reader(1 + random.integer(4 * MIB), OWN_BYTES / 8 + random.integer(OWN_BYTES)),
    );
    let most = 0;
    for (let round = 0; round < 200_000 && readers.some(({ done }) => done === 0); round++) {
      readers[random.integer(readers.length)]!.step();
      most = Math.max(most, budget.used);
      if (round % 20 === 0) await clock.settled();
    }
    expect(readers.filter(({ done, evicted }) => done === 0 || evicted)).toEqual([]);
    expect(most).toBeLessThanOrEqual(LIMIT / 2 + 4 * MIB + readers.length * 2 * OWN_BYTES);
    for (const { account } of readers) account.close();
    expect(budget.used).toBe(0);
  });

  test("do not wait for one that has the turn and does not send: it is closed", async () => {
    const readers = Array.from({ length: 10 }, () => new Reader(8 * MIB));
    for (let round = 0; round < 100; round++) for (const reader of readers) reader.step();
    await clock.settled();
    const silent = readers.find(({ isWaiting }) => !isWaiting)!;
    const others = readers.filter((reader) => reader !== silent);
    await clock.advance(5000);
    expect(silent.evicted).toBe(false);
    await clock.advance(2000);
    expect(silent.evicted).toBe(true);
    await readAll(others, 2000);
    expect(others.map(({ evicted }) => evicted)).not.toContain(true);
    expect(Math.min(...others.map(({ done }) => done))).toBeGreaterThan(0);
  });

  test("have time to send, however long they waited", async () => {
    const late = new Reader(8 * MIB);
    late.step();
    late.step();
    const release = late.account.hold(LIMIT / 2);
    const other = new Reader(8 * MIB);
    for (const reader of [late, other]) for (let round = 0; round < 2; round++) reader.step();
    expect([late.isWaiting, other.isWaiting]).toEqual([true, true]);
    await clock.advance(40_000);
    release();
    await clock.settled();
    expect(late.isWaiting).toBe(false);
    // Others wait again.
    other.account.addAnswer(LIMIT / 2);
    void other.account.room(new AbortController().signal);
    await clock.advance(2000);
    expect(late.evicted).toBe(false);
  });

  test("leave room to others, whose small requests are read at once and served", () => {
    const greedy = Array.from({ length: 30 }, () => new Reader(100 * MIB));
    for (let round = 0; round < 100; round++) for (const reader of greedy) reader.step();
    const small = new Reader(OWN_BYTES - 1);
    for (let count = 0; count < 10; count++) small.step();
    expect([small.done, small.isWaiting, small.account.mayServe]).toEqual([10, false, true]);
  });
});

describe("what a handler holds of a request while it waits", () => {
  test("counts like what is being read, until it is released", async () => {
    const reader = new Reader(MIB);
    const release = reader.account.hold(3 * MIB);
    expect([budget.used, budget.free, reader.account.mayRead]).toEqual([3 * MIB, MIB, false]);
    const other = new Reader(2 * MIB);
    while (other.account.mayRead) other.step();
    expect(other.account.requestBytes).toBeLessThanOrEqual(MIB / 2 + OWN_BYTES);
    release();
    expect([budget.used, reader.account.mayRead]).toEqual([other.account.requestBytes, true]);
  });

  test("counts when its connection is gone, and gets no connection closed that waits for the broker", async () => {
    const reader = new Reader(MIB);
    const release = reader.account.hold(LIMIT / 2);
    const other = new Reader(2 * OWN_BYTES);
    other.step();
    expect(other.isWaiting).toBe(true);
    await clock.advance(60_000);
    expect(reader.evicted).toBe(false);
    reader.account.close();
    expect(budget.used).toBe(LIMIT / 2 + other.account.requestBytes);
    release();
    expect(budget.used).toBe(other.account.requestBytes);
  });
});

test("while handlers hold the budget no frame is read in its turn: each would be held, too, without an end", async () => {
  const readers = Array.from({ length: 10 }, () => new Reader(4 * MIB));
  const releases: (() => void)[] = [];
  for (const { account } of readers) {
    const { endFrame } = account;
    account.endFrame = () => {
      releases.push(account.hold(4 * MIB));
      endFrame.call(account);
    };
  }
  await readAll(readers);
  expect(budget.used).toBeLessThanOrEqual(LIMIT / 2 + 4 * MIB + readers.length * 2 * OWN_BYTES);
  await clock.advance(60_000);
  expect(readers.filter(({ evicted }) => evicted)).toEqual([]);
  while (releases.length > 0) {
    for (const release of releases.splice(0)) release();
    await clock.settled();
    await readAll(readers);
    if (readers.every(({ done }) => done > 0)) break;
  }
  expect(Math.min(...readers.map(({ done }) => done))).toBeGreaterThan(0);
});

describe("clients that do not take their answers", () => {
  const holding = (count: number, bytes: number) => {
    const readers = Array.from({ length: count }, () => new Reader(0));
    for (const { account } of readers) account.addAnswer(bytes);
    return readers;
  };

  test("are closed once others wait for memory, and those get it", async () => {
    const held = holding(3, MIB);
    expect(budget.roomBytes).toBe(0);
    await clock.advance(60_000);
    expect(held.map(({ evicted }) => evicted)).not.toContain(true);
    held[0]!.account.moved();
    const other = new Reader(0);
    expect(other.account.mayServe).toBe(true);
    const room = other.account.room(new AbortController().signal).then(() => budget.roomBytes);
    await clock.advance(1000);
    expect(held.map(({ evicted }) => evicted)).toEqual([false, true, true]);
    expect(await room).toBe(2 * MIB);
  });

  test("hold up all requests for less than a group's shortest session once they hold their half of the budget", async () => {
    const deaf = holding(4, MIB);
    const other = new Reader(0);
    expect(other.account.mayServe).toBe(false);
    let resumed = false;
    other.account.holder.resume = () => {
      resumed = true;
    };
    other.account.waitToServe();
    await clock.advance(2000);
    deaf[0]!.account.moved();
    expect(resumed).toBe(false);
    await clock.advance(2000);
    expect([resumed, other.account.mayServe]).toEqual([true, true]);
    // No more than are needed, and none that takes its answers.
    expect(deaf.map(({ evicted }) => evicted)).toEqual([false, true, false, false]);
  });

  test("are not closed early if requests are served nevertheless", async () => {
    const deaf = holding(3, MIB);
    const waiting = new AbortController();
    void new Reader(0).account.room(waiting.signal);
    await clock.advance(29_000);
    expect(deaf.map(({ evicted }) => evicted)).toEqual([false, false, false]);
    waiting.abort();
  });

  test("keep nobody from sending: a request is read whatever they hold", () => {
    holding(100, OWN_BYTES);
    const reader = new Reader(MIB);
    while (reader.done === 0) expect(reader.step()).toBe(true);
  });

  test("do not get a client closed that has the turn, and may not be served before they take them", async () => {
    const readers = Array.from({ length: 10 }, () => new Reader(8 * MIB));
    for (let round = 0; round < 100; round++) for (const reader of readers) reader.step();
    const slow = holding(64, OWN_BYTES);
    // As a connection does that may not serve: it does not read on either.
    for (const reader of readers) {
      reader.account.holder.resume = () => {
        reader.isWaiting = !reader.account.mayServe;
        if (!reader.isWaiting) return;
        reader.account.waitToServe();
        reader.account.holdBack();
      };
    }
    await clock.advance(2000);
    expect(readers.map(({ evicted }) => evicted)).not.toContain(true);
    await clock.advance(38_000);
    expect(slow.map(({ evicted }) => evicted)).toContain(true);
    await readAll(readers, 2000);
    expect(readers.map(({ evicted }) => evicted)).not.toContain(true);
    expect(Math.min(...readers.map(({ done }) => done))).toBeGreaterThan(0);
  });

  test("leave some room to one that asks alone, however small the budget is", () => {
    budget = new MemoryBudget(() => 8, clock);
    expect([budget.roomBytes, budget.mayServe]).toEqual([3, true]);
  });

  test("an answer that waits for room ends with its connection", async () => {
    holding(1, LIMIT);
    const closed = new AbortController();
    const waiting = new Reader(0).account.room(closed.signal);
    closed.abort();
    await waiting;
  });
});
