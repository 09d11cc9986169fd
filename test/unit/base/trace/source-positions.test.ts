import { expect, test } from "vitest";
import { withSourcePositions } from "../../../../src/base/trace/source-positions.js";

const ROOT = new URL("../../../../", import.meta.url).href;
/** Line 2, column 5 of the module is line 10, column 3 of the source. */
const MAP = JSON.stringify({ version: 3, sources: ["../../src/kafka/poll.ts"], names: [], mappings: ";IASE" });

test("positions in our compiled modules become those in their sources; all others stay", () => {
  const reads: string[] = [];
  const read = (url: string) => {
    reads.push(url);
    return MAP;
  };
  const stack = [
    "Error: file:///tmp/x.js:1:1 is bad",
    `    at Consumer.poll (${ROOT}dist/chunks/one.js:2:5)`,
    `    at async ${ROOT}dist/chunks/one.js:2:9`,
    "    at plugin (file:///opt/plugin/dist/chunks/one.js:2:5)",
    "    at node:internal/process/task_queues:95:5",
  ].join("\n");
  expect(withSourcePositions(stack, read).split("\n")).toEqual([
    "Error: file:///tmp/x.js:1:1 is bad",
    "    at Consumer.poll (src/kafka/poll.ts:10:3)",
    "    at async src/kafka/poll.ts:10:3",
    "    at plugin (file:///opt/plugin/dist/chunks/one.js:2:5)",
    "    at node:internal/process/task_queues:95:5",
  ]);
  expect(reads).toEqual([`${ROOT}dist/chunks/one.js.map`]);
});

test("a package whose folder has parentheses in its name", () => {
  const root = "file:///opt/copy%20(1)/millrace/";
  const stack = `Error: x\n    at f (${root}dist/chunks/five.js:2:5)\n    at async ${root}dist/chunks/five.js:2:9`;
  const mapped = "Error: x\n    at f (src/kafka/poll.ts:10:3)\n    at async src/kafka/poll.ts:10:3";
  expect(withSourcePositions(stack, () => MAP, root)).toBe(mapped);
});

test.each([
  [
    "is missing",
    "two",
    () => {
      throw new Error("ENOENT");
    },
  ],
  ["is no map", "three", () => "<html>"],
  ["does not know the position", "four", () => JSON.stringify({ version: 3, sources: [], names: [], mappings: "" })],
])("a stack stays as it is when the map %s", (_why, name, read) => {
  const stack = `Error: x\n    at f (${ROOT}dist/chunks/${name}.js:2:5)`;
  expect(withSourcePositions(stack, read)).toBe(stack);
});
