import { describe, expect, test } from "vitest";
import { CommandLoop, LoopEndedError } from "../../../src/base/command-loop.js";

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

  test("runs neighbours that share together, and the others alone and in order", async () => {
    const loop = new CommandLoop();
    const stop = new AbortController();
    const log: string[] = [];
    const step = (name: string) => async () => {
      log.push(`${name} in`);
      await Promise.resolve();
      log.push(`${name} out`);
    };
    const all = ["a", "b", "alone", "c", "d"].map((name) => loop.submit(name, step(name), name !== "alone"));
    const running = loop.run(stop.signal);
    await Promise.all(all);
    const together = (...[first, second]: string[]) => [`${first} in`, `${second} in`, `${first} out`, `${second} out`];
    expect(log).toEqual([...together("a", "b"), "alone in", "alone out", ...together("c", "d")]);
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
