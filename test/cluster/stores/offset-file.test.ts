import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { readJavaMap, writeJavaMap } from "../../../src/stores/standalone/java-map.js";
import { OffsetFile } from "../../../src/stores/standalone/offset-file.js";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-offsets-"));
  path = join(folder, "connect.offsets");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);
const open = (logger = silentLogger) => new OffsetFile(path, logger);

describe("the offset file", () => {
  it("keeps the newest value of each key, and removes a key with its tombstone", () => {
    const file = open();
    expect(file.load()).toEqual([]);
    file.store([
      { key: bytes("a"), value: bytes("1") },
      { key: bytes("b"), value: bytes("1") },
    ]);
    file.store([
      { key: bytes("a"), value: bytes("2") },
      { key: bytes("b"), value: null },
    ]);
    expect(open().load()).toEqual([{ key: bytes("a"), value: bytes("2") }]);
    expect(readdirSync(folder)).toEqual(["connect.offsets"]);
  });

  it("is refused in a folder that does not exist, where no offset could be stored", () => {
    path = join(folder, "missing", "connect.offsets");
    expect(() => open().load()).toThrow(/offset\.storage\.file\.filename: the folder of .* does not exist/);
  });

  it("keeps what it cannot interpret", () => {
    writeFileSync(
      path,
      writeJavaMap([
        { key: bytes("another tool's"), value: bytes("x") },
        { key: null, value: bytes("y") },
        { key: bytes("reset"), value: null },
      ]),
    );
    const file = open();
    expect(file.load()).toEqual([
      { key: bytes("another tool's"), value: bytes("x") },
      { key: bytes("reset"), value: null },
    ]);
    file.store([{ key: bytes("a"), value: bytes("1") }]);
    expect(readJavaMap(readFileSync(path)).map(({ key }) => String(key))).toEqual(["another tool's", "reset", "a"]);
  });

  it("is taken for empty, with a warning, when it has no byte", () => {
    writeFileSync(path, "");
    const warnings: string[] = [];
    expect(open({ ...silentLogger, warn: (message) => void warnings.push(message) }).load()).toEqual([]);
    expect(warnings).toEqual(["The offset file is empty: sources start from their beginning"]);
  });

  it("refuses a file of another format, naming the key and the file, and leaves it as it is", () => {
    writeFileSync(path, "lines: 19\n");
    expect(() => open().load()).toThrow(
      new RegExp(`offset.storage.file.filename: ${path} is not a serialized HashMap.*all sources start`, "s"),
    );
    expect(readFileSync(path, "utf8")).toBe("lines: 19\n");
  });

  it("stores nothing of a write that fails", () => {
    const file = open();
    file.load();
    file.store([{ key: bytes("a"), value: bytes("1") }]);
    rmSync(folder, { recursive: true });
    expect(() => file.store([{ key: bytes("a"), value: bytes("2") }])).toThrow("ENOENT");
  });
});
