import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolders } from "../../../src/base/files/make-folders.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-folders-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("creates the parents, too, for their owner only, and returns the first", () => {
  expect(makeFolders(join(folder, "a", "b", "c"))).toBe(join(folder, "a"));
  expect(statSync(join(folder, "a", "b", "c")).mode & 0o777).toBe(0o700);
  expect(makeFolders(join(folder, "a", "b", "d"))).toBe(join(folder, "a", "b", "d"));
  expect(makeFolders(join(folder, "a", "b"))).toBeUndefined();
});

test("a file in the way is an error", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => makeFolders(join(folder, "file"))).toThrow(/EEXIST/);
  expect(() => makeFolders(join(folder, "file", "a", "b"))).toThrow(/ENOTDIR/);
});

test.runIf(process.platform === "linux")("a file system that takes no folders is an error", () => {
  expect(() => makeFolders("/proc/millrace/broker")).toThrow(/ENOENT/);
});
