import { basename, dirname, join } from "node:path";
import { writeFile, writeFileDurably } from "../../base/files/durable-files.js";
import type { Logger } from "../../base/logger.js";
import type { Random } from "../../base/random.js";
import type { SealedFiles } from "../log/segments/sealed-files.js";
import type { StoredTopic } from "../metadata/broker-metadata.js";

/** Kafka's file in a partition's folder: the id of its topic. */
const ID_FILE = "partition.metadata";
/** Suffix of the partition folders of deleted topics, until they are removed. */
const DELETED_SUFFIX = "-delete";

/** A partition's folder cannot be used. */
class PartitionFolderError extends Error {
  override readonly name = "PartitionFolderError";
}

/** The text of a `partition.metadata` file, as Kafka writes it. */
function partitionMetadataText(topicId: string): string {
  return `version: 0\ntopic_id: ${topicId}`;
}

/** The topic id in the text of a `partition.metadata` file; undefined when it is damaged. */
function topicIdOf(text: string): string | undefined {
  return /^version: 0\ntopic_id: ([\w-]{22})\n?$/.exec(text)?.[1];
}

/** Whether a write of `text` that did not finish may have left these bytes: zeros stand where nothing was written. */
function isPartOf(bytes: Buffer, text: string): boolean {
  const whole = Buffer.from(text);
  return bytes.length <= whole.length && bytes.every((byte, at) => byte === 0 || byte === whole[at]);
}

/** The folder of a new partition. */
export interface MadeFolder {
  readonly folder: string;
  readonly topicId: string;
}

interface Wait {
  readonly made: readonly MadeFolder[];
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

export interface PartitionFoldersOptions {
  readonly folder: string;
  readonly files: SealedFiles;
  readonly random: Random;
  readonly logger: Logger;
  /** Resolves once the requests that have arrived are served: the folders that they make share a sync. */
  readonly turn: () => Promise<void>;
}

/**
 * The folders of the partitions, `<data folder>/<topic>-<partition>`. Each holds the id of its topic: after a power cut,
 * or by an operator's hand, the folder of an earlier topic may stand under the name of a later one, and its records
 * would pass for the later one's. Such a folder is renamed to `….stray`, and kept.
 */
export class PartitionFolders {
  readonly #options: PartitionFoldersOptions;
  #waits: Wait[] = [];
  #running: Promise<void> | undefined;

  constructor(options: PartitionFoldersOptions) {
    this.#options = options;
  }

  pathOf(topic: string, partition: number): string {
    return join(this.#options.folder, `${topic}-${partition}`);
  }

  /**
   * At start: finishes deletions, and renames folders of no known topic.
   * @returns the names of the folders of known partitions.
   */
  putAsideStrays(topics: ReadonlyMap<string, StoredTopic>): ReadonlySet<string> {
    const { folder, files, logger } = this.#options;
    const known = new Set<string>();
    for (const entry of files.disk.list(folder)) {
      if (!entry.isFolder) continue;
      const path = join(folder, entry.name);
      if (entry.name.endsWith(DELETED_SUFFIX)) {
        files.disk.removeFolder(path);
        continue;
      }
      const named = /^(.+)-(\d+)$/.exec(entry.name);
      if (!named) continue;
      const stored = topics.get(named[1]!);
      if (stored && Number(named[2]) < stored.partitions) known.add(entry.name);
      else logger.warn("Renamed a partition folder that belongs to no topic", { from: path, to: this.#putAside(path) });
    }
    return known;
  }

  /**
   * At start: makes sure that a known partition has a folder, and that it is that topic's. One without an id, as before
   * there were ids, gets it.
   *
   * @param known the names of the folders that are there.
   * @returns whether a folder was made; the caller forces the data folder to disk then.
   * @throws PartitionFolderError when the id in the folder cannot be read; the disk's error.
   */
  adopt(topic: string, partition: number, topicId: string, known: ReadonlySet<string>): boolean {
    const { files, logger } = this.#options;
    const { disk } = files;
    const path = this.pathOf(topic, partition);
    let isNew = !known.has(basename(path)) && disk.makeFolder(path) !== undefined;
    if (isNew)
      logger.warn("The folder of a partition is missing; the partition begins empty", { folder: path, topicId });
    const bytes = disk.readFile(join(path, ID_FILE));
    const found = bytes && topicIdOf(bytes.toString());
    if (found === topicId) return isNew;
    if (bytes && found === undefined && !isPartOf(bytes, partitionMetadataText(topicId))) {
      throw new PartitionFolderError(
        `${join(path, ID_FILE)} is damaged, so that it is unknown whether the folder belongs to topic ${topic} (${topicId}). If it does, delete that file, and restart the broker; if not, move the folder away.`,
      );
    }
    if (found !== undefined) {
      const to = this.#putAside(path);
      const text =
        "Renamed a partition folder that belongs to another topic id, that of a deleted topic or of another broker; the partition begins empty";
      logger.error(text, { from: path, to, found, topicId });
      disk.makeFolder(path);
      isNew = true;
    }
    writeFileDurably(disk, join(path, `${ID_FILE}.tmp`), partitionMetadataText(topicId));
    disk.rename(join(path, `${ID_FILE}.tmp`), join(path, ID_FILE));
    return isNew;
  }

  /**
   * Makes the folder of a new partition. One that stands in its place was left by a deleted topic, and is removed.
   * `settled` follows: until then nothing of it is on disk.
   */
  make(topic: string, partition: number): void {
    const { disk } = this.#options.files;
    const path = this.pathOf(topic, partition);
    if (disk.makeFolder(path) !== undefined) return;
    this.remove(this.rename(path));
    disk.makeFolder(path);
  }

  /** Writes the ids of new folders, and forces to disk all that was made and renamed in the data folder before the call. */
  settled(made: readonly MadeFolder[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waits.push({ made, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Renames the folder of a deleted partition, so that the next start finishes its removal. Returns the new path. */
  rename(path: string): string {
    const [, topic = "", partition = ""] = /^(.*)-(\d+)$/.exec(basename(path)) ?? [];
    const mark = this.#options.random.uuid().replaceAll("-", "");
    // No longer than file systems allow.
    const to = join(dirname(path), `${topic.slice(0, 200)}-${partition}.${mark}${DELETED_SUFFIX}`);
    this.#options.files.disk.rename(path, to);
    return to;
  }

  /** Removes a renamed folder; if the disk fails, the next start does. */
  remove(renamed: string): void {
    try {
      this.#options.files.disk.removeFolder(renamed);
    } catch (cause) {
      const text = "A deleted partition could not be removed; the next start removes it";
      this.#options.logger.error(text, { folder: renamed }, cause);
    }
  }

  /** The same, the files in the background: large ones take tens of milliseconds each. */
  async removeLater(renamed: string): Promise<void> {
    const { files, logger } = this.#options;
    try {
      for (const { name } of files.disk.list(renamed)) await files.disk.removeLater(join(renamed, name));
    } catch (cause) {
      logger.error("A deleted partition could not be removed; the next start removes it", { folder: renamed }, cause);
      return;
    }
    this.remove(renamed);
  }

  /** Removes a folder that `make` made, of a topic that could not be created. What cannot be, the next start puts aside. */
  discard(path: string): void {
    try {
      this.remove(this.rename(path));
    } catch (cause) {
      const text = "The folder of a topic that was not created could not be removed; the next start puts it aside";
      this.#options.logger.error(text, { folder: path }, cause);
    }
  }

  async #run(): Promise<void> {
    const { folder, files, turn } = this.#options;
    while (this.#waits.length > 0) {
      await turn();
      const waits = this.#waits.splice(0);
      try {
        for (const each of waits.flatMap(({ made }) => made)) this.#writeId(each);
        await files.disk.syncFolderLater(folder);
        for (const { resolve } of waits) resolve();
      } catch (cause) {
        for (const { reject } of waits) reject(cause);
      }
    }
    // In the same step as the check: a call that comes later begins another run.
    this.#running = undefined;
  }

  /**
   * Without a sync of its own, as thousands of partitions would take a minute: should a power cut leave a part of it, it
   * counts as missing.
   */
  #writeId({ folder, topicId }: MadeFolder): void {
    writeFile(this.#options.files.disk, join(folder, ID_FILE), partitionMetadataText(topicId));
  }

  #putAside(path: string): string {
    const { disk } = this.#options.files;
    const names = new Set(disk.list(dirname(path)).map(({ name }) => name));
    let aside = `${path}.stray`;
    for (let n = 1; names.has(basename(aside)); n++) aside = `${path}.stray${n}`;
    disk.rename(path, aside);
    return aside;
  }
}
