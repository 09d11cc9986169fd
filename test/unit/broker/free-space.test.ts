import { expect, test } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { FreeSpace } from "../../../src/broker/free-space.js";

test("producers are refused below the floor, counted between two looks at the disk, and each change is logged once", () => {
  const logged: string[] = [];
  const log = (level: string) => (_: string, fields: object | undefined) =>
    void logged.push(`${level} ${JSON.stringify(fields)}`);
  const space = new FreeSpace(() => 100, { ...silentLogger, error: log("error"), info: log("info") });
  space.measured(250);
  space.appended(150);
  expect(space.isLow).toBe(false);
  space.appended(1);
  expect(space.isLow).toBe(true);
  space.measured(99);
  expect(space.isLow).toBe(true);
  space.measured(100);
  expect(space.isLow).toBe(false);
  expect(logged).toEqual([`error {"freeBytes":99,"minBytes":100}`, `info {"freeBytes":100,"minBytes":100}`]);
});
