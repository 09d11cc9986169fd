import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Packer } from "../../../../connectors/s3/formats/format.js";
import { GzipPacker } from "../../../../connectors/s3/formats/gzip.js";
import { NO_ROWS, withRow } from "../../../../connectors/s3/formats/row-digest.js";
import { BufferedBytes } from "../../../../connectors/s3/object/buffered-bytes.js";
import { CHUNK_BYTES, ChunkPool, FIRST_CHUNK_BYTES } from "../../../../connectors/s3/object/chunk-pool.js";
import { Packing } from "../../../../connectors/s3/object/packing.js";
import type { SpillFile } from "../../../../connectors/s3/object/spill-file.js";
import { SpillLog } from "../../../../connectors/s3/object/spill-log.js";

const log = new SpillLog();
const inLog = () => log.open();

/** A spill file in memory. */
function openMemoryFile(): SpillFile {
  let bytes = Buffer.alloc(0);
  return {
    get length() {
      return bytes.length;
    },
    append: async (pieces) => {
      bytes = Buffer.concat([bytes, ...pieces]);
    },
    read: async function* (count) {
      yield Buffer.from(bytes.subarray(0, count));
    },
    drop: (count) => {
      bytes = bytes.subarray(count);
    },
    close: async () => undefined,
  };
}

async function read(bytes: BufferedBytes, count = bytes.length): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of bytes.read(count)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

/** Reads like a checksum does: each piece is used before the next. */
async function scan(bytes: BufferedBytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of bytes.scan(bytes.length)) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

type Step = { kind: "append"; size: number } | { kind: "drop"; share: number } | { kind: "spill" };

describe("the bytes of an open file", () => {
  test("are read as they were written, however they are dropped and spilled", async () => {
    const step = fc.oneof<fc.Arbitrary<Step>[]>(
      fc.record({ kind: fc.constant("append" as const), size: fc.integer({ min: 0, max: 200_000 }) }),
      fc.record({ kind: fc.constant("drop" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.constant({ kind: "spill" as const }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const pool = new ChunkPool();
        const bytes = new BufferedBytes(pool, openMemoryFile);
        let model = Buffer.alloc(0);
        let seed = 1;
        for (const action of steps) {
          if (action.kind === "append") {
            const piece = Buffer.alloc(action.size, `${seed++};`);
            bytes.append(piece);
            model = Buffer.concat([model, piece]);
          } else if (action.kind === "drop") {
            const count = Math.floor(model.length * action.share);
            bytes.drop(count);
            model = model.subarray(count);
          } else {
            await bytes.spill();
            expect(bytes.memoryBytes).toBe(0);
          }
          expect(bytes.length).toBe(model.length);
          expect((await read(bytes)).equals(model)).toBe(true);
          const half = Math.floor(model.length / 2);
          expect((await read(bytes, half)).equals(model.subarray(0, half))).toBe(true);
          expect((await scan(bytes)).equals(model)).toBe(true);
          expect(bytes.memoryBytes).toBe(pool.heldBytes);
        }
        await bytes.release();
        expect(pool.heldBytes).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test("use memory for their content only: 80 files of one row are 80 small chunks", () => {
    const pool = new ChunkPool();
    for (let i = 0; i < 80; i++) new BufferedBytes(pool, openMemoryFile).append(Buffer.alloc(700));
    expect(pool.heldBytes).toBe(80 * FIRST_CHUNK_BYTES);
  });

  test("use a small chunk again when the rest is on disk", async () => {
    const pool = new ChunkPool();
    const bytes = new BufferedBytes(pool, openMemoryFile);
    bytes.append(Buffer.alloc(300_000));
    await bytes.spill();
    bytes.append(Buffer.alloc(700));
    expect(pool.heldBytes).toBe(FIRST_CHUNK_BYTES);
  });

  test("are read from a temporary file piece by piece, and scanned through one chunk", async () => {
    const bytes = new BufferedBytes(new ChunkPool(), inLog);
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at % 251));
    bytes.append(content);
    await bytes.spill();
    expect((await read(bytes)).equals(content)).toBe(true);
    expect((await scan(bytes)).equals(content)).toBe(true);
    const places = new Set<ArrayBufferLike>();
    for await (const piece of bytes.scan(content.length)) places.add(piece.buffer);
    expect(places.size).toBe(1);
    await bytes.release();
  });

  test("need no temporary file when there are none", async () => {
    const bytes = new BufferedBytes(new ChunkPool(), () => expect.unreachable());
    await bytes.spill();
    bytes.append(Buffer.alloc(700));
    await bytes.release();
    await bytes.spill();
  });

  test("never use more than one chunk beyond the bytes written", () => {
    const pool = new ChunkPool();
    const bytes = new BufferedBytes(pool, openMemoryFile);
    for (let i = 0; i < 1000; i++) bytes.append(Buffer.alloc(700));
    expect(pool.heldBytes).toBeLessThan(700_000 + FIRST_CHUNK_BYTES + CHUNK_BYTES);
  });
});

describe("the log of bytes on disk", () => {
  test("keeps the bytes of many files apart in one temporary file, and closes it when nothing in it is needed", async () => {
    const step = fc.record({
      file: fc.nat(4),
      size: fc.integer({ min: 1, max: 100_000 }),
      dropped: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 6 }), async (rounds) => {
        const spillLog = new SpillLog();
        const files = Array.from({ length: 5 }, () => ({ file: spillLog.open(), model: Buffer.alloc(0) }));
        let seed = 0;
        for (const round of rounds) {
          // Each file once in a round, all at the same time.
          const writes = [...new Map(round.map((each) => [each.file, each])).values()];
          await Promise.all(
            writes.map(async ({ file: at, size }) => {
              const piece = Buffer.alloc(size, `${seed++};`);
              const half = size >> 1;
              const entry = files[at]!;
              await entry.file.append([piece.subarray(0, half), piece.subarray(half)]);
              entry.model = Buffer.concat([entry.model, piece]);
            }),
          );
          for (const { file: at, dropped } of writes) {
            const entry = files[at]!;
            const count = Math.floor(entry.model.length * dropped);
            entry.file.drop(count);
            entry.model = entry.model.subarray(count);
          }
          for (const { file, model } of files) {
            const pieces: Buffer[] = [];
            for await (const piece of file.read(model.length)) pieces.push(piece);
            expect(Buffer.concat(pieces).equals(model)).toBe(true);
            expect(file.length).toBe(model.length);
          }
          expect(spillLog.segments).toBeLessThanOrEqual(1);
        }
        for (const { file } of files) await file.close();
        expect(spillLog.segments).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("goes on in another temporary file after 64 MiB, and gives back the first one alone", async () => {
    const spillLog = new SpillLog();
    const [old, recent] = [spillLog.open(), spillLog.open()];
    const piece = Buffer.alloc(1024 * 1024);
    for (let i = 0; i < 64; i++) await old.append([piece]);
    await recent.append([piece]);
    expect(spillLog.segments).toBe(2);
    await old.close();
    expect(spillLog.segments).toBe(1);
    await recent.close();
    expect(spillLog.segments).toBe(0);
  });
});

describe("a temporary file of which little is needed", () => {
  async function contentOf(file: SpillFile): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for await (const piece of file.read(file.length)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  }

  function dropFrom(entry: { readonly file: SpillFile; model: Buffer }, count: number): void {
    entry.file.drop(count);
    entry.model = entry.model.subarray(count);
  }

  test("gives that to the next one: a slow open file does not keep what fast ones wrote", async () => {
    const spillLog = new SpillLog(1_000_000);
    const slow = spillLog.open();
    for (let round = 0; round < 100; round++) {
      const fast = spillLog.open();
      await Promise.all([slow.append([Buffer.alloc(100, round)]), fast.append([Buffer.alloc(100_000)])]);
      await fast.close();
    }
    await spillLog.idle;
    expect(spillLog.segments).toBeLessThanOrEqual(2);
    expect(await contentOf(slow)).toEqual(Buffer.concat(Array.from({ length: 100 }, (_, at) => Buffer.alloc(100, at))));
    await slow.close();
  });

  test("is read while its bytes are moved, and they are dropped", async () => {
    const spillLog = new SpillLog(400_000);
    const [kept, dropped, fast] = [spillLog.open(), spillLog.open(), spillLog.open()];
    const content = Buffer.from(Array.from({ length: 80_000 }, (_, at) => at % 251));
    await kept.append([content]);
    await dropped.append([content.subarray(0, 10_000)]);
    await fast.append([Buffer.alloc(400_000)]);
    const reading = kept.read(content.length);
    const pieces = [Buffer.from((await reading.next()).value!)];
    await fast.append([Buffer.alloc(1000)]); // the first one is full now
    fast.drop(400_000); // its bytes begin to move
    dropped.drop(4000);
    await spillLog.idle; // they have moved
    expect(spillLog.segments).toBe(1);
    for await (const piece of reading) pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).equals(content)).toBe(true);
    expect((await contentOf(dropped)).equals(content.subarray(4000, 10_000))).toBe(true);
    kept.drop(70_000);
    expect((await contentOf(kept)).equals(content.subarray(70_000))).toBe(true);
    for (const file of [kept, dropped, fast]) await file.close();
    await spillLog.idle;
    expect(spillLog.segments).toBe(0);
  });

  test("keeps the bytes of every file, whatever is written, dropped and read at the same time", async () => {
    const step = fc.record({
      file: fc.nat(4),
      size: fc.integer({ min: 1, max: 30_000 }),
      quartersDropped: fc.nat(4),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
        const spillLog = new SpillLog(50_000);
        const files = Array.from({ length: 5 }, () => ({ file: spillLog.open(), model: Buffer.alloc(0) }));
        let seed = 0;
        for (const { file: at, size, quartersDropped } of steps) {
          const entry = files[at]!;
          const piece = Buffer.alloc(size, `${seed++};`);
          await entry.file.append([piece]);
          entry.model = Buffer.concat([entry.model, piece]);
          dropFrom(entry, (entry.model.length * quartersDropped) >> 2);
          await contentOf(entry.file); // moves are under way
          const next = files[(at + 1) % files.length]!;
          dropFrom(next, next.model.length >> 1);
          const contents = await Promise.all(files.map(({ file }) => contentOf(file)));
          for (const [index, content] of contents.entries()) expect(content.equals(files[index]!.model)).toBe(true);
        }
        await spillLog.idle;
        const live = files.reduce((sum, { model }) => sum + model.length, 0);
        expect(spillLog.segments).toBeLessThanOrEqual(Math.floor((4 * live) / 50_000) + 1);
        for (const { file } of files) await file.close();
        await spillLog.idle;
        expect(spillLog.segments).toBe(0);
      }),
      { numRuns: 100 },
    );
  });
});

const FACTS = { startOffset: 0, endOffset: 9, count: 10 };

describe("gzip", () => {
  const nothing = async () => undefined;

  function packing(level = -1) {
    const pool = new ChunkPool();
    const rows = new BufferedBytes(pool, openMemoryFile);
    const output = new BufferedBytes(pool, openMemoryFile);
    return { pool, rows, output, gzip: new Packing(new GzipPacker(level), pool, rows, output, nothing) };
  }

  test("is one member that unpacks to the rows, and knows their digest", async () => {
    const written = fc.record({
      row: fc.uint8Array({ maxLength: 100_000 }),
      next: fc.constantFrom("", "pack", "spill"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(written, { maxLength: 10 }), async (steps) => {
        const { pool, rows, output, gzip } = packing();
        let digest = NO_ROWS;
        for (const { row, next } of steps) {
          rows.append(Buffer.from(row));
          digest = withRow(digest, Buffer.from(row));
          if (next === "pack") await gzip.packBlocks();
          if (next === "spill") await rows.spill();
        }
        await gzip.finish(FACTS, NO_ROWS);
        await gzip.finish(FACTS, NO_ROWS);
        expect(gunzipSync(await read(output)).equals(Buffer.concat(steps.map(({ row }) => row)))).toBe(true);
        expect(gzip.digest).toEqual(digest);
        await output.release();
        expect(pool.heldBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("packs nothing twice after an error", async () => {
    const { rows, output } = packing();
    const pool = new ChunkPool();
    let failures = 2;
    const gzip = new Packing(new GzipPacker(1), pool, rows, output, async () => {
      if (failures-- > 0) throw new Error("ENOSPC");
    });
    const content = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));
    rows.append(content);
    await expect(gzip.packBlocks()).rejects.toThrow("ENOSPC");
    await expect(gzip.finish(FACTS, NO_ROWS)).rejects.toThrow("ENOSPC");
    await gzip.finish(FACTS, NO_ROWS);
    expect(gunzipSync(await read(output)).equals(content)).toBe(true);
  });

  test("holds nothing for a file but its rows, which can move to disk", async () => {
    const { pool, rows } = packing();
    rows.append(Buffer.alloc(100));
    expect(pool.heldBytes).toBe(FIRST_CHUNK_BYTES);
    await rows.spill();
    expect(pool.heldBytes).toBe(0);
  });
});

test("blocks of whole rows are packed once each, also after errors", async () => {
  const pool = new ChunkPool();
  const rows = new BufferedBytes(pool, openMemoryFile);
  const output = new BufferedBytes(pool, openMemoryFile);
  const faults = ["block", "spill", "block"];
  const failAt = (place: string) => {
    if (faults[0] === place) throw new Error(faults.shift());
  };
  const packer: Packer = {
    blockBytes: 10,
    hasWholeRows: true,
    begin: () => Buffer.from("<"),
    block: async (readRows, count) => {
      const block = await readRows();
      failAt("block");
      return Buffer.from(`${count}:${block}|`);
    },
    end: ({ facts, all, first }) => Buffer.from(`${facts.count},${all.length},${first.length}>`),
  };
  const packing = new Packing(packer, pool, rows, output, async () => failAt("spill"));
  for (const row of ["aaaa", "bbbbbbbb", "cccccccccccccccc", "d", "ee"]) {
    rows.append(Buffer.from(row));
    packing.note(row.length);
  }
  await expect(packing.packBlocks()).rejects.toThrow("block");
  await expect(packing.packBlocks()).rejects.toThrow("spill");
  await expect(packing.finish(FACTS, NO_ROWS)).rejects.toThrow("block");
  await packing.finish(FACTS, NO_ROWS);
  await packing.finish(FACTS, NO_ROWS);
  expect((await read(output)).toString()).toBe("<2:aaaabbbbbbbb|1:cccccccccccccccc|2:dee|10,31,0>");
  expect(packing.digest.length).toBe(31);
});
