import { expect, test } from "vitest";
import { BufferGarbage } from "../../../src/base/buffer-garbage.js";
import { SimClock } from "../../../src/base/clock.js";

const MIB = 2 ** 20;

/** A heap in which each collection leaves the next of these numbers of bytes. */
function heapLeaving(...left: number[]) {
  const heap = { bytes: 10 * MIB, collections: 0 };
  const collectYoung = () => {
    heap.collections++;
    heap.bytes = left.shift() ?? heap.bytes;
  };
  return { heap, ask: { externalBytes: () => heap.bytes, collectYoung } };
}

test("collects once buffers have grown by more than 4 MiB, and not before", async () => {
  const clock = new SimClock();
  const { heap, ask } = heapLeaving(11 * MIB, 11 * MIB);
  new BufferGarbage(clock, ask).start();
  await clock.advance(1000);
  heap.bytes = 14 * MIB;
  await clock.advance(1000);
  expect(heap.collections).toBe(0);
  heap.bytes = 14 * MIB + 1;
  await clock.advance(50);
  expect(heap.collections).toBe(1);
  heap.bytes = 15 * MIB;
  await clock.advance(1000);
  expect(heap.collections).toBe(1);
  heap.bytes = 16 * MIB;
  await clock.advance(50);
  expect(heap.collections).toBe(2);
});

test("does not collect again and again because of buffers in use", async () => {
  const clock = new SimClock();
  const { heap, ask } = heapLeaving();
  new BufferGarbage(clock, ask).start();
  heap.bytes = 200 * MIB;
  await clock.advance(10_000);
  expect(heap.collections).toBe(1);
});

test("buffers freed later lower the base of the next growth", async () => {
  const clock = new SimClock();
  const { heap, ask } = heapLeaving();
  new BufferGarbage(clock, ask).start();
  heap.bytes = 20 * MIB;
  await clock.advance(50);
  heap.bytes = 2 * MIB;
  await clock.advance(50);
  heap.bytes = 7 * MIB;
  await clock.advance(50);
  expect(heap.collections).toBe(2);
});

test("this thread's dropped buffers do not pile up", async () => {
  const clock = new SimClock();
  new BufferGarbage(clock).start();
  const before = process.memoryUsage().external;
  let most = 0;
  for (let at = 0; at < 200; at++) {
    for (let i = 0; i < 16; i++) Buffer.allocUnsafeSlow(64 * 1024);
    await clock.advance(50);
    most = Math.max(most, process.memoryUsage().external - before);
  }
  // 49 MiB without it. Other tests in this process may hold some.
  expect(most).toBeLessThan(32 * MIB);
});
