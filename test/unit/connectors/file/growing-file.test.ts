import { appendFile, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { GrowingFile, type StartingPoint } from "../../../../connectors/file/growing-file.js";

const RULES = { decode: (line: Buffer) => line.toString("utf8"), maxBytes: 1_000_000 };

let refusesList = false;
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const readdir = async (folder: string) => {
    if (!refusesList) return real.readdir(folder);
    throw Object.assign(new Error(`EACCES: permission denied, scandir '${folder}'`), { code: "EACCES" });
  };
  return { ...real, readdir };
});

let folder: string;
let path: string;
let events: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "growing-file-"));
  path = join(folder, "app.log");
  events = [];
  refusesList = false;
});

afterEach(() => rm(folder, { recursive: true }));

function growingFile(start: StartingPoint = { position: 0, identity: undefined }): GrowingFile {
  return new GrowingFile(path, start, RULES, (event) => events.push(event));
}

/** Reads until two reads in a row find nothing: one of them may only have gone on to another file. */
async function allLines(file: GrowingFile): Promise<string[]> {
  const found: string[] = [];
  for (let idle = 0; idle < 2; ) {
    const lines = await file.read();
    if ("waitingFor" in lines || lines.length === 0) idle++;
    else {
      idle = 0;
      found.push(...lines.map(({ text }) => text));
    }
  }
  return found;
}

/** Writes a file's first line, has it read, and returns the place behind it. */
async function readFirst(line: string): Promise<StartingPoint> {
  await writeFile(path, `${line}\n`);
  const file = growingFile();
  const lines = await file.read();
  await file.close();
  if ("waitingFor" in lines) throw new Error(lines.waitingFor);
  const { position, inode, fingerprint } = lines[0]!.offset as {
    position: number;
    inode: string;
    fingerprint: string;
  };
  return { position, identity: { inode, fingerprint } };
}

/** Names a file as rotated, last written at that second. */
async function rotate(from: string, to: string, second: number): Promise<void> {
  await utimes(from, second, second);
  await rename(from, to);
}

describe("a file that was rotated more than once while nobody read it", () => {
  test.each([
    ["by number", [`.2`, `.1`]],
    ["by date", [`-20261129`, `-20261130`]],
  ])("%s is read to its end, and every later one", async (_, [older, newer]) => {
    const start = await readFirst("one");
    await appendFile(path, "two\n");
    await rotate(path, path + older, 1000);
    await writeFile(path, "three\n");
    await rotate(path, path + newer, 2000);
    await writeFile(path, "four\n");
    await writeFile(`${path}.filtered`, "other\n");
    await writeFile(`${path}.9`, "read long ago\n");
    await utimes(`${path}.9`, 500, 500);
    const file = growingFile(start);
    expect(await allLines(file)).toEqual(["two", "three", "four"]);
    await file.close();
  });

  test("with a clock too coarse to tell, the higher number is the older file", async () => {
    const start = await readFirst("one");
    await appendFile(path, "two\n");
    await rotate(path, `${path}.10`, 1000);
    await writeFile(path, "three\n");
    await rotate(path, `${path}.9`, 1000);
    await writeFile(path, "four\n");
    const file = growingFile(start);
    expect(await allLines(file)).toEqual(["two", "three", "four"]);
    await file.close();
  });

  test("goes on after a restart in the middle of a later one", async () => {
    const start = await readFirst("one");
    await rotate(path, `${path}.2`, 1000);
    await writeFile(path, "two\nthree\n");
    await rotate(path, `${path}.1`, 2000);
    await writeFile(path, "four\n");
    const first = growingFile(start);
    let lines = await first.read();
    while ("waitingFor" in lines || lines.length === 0) lines = await first.read();
    await first.close();
    const { position, inode, fingerprint } = lines[0]!.offset as {
      position: number;
      inode: string;
      fingerprint: string;
    };
    const second = growingFile({ position, identity: { inode, fingerprint } });
    expect(await allLines(second)).toEqual(["three", "four"]);
    await second.close();
  });

  test("says which compressed one it skips, but not of a copy of what it has read", async () => {
    const start = await readFirst("one");
    await rotate(path, `${path}.3`, 1000);
    await writeFile(`${path}.4.gz`, gzipSync("one\n"));
    await utimes(`${path}.4.gz`, 1000, 1000);
    await writeFile(`${path}.2.gz`, gzipSync("two\n"));
    await utimes(`${path}.2.gz`, 2000, 2000);
    await writeFile(path, "three\n");
    await rotate(path, `${path}.1`, 3000);
    await writeFile(path, "four\n");
    const file = growingFile(start);
    expect(await allLines(file)).toEqual(["three", "four"]);
    expect(events.filter((event) => event.includes("skipped"))).toEqual([
      "was rotated to app.log.2.gz, which is compressed: its lines are skipped",
    ]);
    await file.close();
  });
});

test("a folder that may not be listed costs the rest of a rotated file, with a warning, and not the task", async () => {
  const start = await readFirst("one");
  await rename(path, `${path}.1`);
  await writeFile(path, "two\n");
  refusesList = true; // not chmod: tests may run as root
  const file = growingFile(start);
  expect(await allLines(file)).toEqual(["two"]);
  await file.close();
  expect(events[0]).toContain(`folder ${folder} cannot be listed without the permission to read it`);
});
