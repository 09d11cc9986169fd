import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Backoff } from "../../../src/base/backoff.js";
import { SimClock } from "../../../src/base/clock.js";
import { Closers } from "../../../src/base/closers.js";
import { CommandLoop, LoopEndedError } from "../../../src/base/command-loop.js";
import { PropertiesError, parseProperties } from "../../../src/base/properties.js";
import { SeededRandom } from "../../../src/base/random.js";

describe("SimClock", () => {
  test("fires timers in order of time, including those set on the way", async () => {
    const clock = new SimClock();
    const fired: string[] = [];
    clock.schedule(20, () => fired.push("b"));
    clock.schedule(10, () => {
      fired.push("a");
      clock.schedule(5, () => fired.push("a+5"));
    });
    clock.schedule(30, () => fired.push("c")).cancel();
    await clock.advance(25);
    expect(fired).toEqual(["a", "a+5", "b"]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a delay ends with its signal and leaves no timer", async () => {
    const clock = new SimClock();
    const stop = new AbortController();
    const delayed = clock.delay(1000, stop.signal);
    stop.abort();
    await delayed;
    expect(clock.pendingTimers).toBe(0);
  });

  test("fires any timers in order of time, then of scheduling, and never a cancelled one", async () => {
    const timer = fc.record({ delayMs: fc.integer({ min: 0, max: 20 }), isCancelled: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(timer, { maxLength: 40 }), async (timers) => {
        const clock = new SimClock();
        const fired: number[] = [];
        const set = timers.map(({ delayMs }, at) => clock.schedule(delayMs, () => fired.push(at)));
        timers.forEach(({ isCancelled }, at) => {
          if (isCancelled) set[at]!.cancel();
        });
        const live = timers.map((each, at) => ({ ...each, at })).filter(({ isCancelled }) => !isCancelled);
        expect(clock.pendingTimers).toBe(live.length);
        await clock.advance(20);
        expect(fired).toEqual(live.sort((a, b) => a.delayMs - b.delayMs).map(({ at }) => at));
      }),
    );
  });

  test("a wait for a fraction of a millisecond ends, although the wall clock cannot hold it", async () => {
    const clock = new SimClock();
    const untilMs = clock.monotonicMs() + 487.3;
    const waited = (async () => {
      while (clock.monotonicMs() < untilMs) await clock.delay(untilMs - clock.monotonicMs());
    })();
    await clock.advance(500);
    await waited;
    expect(clock.nowMs()).toBe(1_700_000_000_500);
  });

  test("turns resolve one at a time, in the order of the calls, each after the effects of the one before", async () => {
    const clock = new SimClock();
    const seen: string[] = [];
    const loop = async (name: string) => {
      for (let turn = 0; turn < 3; turn++) {
        await clock.turn();
        await Promise.resolve();
        seen.push(`${name}${turn}`);
      }
    };
    void loop("a");
    void loop("b");
    await clock.settled();
    expect(seen).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
  });

  test("no timer fires before all turns have resolved", async () => {
    const clock = new SimClock();
    const seen: string[] = [];
    clock.schedule(1, () => seen.push("timer"));
    void (async () => {
      for (let turn = 0; turn < 20; turn++) await clock.turn();
      seen.push("turned");
    })();
    await clock.advance(1);
    expect(seen).toEqual(["turned", "timer"]);
  });
});

describe("CommandLoop", () => {
  test("runs one command at a time, in order, each to completion", async () => {
    const loop = new CommandLoop();
    const log: string[] = [];
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    const slow = loop.submit("slow", async () => {
      log.push("slow in");
      await Promise.resolve();
      log.push("slow out");
    });
    expect(await loop.submit("fast", () => log.push("fast"))).toBe(3);
    await slow;
    expect(log).toEqual(["slow in", "slow out", "fast"]);
    stop.abort();
    await running;
  });

  test("passes a failure to its submitter and continues", async () => {
    const loop = new CommandLoop();
    const stop = new AbortController();
    const running = loop.run(stop.signal);
    await expect(loop.submit("bad", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await loop.submit("good", () => 1)).toBe(1);
    stop.abort();
    await running;
  });

  test("rejects the commands that it did not run", async () => {
    const loop = new CommandLoop();
    const stop = new AbortController();
    const waiting = loop.submit("waiting", () => 1);
    stop.abort();
    await loop.run(stop.signal);
    await expect(waiting).rejects.toBeInstanceOf(LoopEndedError);
    await expect(loop.submit("late", () => 1)).rejects.toThrow("late was not run");
  });
});

test("Closers close everything in reverse order and report every failure", async () => {
  const closed: string[] = [];
  const closers = new Closers();
  closers.add("a", () => void closed.push("a"));
  closers.add("b", () => Promise.reject(new Error("stuck")));
  closers.add("c", () => void closed.push("c"));
  await expect(closers.close()).rejects.toThrow("Closing b failed");
  expect(closed).toEqual(["c", "a"]);
  await closers.close();
});

test("Backoff grows to its maximum and starts again", () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, jitter: 0 }, new SeededRandom(1));
  expect([1, 2, 3, 4, 5].map(() => backoff.nextMs())).toEqual([100, 200, 400, 800, 1000]);
  backoff.reset();
  expect(backoff.nextMs()).toBe(100);
});

describe("parseProperties", () => {
  test("reads the syntax of Java's Properties", () => {
    const text = [
      "# comment",
      "! comment",
      "bootstrap.servers=localhost:9092",
      "  key.converter : org.X",
      "spaced value with  blanks ",
      "multi=a,\\",
      "   b",
      "esc\\=aped\\:key=tab\\tnl\\nu\\u00e9",
      "empty=",
      "bare",
      "path=C:\\\\dir",
      "twice=1",
      "twice=2",
    ].join("\r\n");
    expect(parseProperties(text)).toEqual({
      "bootstrap.servers": "localhost:9092",
      "key.converter": "org.X",
      spaced: "value with  blanks ",
      multi: "a,b",
      "esc=aped:key": "tab\tnl\nué",
      empty: "",
      bare: "",
      path: "C:\\dir",
      twice: "2",
    });
  });

  test("names the line of a broken escape", () => {
    expect(() => parseProperties("a=1\nb=\\u12")).toThrow(PropertiesError);
    expect(() => parseProperties("a=1\nb=\\u12")).toThrow("line 2");
  });
});
