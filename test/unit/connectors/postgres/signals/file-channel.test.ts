import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileChannel } from "../../../../../connectors/postgres/signals/file-channel.js";
import type { LogFields } from "../../../../../src/api/index.js";
import { silentLogger } from "../../../../../src/base/logger.js";

let folder: string;
let path: string;
const warnings: unknown[] = [];
const logger = {
  ...silentLogger,
  warn: (message: string, fields?: LogFields) => void warnings.push([message, fields?.["line"]]),
};

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-signals-"));
  path = join(folder, "file-signals.txt");
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (id: string) => `{"id":"${id}","type":"log","data":{"message":"hi {}"}}\n`;
const signal = (id: string) => ({ id, type: "log", data: '{"message":"hi {}"}' });

test("takes the lines, and leaves an empty file", async () => {
  const channel = new FileChannel(path, "shop", logger);
  expect(await channel.read()).toBeUndefined();
  writeFileSync(path, line("a") + line("b").trimEnd());
  expect(await channel.read()).toEqual({ signals: [signal("a"), signal("b")], place: 1 });
  expect(readFileSync(path, "utf8")).toBe("");
  expect(await channel.read()).toBeUndefined();
  appendFileSync(path, line("c"));
  expect(await channel.read()).toEqual({ signals: [signal("c")], place: 2 });
  await channel.settle(1);
  expect(readdirSync(folder)).toEqual(["file-signals.txt", "file-signals.txt.taken-shop-2"]);
  await channel.settle(2);
  expect(readdirSync(folder)).toEqual(["file-signals.txt"]);
});

test("what was not settled comes again, before what has come since", async () => {
  const before = new FileChannel(path, "shop", logger);
  for (const id of ["a", "b"]) {
    writeFileSync(path, line(id));
    await before.read();
  }
  await before.settle(1);
  writeFileSync(path, line("c"));
  const after = new FileChannel(path, "shop", logger);
  expect(await after.read()).toEqual({ signals: [signal("b")], place: 2 });
  expect(await after.read()).toEqual({ signals: [signal("c")], place: 3 });
  await after.settle(3);
  expect(readdirSync(folder)).toEqual(["file-signals.txt"]);
});

test("lines that are no signals are warned of without their text", async () => {
  const channel = new FileChannel(path, "shop", logger);
  writeFileSync(path, `secret\n[1]\n\n{"id":"x"}\n${line("a")}`);
  expect(await channel.read()).toEqual({ signals: [signal("a")], place: 1 });
  expect(warnings).toEqual([
    [expect.stringContaining("A signal was ignored: it is no JSON object such as {"), 1],
    [expect.stringContaining("A signal was ignored: it is no JSON object such as {"), 2],
    ["A signal was ignored: it has no type", 4],
  ]);
  expect(JSON.stringify(warnings)).not.toContain("secret");
});

test("an unreadable folder is an error, and not an empty one", async () => {
  const channel = new FileChannel(join(folder, "absent", "signals.txt"), "shop", logger);
  await expect(channel.read()).rejects.toThrow(/ENOENT/);
  expect(existsSync(join(folder, "absent"))).toBe(false);
});

test("connectors that share a file never take, lose or remove what another has taken", async () => {
  const [shop, other] = [new FileChannel(path, "shop", logger), new FileChannel(path, "shop-1", logger)];
  writeFileSync(path, line("a"));
  await shop.read();
  writeFileSync(path, line("b"));
  expect(await other.read()).toEqual({ signals: [signal("b")], place: 1 });
  const again = new FileChannel(path, "shop", logger);
  expect(await again.read()).toEqual({ signals: [signal("a")], place: 1 });
  await other.settle(1);
  expect(readdirSync(folder)).toEqual(["file-signals.txt", "file-signals.txt.taken-shop-1"]);
});

test("a file that somebody else has removed holds up no other", async () => {
  const before = new FileChannel(path, "shop", logger);
  for (const id of ["a", "b"]) {
    writeFileSync(path, line(id));
    await before.read();
  }
  const removed = `${path}.taken-shop-1`;
  rmSync(removed);
  await before.settle(2);
  expect(readdirSync(folder)).toEqual(["file-signals.txt"]);
  // After the look at what is left, before it is read.
  for (const id of ["c", "d"]) {
    writeFileSync(path, line(id));
    await before.read();
  }
  const after = new FileChannel(path, "shop", logger);
  expect(await after.read()).toEqual({ signals: [signal("c")], place: 3 });
  rmSync(`${path}.taken-shop-4`);
  expect(await after.read()).toEqual({ signals: [], place: 4 });
  expect(warnings).toEqual([[expect.stringMatching(/^Signals were lost/), undefined]]);
  writeFileSync(path, line("e"));
  expect(await after.read()).toEqual({ signals: [signal("e")], place: 5 });
});
