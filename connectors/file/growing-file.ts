import type { BigIntStats } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { ConfigError } from "../../src/api/index.js";
import { type FileIdentity, fingerprintOf, hasFingerprint, readHead } from "./file-identity.js";
import type { LineSource, PlacedLine } from "./line-source.js";
import { type Line, type LineRules, LineSplitter } from "./line-splitter.js";
import { openNextRotated, openRotated, unreadable } from "./rotated-files.js";

const CHUNK_BYTES = 64 * 1024;
const NOTHING = Buffer.alloc(0);

/** Where reading starts. */
export interface StartingPoint {
  readonly position: number;
  /** Of the file that was read up to there; undefined if only the position is known. */
  readonly identity: FileIdentity | undefined;
}

/**
 * A growing file, which need not exist yet. When another file takes its path, or it is cut short and written anew, the
 * old one is read to its end first if it can be found, then those that were rotated after it, and then the new one from
 * its beginning; also when that happened while nobody was reading.
 */
export class GrowingFile implements LineSource {
  readonly #chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  #handle: FileHandle | undefined;
  #inode = "";
  /** The first bytes, as far as they are read: they show whether the file was written anew. */
  #head: Buffer = NOTHING;
  #isRegular = true;
  #splitter: LineSplitter;
  #position: number;
  #expected: FileIdentity | undefined;
  sizeBytes: number | undefined;

  /**
   * @param changed called with what happened to the file.
   */
  constructor(
    private readonly path: string,
    start: StartingPoint,
    private readonly rules: LineRules,
    private readonly changed: (event: string) => void,
  ) {
    this.#position = start.position;
    this.#expected = start.identity;
    this.#splitter = new LineSplitter(start.position, rules);
  }

  /** @throws ConfigError when the path is a folder, or as LineSplitter.split; other system errors unchanged. */
  async read(): Promise<readonly PlacedLine[] | { readonly waitingFor: string }> {
    if (!this.#handle) {
      const opened = await this.#open();
      if (opened) return opened;
    }
    this.#splitter.throwHeld();
    this.sizeBytes = (await this.#handle!.stat()).size;
    for (;;) {
      const from = this.#position;
      const bytes = await this.#nextBytes();
      // Looked at after the bytes: bytes of the new content do not pass for the old one's.
      if (!(await this.#isSameContent())) {
        this.#position = from;
        await this.#leave("was cut short and written anew");
        return [];
      }
      if (bytes.length === 0) return this.#lookForAnother();
      const lines = this.#splitter.split(bytes);
      if (lines.length > 0) return this.#placed(lines);
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  async #open(): Promise<{ readonly waitingFor: string } | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.path, "r");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") return { waitingFor: `file ${this.path} to be created` };
      if (code === "EACCES") return { waitingFor: `permission to read file ${this.path}` };
      throw error;
    }
    await this.#take(handle);
    const stats = await handle.stat();
    if (stats.isDirectory())
      throw new ConfigError("file", `Invalid value ${this.path} for configuration file: it is a folder`);
    if (this.#isRegular) await this.#recognise(stats.size);
    return undefined;
  }

  async #take(handle: FileHandle): Promise<void> {
    this.#handle = handle;
    const stats = await handle.stat({ bigint: true });
    this.#inode = String(stats.ino);
    this.#isRegular = stats.isFile();
    this.#head = this.#isRegular ? (await readHead(handle)).subarray(0, this.#position) : NOTHING;
  }

  /** Whether the path still names the file that was read before; otherwise looks for that one. */
  async #recognise(sizeBytes: number): Promise<void> {
    const expected = this.#expected;
    this.#expected = undefined;
    if (expected) {
      const isSame = sizeBytes >= this.#position && hasFingerprint(this.#head, expected.fingerprint);
      if (isSame && this.#inode === expected.inode) return;
      if (await this.#continueIn(expected)) return;
      // Moved here from elsewhere, or restored.
      if (isSame) return;
      return this.#restart("is another one than was read before, which is not found");
    }
    if (sizeBytes < this.#position) this.#restart("is shorter than where reading had come to");
  }

  async #nextBytes(): Promise<Buffer> {
    const { bytesRead } = await this.#handle!.read(this.#chunk, 0, CHUNK_BYTES, this.#position);
    this.#position += bytesRead;
    return this.#chunk.subarray(0, bytesRead);
  }

  /** Compares the first bytes with those read before, and remembers those that were read now. */
  async #isSameContent(): Promise<boolean> {
    if (!this.#isRegular) return true;
    const head = await readHead(this.#handle!);
    if (head.length < this.#head.length || !head.subarray(0, this.#head.length).equals(this.#head)) return false;
    this.#head = head.subarray(0, this.#position);
    return true;
  }

  /** At the file's end: goes on in the file that was written next, if there is one. */
  async #lookForAnother(): Promise<readonly PlacedLine[]> {
    // In this order: a line that was appended after our size was read, and before the path named another file, would be
    // lost with the old file.
    const now = await statOf(this.path);
    const ours = await this.#handle!.stat({ bigint: true });
    if (ours.size < this.#position) {
      await this.#leave("was cut short");
      return [];
    }
    // Its writer may append to the old file until it replaces it: only an end seen after that is final.
    if (!now || (now.ino === ours.ino && now.dev === ours.dev) || ours.size > this.#position) return [];
    // Open before the folder is listed: if it is rotated meanwhile, it is not passed over.
    const newest = this.#isRegular && now.isFile() ? await open(this.path, "r").catch(unreadable) : undefined;
    const next = this.#isRegular ? await openNextRotated(this.path, ours, this.changed) : undefined;
    if (next === "moving") {
      await newest?.close();
      return [];
    }
    const rest = this.#splitter.rest();
    const last = rest ? this.#placed([rest]) : [];
    await this.close();
    this.#restart(next ? `was rotated again, to ${next.name}` : "was replaced by another");
    if (next) await newest?.close();
    const following = next ? next.handle : newest;
    if (following) await this.#take(following);
    return last;
  }

  /** The content is another one now: goes on in a copy of the old one, or else at the beginning. */
  async #leave(event: string): Promise<void> {
    if (await this.#continueIn(this.#identityAt(this.#position))) return;
    this.#restart(event);
  }

  /** Goes on in the rotated file, at the same position. */
  async #continueIn(identity: FileIdentity): Promise<boolean> {
    const rotated = await openRotated(this.path, identity, this.#position, this.changed);
    if (!rotated) return false;
    await this.close();
    await this.#take(rotated);
    this.changed("was rotated: the rest of the old one is read first");
    return true;
  }

  #identityAt(position: number): FileIdentity {
    return { inode: this.#inode, fingerprint: fingerprintOf(this.#head, position) };
  }

  #placed(lines: readonly Line[]): PlacedLine[] {
    return lines.map((line) => ({ ...line, offset: { position: line.end, ...this.#identityAt(line.end) } }));
  }

  #restart(event: string): void {
    this.changed(`${event}: it is read from its beginning`);
    this.#position = 0;
    this.#head = NOTHING;
    this.#splitter = new LineSplitter(0, this.rules);
  }
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
