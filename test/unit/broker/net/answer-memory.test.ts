import { expect, test } from "vitest";
import { AnswerMemory } from "../../../../src/broker/net/answer-memory.js";

const MIB = 1024 * 1024;

test("a buffer is used again once it is given back, by whatever part of it, and only once", () => {
  const memory = new AnswerMemory();
  const first = memory.take(MIB);
  const second = memory.take(MIB);
  expect([first.length, second.length]).toEqual([MIB, MIB]);
  expect(second.buffer).not.toBe(first.buffer);
  memory.give(first.subarray(0, 1000));
  memory.give(first);
  expect(memory.keptBytes).toBe(MIB);
  const third = memory.take(MIB - 1000);
  expect([third.buffer === first.buffer, third.length, memory.keptBytes]).toEqual([true, MIB - 1000, 0]);
  expect(memory.take(MIB).buffer).not.toBe(first.buffer);
});

test("a buffer serves answers of more than half its size", () => {
  const memory = new AnswerMemory();
  const large = memory.take(MIB);
  memory.give(large);
  expect(memory.take(MIB / 2).buffer).not.toBe(large.buffer);
  expect(memory.take(MIB / 2 + 1).buffer).toBe(large.buffer);
});

test("small and very large buffers, and those of others, are not kept", () => {
  const memory = new AnswerMemory();
  for (const buffer of [memory.take(1000), memory.take(5 * MIB), Buffer.alloc(MIB)]) memory.give(buffer);
  expect(memory.keptBytes).toBe(0);
});

test("8 MiB are kept at most", () => {
  const memory = new AnswerMemory();
  const buffers = Array.from({ length: 12 }, () => memory.take(MIB));
  for (const buffer of buffers) memory.give(buffer);
  expect(memory.keptBytes).toBe(8 * MIB);
});

test("buffers of a size that nobody asks for any more make room for others", () => {
  const memory = new AnswerMemory();
  const small = Array.from({ length: 128 }, () => memory.take(MIB / 16));
  for (const buffer of small) memory.give(buffer);
  const large = memory.take(MIB);
  memory.give(large);
  expect(memory.keptBytes).toBe(8 * MIB);
  expect(memory.take(MIB).buffer).toBe(large.buffer);
});
