import { expect, test } from "vitest";
import { ByteSlab } from "../../../../src/api/values/byte-slab.js";

function write(slab: ByteSlab, text: string): Buffer {
  slab.begin();
  for (const letter of Buffer.from(text)) {
    slab.reserve(1);
    slab.bytes[slab.position++] = letter;
  }
  return slab.finish();
}

test("finished records do not change until the slab is released", () => {
  const slab = new ByteSlab();
  const texts = Array.from({ length: 50 }, (_, at) => String(at).repeat(1000 * (at % 7)));
  const records = texts.map((text) => write(slab, text));
  expect(records.map(String)).toEqual(texts);
});

test("a slab that is released after each record needs no more memory", () => {
  const slab = new ByteSlab();
  const { buffer } = slab.bytes;
  for (let at = 0; at < 1000; at++) {
    expect(String(write(slab, `record ${at}`))).toBe(`record ${at}`);
    slab.release();
  }
  expect(slab.bytes.buffer).toBe(buffer);
});

test("the memory of a large record is not kept", () => {
  const slab = new ByteSlab();
  const large = "x".repeat(3_000_000);
  expect(String(write(slab, large))).toBe(large);
  expect(slab.bytes.length).toBeGreaterThan(3_000_000);
  slab.release();
  expect(slab.bytes.length).toBeLessThan(1_000_000);
  expect(String(write(slab, "next"))).toBe("next");
});

test("an unfinished record is dropped when the next one begins", () => {
  const slab = new ByteSlab();
  const first = write(slab, "first");
  slab.begin();
  slab.bytes[slab.position++] = 0x21;
  expect([first, write(slab, "second")].map(String)).toEqual(["first", "second"]);
});
