import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { reportDemo } from "../../../src/demo/demo-report.js";
import { packagePath } from "../../../src/demo/package-path.js";

const NOTHING = {
  verdicts: [],
  rowCount: 0,
  snapshotMs: 0,
  counts: { transactions: 0, inserts: 0, updates: 0, deletes: 0 },
  liveEvents: 0,
  liveElapsedMs: 0,
  latenciesMs: [],
  memoryMiB: undefined,
  objects: 0,
};

test("the closing lines name files that the installed package has, and a command that it runs", () => {
  const named: string[] = [];
  const lines = reportDemo(NOTHING, (...parts) => {
    named.push(join(...parts));
    return packagePath(...parts);
  });
  expect(lines.join("\n")).not.toContain("npm run");
  expect(lines.join("\n")).toContain("  npx millrace demo --keep ");
  const { files } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as { files: string[] };
  // npm packs the README whatever package.json says.
  const packed = (path: string) => ["README.md", ...files].some((file) => path === file || path.startsWith(`${file}/`));
  expect(named.length).toBe(3);
  expect(named.filter((path) => !packed(path) || !existsSync(packagePath(path)))).toEqual([]);
});
