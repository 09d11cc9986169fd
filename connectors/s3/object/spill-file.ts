import { type FileHandle, mkdtemp, open, rmdir, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHUNK_BYTES } from "./chunk-pool.js";

/** The bytes of one open file that did not fit in memory. */
export interface SpillFile {
  /** Bytes that are not dropped. */
  readonly length: number;
  append(pieces: readonly Buffer[]): Promise<void>;
  /** The first `count` bytes, in pieces. With `into`, each piece lies in that buffer and is valid until the next. */
  read(count: number, into?: Buffer): AsyncGenerator<Buffer>;
  drop(count: number): void;
  close(): Promise<void>;
}

/**
 * A temporary file without a name: unlinked as soon as it is open, so it disappears however the process ends. Dropped
 * bytes are freed on close; rotation bounds the size of a file.
 */
export async function openSpillFile(): Promise<SpillFile> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-s3-"));
  const path = join(folder, "open-file");
  try {
    const handle = await open(path, "wx+", 0o600);
    await unlink(path);
    return new TemporaryFile(handle);
  } finally {
    await rmdir(folder);
  }
}

class TemporaryFile implements SpillFile {
  #start = 0;
  #end = 0;

  constructor(private readonly handle: FileHandle) {}

  get length(): number {
    return this.#end - this.#start;
  }

  async append(pieces: readonly Buffer[]): Promise<void> {
    // Counted once all is written: an append that failed half-way starts again from the same place.
    let end = this.#end;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length; ) {
        const { bytesWritten } = await this.handle.write(piece, at, piece.length - at, end);
        at += bytesWritten;
        end += bytesWritten;
      }
    }
    this.#end = end;
  }

  async *read(count: number, into?: Buffer): AsyncGenerator<Buffer> {
    const end = this.#start + count;
    for (let at = this.#start; at < end; ) {
      const buffer = into ?? Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
      const { bytesRead } = await this.handle.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) throw new Error(`The temporary file of an open object ends at ${at}, expected ${end}`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }

  drop(count: number): void {
    this.#start += count;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
