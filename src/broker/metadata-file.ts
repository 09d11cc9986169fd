import { join } from "node:path";
import type { Disk } from "../base/files/disk.js";
import { replaceFile, writeFile } from "../base/files/durable-files.js";
import { crc32c } from "../protocol/crc32c.js";

const FILE = "broker-metadata";
/** Deleted when the disk is full, so that the metadata can be written, and topics be deleted, nevertheless. */
const RESERVE_FILE = ".reserve";
const RESERVE_BYTES = 256 * 1024;
const MAGIC = "millrace-broker-metadata";

/** A topic as the metadata file holds it. */
export interface StoredTopic {
  /** 22 characters of base64url. */
  readonly id: string;
  readonly partitions: number;
  /** As requested; there is always one replica. */
  readonly replicationFactor: number;
  readonly configs: Readonly<Record<string, string>>;
}

/** All of the broker's state that is not in a log. */
export interface BrokerMetadata {
  readonly clusterId: string;
  /**
   * The number of earlier starts; the leader epoch of every partition. Never falls: clients ignore leaders of older
   * epochs.
   */
  readonly epoch: number;
  /** Producer ids below this may have been handed out. */
  readonly nextProducerId: number;
  readonly topics: Readonly<Record<string, StoredTopic>>;
  /** Broker settings made by clients: for this node, and for all nodes. */
  readonly nodeConfigs: Readonly<Record<string, string>>;
  readonly defaultConfigs: Readonly<Record<string, string>>;
}

/** The metadata file cannot be read; to continue without it would lose the topics. */
export class BrokerMetadataError extends Error {
  override readonly name = "BrokerMetadataError";
}

/**
 * The broker's metadata: one file, replaced as a whole and forced to disk at every change, with a checksum over its
 * content.
 */
export class MetadataFile {
  readonly #path: string;
  readonly #reservePath: string;

  /** @param checkFolder throws when another process owns the folder; called before each write. */
  constructor(
    readonly folder: string,
    private readonly disk: Disk,
    private readonly checkFolder: () => void,
  ) {
    this.#path = join(folder, FILE);
    this.#reservePath = join(folder, RESERVE_FILE);
  }

  /**
   * The metadata; undefined in a fresh folder. @throws BrokerMetadataError when the file is damaged, or missing beside
   * data.
   */
  read(): BrokerMetadata | undefined {
    const text = this.disk.readFile(this.#path)?.toString();
    if (text === undefined) {
      const partition = this.disk.list(this.folder).find(({ name }) => /^.+-\d+$/.test(name))?.name;
      if (partition === undefined) return undefined;
      throw new BrokerMetadataError(
        `${this.folder} holds partitions (${partition}) but not the file ${FILE}, which lists their topics. Restore it from a backup, or use another folder.`,
      );
    }
    const lineEnd = text.indexOf("\n");
    const [magic, version, checksum] = text.slice(0, lineEnd).split(" ");
    const body = text.slice(lineEnd + 1);
    if (magic !== MAGIC || version !== "1") {
      throw new BrokerMetadataError(`${this.#path} is not a metadata file of this version of the broker`);
    }
    if (checksum !== checksumOf(body)) {
      throw new BrokerMetadataError(
        `${this.#path} is damaged (wrong checksum). Restore it from a backup; it lists the topics that the folder holds.`,
      );
    }
    return JSON.parse(body) as BrokerMetadata;
  }

  /** Replaces everything; returns once it is on disk. On a full disk it takes the reserve. */
  write(metadata: BrokerMetadata): void {
    this.checkFolder();
    const body = JSON.stringify(metadata, undefined, 1);
    const content = `${MAGIC} 1 ${checksumOf(body)}\n${body}`;
    try {
      replaceFile(this.disk, this.#path, content);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ENOSPC") throw cause;
      this.disk.remove(this.#reservePath);
      replaceFile(this.disk, this.#path, content);
    }
  }

  /** Sets space aside for a `write` on a full disk, if there is any. Called at start, and after a topic is deleted. */
  keepReserve(): void {
    try {
      if (this.disk.readFile(this.#reservePath)?.length === RESERVE_BYTES) return;
      writeFile(this.disk, this.#reservePath, Buffer.alloc(RESERVE_BYTES));
    } catch {
      // There is no room for it now.
      this.disk.remove(this.#reservePath);
    }
  }
}

function checksumOf(body: string): string {
  return crc32c(Buffer.from(body)).toString(16).padStart(8, "0");
}
