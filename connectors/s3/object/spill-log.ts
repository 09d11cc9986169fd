import { type FileHandle, mkdtemp, open, rmdir, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHUNK_BYTES } from "./chunk-pool.js";
import type { SpillFile } from "./spill-file.js";

const SEGMENT_BYTES = 64 * 1024 * 1024;
/** The system takes at most 1,024 buffers in one write. */
const MAX_BUFFERS = 1000;

/**
 * A temporary file without a name: unlinked as soon as it is open, so it disappears however the process ends. It is
 * closed once nothing in it is needed.
 */
interface Segment {
  readonly handle: FileHandle;
  end: number;
  /** Bytes that an open file still needs, or that are being written. */
  liveBytes: number;
}

interface Extent {
  readonly segment: Segment;
  /** The bytes not dropped yet: [start, end). */
  start: number;
  readonly end: number;
}

interface Write {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly done: (extent: Extent) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The bytes of all open files of a task that did not fit in memory, one after the other in a few temporary files: a
 * descriptor for each 64 MiB that is still needed, and one write for many small files.
 */
export class SpillLog {
  readonly #segments = new Set<Segment>();
  #current: Segment | undefined;
  readonly #queue: Write[] = [];
  #isWriting = false;

  /** Temporary files that are open. */
  get segments(): number {
    return this.#segments.size;
  }

  /** An empty file in the log. */
  open(): SpillFile {
    return new ExtentFile(
      (pieces) => this.#append(pieces),
      (extent, bytes) => this.#free(extent.segment, bytes),
    );
  }

  #append(pieces: readonly Buffer[]): Promise<Extent> {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return new Promise((done, failed) => {
      this.#queue.push({ pieces, bytes, done, failed });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  /** Never rejects: each write has its own result. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      const writes = this.#queue.splice(0);
      try {
        const segment = await this.#room();
        const start = segment.end;
        const bytes = writes.reduce((sum, write) => sum + write.bytes, 0);
        await writeBuffers(
          segment.handle,
          writes.flatMap(({ pieces }) => pieces),
          start,
        );
        // Counted once all is written: after a failure the next write starts at the same place.
        segment.end += bytes;
        segment.liveBytes += bytes;
        let at = start;
        for (const { bytes: length, done } of writes) {
          done({ segment, start: at, end: at + length });
          at += length;
        }
      } catch (error) {
        for (const { failed } of writes) failed(error);
      }
    }
    this.#isWriting = false;
  }

  async #room(): Promise<Segment> {
    const full = this.#current;
    if (full && full.end < SEGMENT_BYTES) return full;
    const handle = await openUnnamed();
    this.#current = { handle, end: 0, liveBytes: 0 };
    this.#segments.add(this.#current);
    if (full) await this.#closeIfUnused(full);
    return this.#current;
  }

  async #free(segment: Segment, bytes: number): Promise<void> {
    segment.liveBytes -= bytes;
    await this.#closeIfUnused(segment);
  }

  async #closeIfUnused(segment: Segment): Promise<void> {
    if (segment.liveBytes > 0 || (segment === this.#current && this.#isWriting)) return;
    if (!this.#segments.delete(segment)) return;
    if (segment === this.#current) this.#current = undefined;
    await segment.handle.close();
  }
}

class ExtentFile implements SpillFile {
  #extents: Extent[] = [];
  length = 0;

  constructor(
    private readonly write: (pieces: readonly Buffer[]) => Promise<Extent>,
    private readonly free: (extent: Extent, bytes: number) => Promise<void>,
  ) {}

  async append(pieces: readonly Buffer[]): Promise<void> {
    const extent = await this.write(pieces);
    this.#extents.push(extent);
    this.length += extent.end - extent.start;
  }

  async *read(count: number, into?: Buffer): AsyncGenerator<Buffer> {
    let left = count;
    for (const { segment, start, end: last } of this.#extents) {
      const end = Math.min(last, start + left);
      left -= end - start;
      for (let at = start; at < end; ) {
        const buffer = into ?? Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
        const { bytesRead } = await segment.handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
        if (bytesRead === 0) throw new Error(`The temporary file of an open object ends at ${at}, expected ${end}`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
      if (left === 0) return;
    }
  }

  drop(count: number): void {
    let left = count;
    this.length -= count;
    let gone = 0;
    for (const extent of this.#extents) {
      const dropped = Math.min(left, extent.end - extent.start);
      extent.start += dropped;
      left -= dropped;
      // If the handle cannot be closed, nothing is lost: its bytes are dropped, and its file has no name.
      if (dropped > 0) this.free(extent, dropped).catch(() => undefined);
      if (extent.start < extent.end) break;
      gone++;
    }
    this.#extents.splice(0, gone);
  }

  async close(): Promise<void> {
    const extents = this.#extents;
    this.#extents = [];
    this.length = 0;
    for (const extent of extents) await this.free(extent, extent.end - extent.start);
  }
}

async function writeBuffers(handle: FileHandle, buffers: readonly Buffer[], position: number): Promise<void> {
  let at = position;
  for (let from = 0; from < buffers.length; from += MAX_BUFFERS) {
    let left: readonly Buffer[] = buffers.slice(from, from + MAX_BUFFERS);
    while (left.length > 0) {
      const { bytesWritten } = await handle.writev(left, at);
      at += bytesWritten;
      left = withoutFirst(left, bytesWritten);
    }
  }
}

/** A disk that is nearly full takes a part of a write; the next write then fails. */
function withoutFirst(buffers: readonly Buffer[], bytes: number): readonly Buffer[] {
  let left = bytes;
  for (const [at, buffer] of buffers.entries()) {
    if (left < buffer.length) return [buffer.subarray(left), ...buffers.slice(at + 1)];
    left -= buffer.length;
  }
  return [];
}

async function openUnnamed(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-s3-"));
  const path = join(folder, "open-files");
  try {
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return handle;
  } finally {
    await rmdir(folder);
  }
}
