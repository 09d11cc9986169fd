import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { withAnySignal } from "../../../src/base/any-signal.js";

test("aborts with any of the signals, also one that was aborted before", async () => {
  for (const which of [0, 1]) {
    const controllers = [new AbortController(), new AbortController()];
    const signals = controllers.map(({ signal }) => signal);
    await withAnySignal([...signals, undefined], async (any) => {
      expect(any.aborted).toBe(false);
      controllers[which]!.abort();
      expect(any.aborted).toBe(true);
    });
    expect(await withAnySignal(signals, async ({ aborted }) => aborted)).toBe(true);
  }
});

test("leaves no listener on signals that live longer", async () => {
  const { signal } = new AbortController();
  await withAnySignal([signal], async () => undefined);
  await expect(withAnySignal([signal], () => Promise.reject(new Error("x")))).rejects.toThrow("x");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});
