import { expect, test } from "vitest";
import { writeFile } from "../../../src/base/files/durable-files.js";
import { type LogFields, silentLogger } from "../../../src/base/logger.js";
import { SeededRandom } from "../../../src/base/random.js";
import { OffsetCheckpoint } from "../../../src/broker/offset-checkpoint.js";
import { MemoryDisk } from "../../support/memory-disk.js";

const PATH = "/checkpoint";

function read(content: string) {
  const disk = new MemoryDisk(new SeededRandom(1));
  writeFile(disk, PATH, content);
  const warnings: LogFields[] = [];
  const logger = { ...silentLogger, warn: (_: string, fields: LogFields = {}) => void warnings.push(fields) };
  return { checkpoint: new OffsetCheckpoint(PATH, disk, logger), warnings };
}

test.each([
  ["a line is no offset", "0\n2\nt 0 5\nt 1 x\n", 1],
  ["a line is cut", "0\n2\nt 0 5\nt 1", 1],
  ["lines are missing", "0\n2\nt 0 5\n", 1],
  ["it is empty", "", 0],
])("a damaged checkpoint is reported, and its intact lines count: %s", (_, content, count) => {
  const { checkpoint, warnings } = read(content);
  expect(warnings).toEqual([{ path: PATH, read: count }]);
  expect(checkpoint.get("t", 0)).toBe(count === 0 ? 0 : 5);
});

test("an intact checkpoint is read without a warning", () => {
  const { checkpoint, warnings } = read("0\n1\nt.x-y 3 7\n");
  expect([checkpoint.get("t.x-y", 3), checkpoint.get("t", 0), warnings]).toEqual([7, 0, []]);
});
