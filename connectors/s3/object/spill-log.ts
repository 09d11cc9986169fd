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
  /** Those bytes. */
  readonly extents: Set<Extent>;
  /** It waits for its bytes to be moved. */
  isSparse: boolean;
}

interface Extent {
  /** Both change when the bytes are moved. `base` is the position of byte 0 in the segment. */
  segment: Segment;
  base: number;
  /** The bytes not dropped yet: [start, end). */
  start: number;
  readonly end: number;
}

/** The first bytes of an extent, no longer needed. */
interface Freed {
  readonly extent: Extent;
  readonly bytes: number;
}

interface Write {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
  readonly done: (extent: Extent) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The bytes of all open files of a task that did not fit in memory, one after the other in a few temporary files: a
 * descriptor for each 64 MiB, and one write for many small files. A file of which less than a quarter is still needed
 * gives that to the last one, so that a slow open file does not keep what its fast neighbours wrote: the disk holds at
 * most four times what is needed, and two files more. Writes wait for such moves.
 */
export class SpillLog {
  readonly #segments = new Set<Segment>();
  #current: Segment | undefined;
  readonly #queue: Write[] = [];
  readonly #sparse: Segment[] = [];
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();

  /** Tests make the temporary files smaller. */
  constructor(private readonly segmentBytes = SEGMENT_BYTES) {}

  /** Temporary files that are open. */
  get segments(): number {
    return this.#segments.size;
  }

  /** Resolves once nothing is written or moved. */
  get idle(): Promise<void> {
    return this.#writing;
  }

  /** An empty file in the log. */
  open(): SpillFile {
    return new ExtentFile(
      (pieces) => this.#append(pieces),
      (freed) => this.#free(freed),
    );
  }

  #append(pieces: readonly Buffer[]): Promise<Extent> {
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return new Promise((done, failed) => {
      this.#queue.push({ pieces, bytes, done, failed });
      if (!this.#isWriting) this.#writing = this.#writeAll();
    });
  }

  /** Never rejects: each write has its own result. */
  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#sparse.length > 0 || this.#queue.length > 0) {
      const sparse = this.#sparse[0];
      if (sparse) await this.#moveOne(sparse);
      else await this.#write(this.#queue.splice(0));
    }
    this.#isWriting = false;
    // If the handle cannot be closed, nothing is lost: its bytes are dropped, and its file has no name.
    if (this.#current) await this.#closeIfUnused(this.#current).catch(() => undefined);
  }

  async #write(writes: readonly Write[]): Promise<void> {
    try {
      const segment = await this.#room();
      let at = segment.end;
      await writeBuffers(
        segment.handle,
        writes.flatMap(({ pieces }) => pieces),
        at,
      );
      // Counted once all is written: after a failure the next write starts at the same place.
      for (const { bytes, done } of writes) {
        const extent = { segment, base: at, start: 0, end: bytes };
        if (bytes > 0) segment.extents.add(extent);
        segment.liveBytes += bytes;
        at += bytes;
        done(extent);
      }
      segment.end = at;
    } catch (error) {
      for (const { failed } of writes) failed(error);
    }
  }

  /** Moves one extent out of a sparse segment. It may be read meanwhile, and be dropped. */
  async #moveOne(sparse: Segment): Promise<void> {
    const [extent] = sparse.extents;
    if (!extent) {
      this.#sparse.shift();
      return;
    }
    try {
      const target = await this.#room();
      const { base, start, end } = extent;
      const at = target.end;
      await copyBytes(sparse.handle, base + start, target.handle, at, end - start);
      if (!sparse.extents.delete(extent)) return; // dropped: the next bytes take the place
      target.end += end - start;
      const live = end - extent.start;
      target.liveBytes += live;
      target.extents.add(extent);
      extent.segment = target;
      extent.base = at - start;
      sparse.liveBytes -= live;
      await this.#closeIfUnused(sparse);
    } catch {
      if (!sparse.extents.has(extent)) return; // dropped, and with it the file closed
      // Nothing is lost: the bytes stay where they are, until more of their segment is dropped.
      this.#sparse.shift();
      sparse.isSparse = false;
    }
  }

  async #room(): Promise<Segment> {
    const full = this.#current;
    if (full && full.end < this.segmentBytes) return full;
    const handle = await openUnnamed();
    this.#current = { handle, end: 0, liveBytes: 0, extents: new Set(), isSparse: false };
    this.#segments.add(this.#current);
    if (full) {
      this.#noteSparse(full);
      await this.#closeIfUnused(full);
    }
    return this.#current;
  }

  /** All at once: nothing is moved that is dropped next. */
  async #free(freed: readonly Freed[]): Promise<void> {
    for (const { extent, bytes } of freed) {
      extent.start += bytes;
      if (extent.start === extent.end) extent.segment.extents.delete(extent);
      extent.segment.liveBytes -= bytes;
    }
    const segments = new Set(freed.map(({ extent }) => extent.segment));
    for (const segment of segments) this.#noteSparse(segment);
    await Promise.all(Array.from(segments, (segment) => this.#closeIfUnused(segment)));
  }

  #noteSparse(segment: Segment): void {
    const { liveBytes, end, isSparse } = segment;
    if (isSparse || segment === this.#current || liveBytes === 0 || liveBytes >= end / 4) return;
    segment.isSparse = true;
    this.#sparse.push(segment);
    if (!this.#isWriting) this.#writing = this.#writeAll();
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
    private readonly free: (freed: readonly Freed[]) => Promise<void>,
  ) {}

  async append(pieces: readonly Buffer[]): Promise<void> {
    const extent = await this.write(pieces);
    this.#extents.push(extent);
    this.length += extent.end - extent.start;
  }

  async *read(count: number, into?: Buffer): AsyncGenerator<Buffer> {
    let left = count;
    for (const extent of this.#extents) {
      const end = Math.min(extent.end, extent.start + left);
      left -= end - extent.start;
      for (let at = extent.start; at < end; ) {
        const buffer = into ?? Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
        if (at < extent.start) throw new Error("Bytes of an open object are read after they were dropped");
        // Where the bytes are by now. A handle that is closed ends its running reads first.
        const { segment, base } = extent;
        const { bytesRead } = await segment.handle.read(buffer, 0, Math.min(buffer.length, end - at), base + at);
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
    const freed: Freed[] = [];
    for (const extent of this.#extents) {
      if (left === 0) break;
      const bytes = Math.min(left, extent.end - extent.start);
      freed.push({ extent, bytes });
      left -= bytes;
    }
    // If the handle cannot be closed, nothing is lost: its bytes are dropped, and its file has no name.
    this.free(freed).catch(() => undefined);
    this.#extents = this.#extents.filter(({ start, end }) => start < end);
  }

  async close(): Promise<void> {
    const extents = this.#extents;
    this.#extents = [];
    this.length = 0;
    await this.free(extents.map((extent) => ({ extent, bytes: extent.end - extent.start })));
  }
}

async function copyBytes(from: FileHandle, start: number, to: FileHandle, position: number, count: number) {
  const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, count));
  for (let copied = 0; copied < count; ) {
    const { bytesRead } = await from.read(chunk, 0, Math.min(chunk.length, count - copied), start + copied);
    if (bytesRead === 0) throw new Error("The temporary file of an open object is too short");
    await writeBuffers(to, [chunk.subarray(0, bytesRead)], position + copied);
    copied += bytesRead;
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
