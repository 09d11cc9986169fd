import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SimClock } from "../../../src/base/clock.js";

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
