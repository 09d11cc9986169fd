import { join } from "node:path";
import type { Disk } from "../../base/files/disk.js";
import { replacePrivateFile, writeAt, writeFile } from "../../base/files/durable-files.js";
import type { Logger } from "../../base/logger.js";
import { type BrokerMetadata, changedMetadata, type MetadataChange } from "./broker-metadata.js";
import { changesText, judgeMetadataText, snapshotText } from "./metadata-text.js";

const FILE = "broker-metadata";
/** Deleted when the disk is full, so that the metadata can be written, and topics be deleted, nevertheless. */
const RESERVE_FILE = ".reserve";
const RESERVE_BYTES = 256 * 1024;
/** Changes above this and above twice the snapshot are compacted. */
const MIN_COMPACTED_BYTES = 64 * 1024;

/** The metadata file cannot be read; to continue without it would lose the topics. */
export class BrokerMetadataError extends Error {
  override readonly name = "BrokerMetadataError";
}

/**
 * A change was refused, because the disk failed, and could not be taken back either: the next start may find it made.
 */
export class MetadataInDoubtError extends Error {
  override readonly name = "MetadataInDoubtError";
  constructor(path: string, cause: unknown) {
    super(
      `A change could not be written to ${path}, nor be taken back: the next start may find it made. Repair or replace the disk, or free space on it, then repeat the change`,
      { cause },
    );
  }
}

/**
 * The broker's metadata on disk: one file, a snapshot followed by the changes since, each line with a checksum. Changes
 * are appended; once they outgrow the snapshot, a new one is written aside and renamed. Each start begins with one,
 * which also cuts off a write that did not finish, and brings files of older versions to the present one. Only its owner
 * can read it: a verifier of SCRAM lets one try passwords.
 *
 * The owner calls `append` again only once the last call has settled. Nothing here blocks on the disk except at start.
 */
export class MetadataLog {
  readonly #path: string;
  readonly #reservePath: string;
  #fd: number | undefined;
  #endBytes = 0;
  #snapshotBytes = 0;
  /** The file may hold a change that was refused: it is written anew before the next change counts. */
  #isInDoubt = false;

  /** @param checkFolder throws when another process owns the folder; called before each write. */
  constructor(
    readonly folder: string,
    private readonly disk: Disk,
    private readonly checkFolder: () => void,
    private readonly logger: Logger,
  ) {
    this.#path = join(folder, FILE);
    this.#reservePath = join(folder, RESERVE_FILE);
  }

  /**
   * The metadata; undefined in a fresh folder. @throws BrokerMetadataError when the file is damaged, or missing beside
   * data.
   */
  read(): BrokerMetadata | undefined {
    const bytes = this.disk.readFile(this.#path);
    if (bytes === undefined) {
      const partition = this.disk.list(this.folder).find(({ name }) => /^.+-\d+$/.test(name))?.name;
      if (partition === undefined) return undefined;
      throw new BrokerMetadataError(
        `${this.folder} holds partitions (${partition}) but not the file ${FILE}, which lists their topics. Restore it from a backup, or use another folder.`,
      );
    }
    const verdict = judgeMetadataText(bytes);
    if (verdict.kind === "damaged") {
      throw new BrokerMetadataError(
        `${this.#path} ${verdict.reason}. Restore it from a backup; it lists the topics that the folder holds.`,
      );
    }
    const { metadata, cutBytes } = verdict;
    if (cutBytes > 0) this.logger.warn("Cut an unfinished change off the metadata", { path: this.#path, cutBytes });
    return metadata;
  }

  /** Begins the file with a snapshot; returns once it is on disk. Called once, at start, before any `append`. */
  begin(metadata: BrokerMetadata): void {
    this.checkFolder();
    const bytes = Buffer.from(snapshotText(metadata));
    this.#withReserve(() => replacePrivateFile(this.disk, this.#path, bytes));
    this.#fd = this.disk.open(this.#path, "write");
    this.#begunWith(bytes);
  }

  /**
   * Adds changes; they are on disk once this resolves.
   *
   * @param metadata the metadata before the changes.
   * @throws rejects with the disk's error: the change is not made, and no start will find it; or with
   * MetadataInDoubtError.
   */
  async append(metadata: BrokerMetadata, changes: readonly MetadataChange[]): Promise<void> {
    this.checkFolder();
    const isLong = this.#endBytes - this.#snapshotBytes > Math.max(MIN_COMPACTED_BYTES, 2 * this.#snapshotBytes);
    if (this.#isInDoubt || isLong) {
      try {
        return await this.#replace(changedMetadata(metadata, changes));
      } catch (cause) {
        if (this.#isInDoubt) return this.#takeBack(() => this.#replace(metadata), cause);
        // Without room for a snapshot there may be some for a line: the file is as it was. Unless the folder was lost.
        this.checkFolder();
      }
    }
    const bytes = Buffer.from(changesText(changes));
    try {
      this.#withReserve(() => writeAt(this.disk, this.#fd!, bytes, this.#endBytes));
    } catch (cause) {
      return this.#takeBack(() => this.#cut(), cause);
    }
    try {
      await this.disk.syncLater(this.#fd!);
    } catch (cause) {
      // How much of it is on disk is unknown, and Linux reports success for the next sync.
      return this.#takeBack(() => this.#replace(metadata), cause);
    }
    this.#endBytes += bytes.length;
  }

  /** Sets space aside for a write on a full disk, if there is any. Called at start, and after a topic is deleted. */
  keepReserve(): void {
    try {
      if (this.disk.readFile(this.#reservePath)?.length === RESERVE_BYTES) return;
      writeFile(this.disk, this.#reservePath, Buffer.alloc(RESERVE_BYTES));
    } catch {
      // There is no room for it now.
      this.disk.remove(this.#reservePath);
    }
  }

  /** Closes the file. No `append` may be under way. */
  close(): void {
    if (this.#fd !== undefined) this.disk.close(this.#fd);
    this.#fd = undefined;
  }

  /** Takes a failed change back by `step`. @throws rejects with its `cause`, or MetadataInDoubtError if `step` fails. */
  async #takeBack(step: () => Promise<void>, cause: unknown): Promise<never> {
    this.#isInDoubt = true;
    try {
      await step();
    } catch {
      throw new MetadataInDoubtError(this.#path, cause);
    }
    this.#isInDoubt = false;
    throw cause;
  }

  /** Cuts off what a failed write left. */
  async #cut(): Promise<void> {
    this.disk.truncate(this.#fd!, this.#endBytes);
    await this.disk.syncLater(this.#fd!);
  }

  /** Writes a snapshot aside, and puts it in the place of the file. Once it is renamed, a failure leaves both possible. */
  async #replace(metadata: BrokerMetadata): Promise<void> {
    this.checkFolder();
    const bytes = Buffer.from(snapshotText(metadata));
    const next = `${this.#path}.tmp`;
    let fd: number | undefined;
    try {
      this.#withReserve(() => {
        fd ??= this.disk.open(next, "replace", true);
        writeAt(this.disk, fd, bytes, 0);
      });
      await this.disk.syncLater(fd!);
      this.checkFolder();
      this.#isInDoubt = true;
      this.disk.rename(next, this.#path);
      [this.#fd, fd] = [fd, this.#fd];
      this.#begunWith(bytes);
      await this.disk.syncFolderLater(this.folder);
      this.#isInDoubt = false;
    } finally {
      if (fd !== undefined) this.disk.close(fd);
    }
  }

  #begunWith(snapshot: Buffer): void {
    this.#snapshotBytes = snapshot.length;
    this.#endBytes = snapshot.length;
  }

  #withReserve(write: () => void): void {
    try {
      write();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
      this.disk.remove(this.#reservePath);
      write();
    }
  }
}
