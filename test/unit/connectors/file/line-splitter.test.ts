import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "../../../../connectors/file/line-splitter.js";

const split = (start: number, ...chunks: string[]) => {
  const splitter = new LineSplitter(start);
  return chunks.flatMap((chunk) => splitter.split(Buffer.from(chunk)));
};

test("lines end at \\n, \\r and \\r\\n, and positions are bytes", () => {
  expect(split(10, "a\nbé\r\nc\rd")).toEqual([
    { text: "a", end: 12 },
    { text: "bé", end: 17 },
    { text: "c", end: 19 },
  ]);
});

test("a \\r at the end waits for the \\n that may follow", () => {
  expect(split(0, "a\r")).toEqual([]);
  expect(split(0, "a\r", "\nb\n")).toEqual([
    { text: "a", end: 3 },
    { text: "b", end: 5 },
  ]);
  expect(split(0, "a\r", "b\n")).toEqual([
    { text: "a", end: 2 },
    { text: "b", end: 4 },
  ]);
});

test("an unfinished line is the rest", () => {
  const splitter = new LineSplitter(0);
  expect(splitter.split(Buffer.from("a\nbc\r"))).toEqual([{ text: "a", end: 2 }]);
  expect(splitter.rest()).toEqual({ text: "bc", end: 5 });
  expect(splitter.rest()).toBeUndefined();
});

test("however the bytes are cut, the lines are the same and each position is the start of the next line", () => {
  const part = fc.oneof(fc.constantFrom("\n", "\r", "\r\n"), fc.string({ unit: "binary", maxLength: 6 }));
  fc.assert(
    fc.property(fc.array(part), fc.array(fc.nat(40)), (parts, cuts) => {
      const bytes = Buffer.from(parts.join(""));
      const splitter = new LineSplitter(0);
      const lines = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        const to = Math.min(bytes.length, from + cut);
        lines.push(...splitter.split(Buffer.from(bytes.subarray(from, to))));
        from = to;
      }
      const rest = splitter.rest();
      const texts = [...lines, ...(rest ? [rest] : [])].map(({ text }) => text);
      const expected = bytes.toString("utf8").split(/\r\n|\r|\n/);
      if (expected.at(-1) === "") expected.pop();
      expect(texts).toEqual(expected);
      for (const [i, { end }] of lines.entries()) {
        const again = new LineSplitter(end);
        const following = [...again.split(bytes.subarray(end)), again.rest()].find((line) => line !== undefined);
        expect(following?.text).toBe(texts[i + 1]);
      }
    }),
  );
});
