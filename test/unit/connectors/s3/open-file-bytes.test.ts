import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BufferedBytes } from "../../../../connectors/s3/object/buffered-bytes.js";
import { CHUNK_BYTES, ChunkPool, FIRST_CHUNK_BYTES } from "../../../../connectors/s3/object/chunk-pool.js";
import { GzipCompression } from "../../../../connectors/s3/object/compression.js";
import { NO_ROWS, withRow } from "../../../../connectors/s3/object/existing-object.js";
import { openSpillFile, type SpillFile } from "../../../../connectors/s3/object/spill-file.js";

/** A spill file in memory. */
async function openMemoryFile(): Promise<SpillFile> {
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
    const bytes = new BufferedBytes(new ChunkPool(), openSpillFile);
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

describe("gzip", () => {
  test("is one member that unpacks to the rows, and knows their digest", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50_000 }), { maxLength: 10 }), (rows) => {
        const pool = new ChunkPool();
        const out: Buffer[] = [];
        const gzip = new GzipCompression(-1, pool, (piece) => out.push(Buffer.from(piece)));
        let digest = NO_ROWS;
        for (const row of rows) {
          gzip.write(Buffer.from(row));
          digest = withRow(digest, Buffer.from(row));
        }
        gzip.finish();
        gzip.finish();
        const packed = Buffer.concat(out);
        expect(gunzipSync(packed).equals(Buffer.concat(rows))).toBe(true);
        expect(gzip.rows).toEqual(digest);
        expect(pool.heldBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("holds at most one block of rows between writes", () => {
    const pool = new ChunkPool();
    const gzip = new GzipCompression(1, pool, () => undefined);
    gzip.write(Buffer.alloc(100));
    expect(pool.heldBytes).toBe(FIRST_CHUNK_BYTES);
    gzip.write(Buffer.alloc(3 * CHUNK_BYTES));
    expect(pool.heldBytes).toBe(CHUNK_BYTES);
    gzip.release();
    expect(pool.heldBytes).toBe(0);
  });
});
