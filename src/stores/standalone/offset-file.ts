import { existsSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { ConfigError, type Logger } from "../../api/index.js";
import { SYSTEM_DISK } from "../../base/files/disk.js";
import { replaceFile } from "../../base/files/durable-files.js";
import type { StoreRecord } from "../log-transport.js";
import { type JavaMapEntry, readJavaMap, writeJavaMap } from "./java-map.js";

/**
 * The offsets of a standalone worker, in Kafka Connect's own file (FileOffsetBackingStore): a serialized Java map from
 * the offsets topic's keys to its values. Every write replaces the file, durably.
 */
export class OffsetFile {
  readonly #entries = new Map<string, JavaMapEntry>();

  /** @param path `offset.storage.file.filename`. */
  constructor(
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  /**
   * Returns the stored records. Called once, first. A missing or empty file holds none.
   *
   * @throws ConfigError offset.storage.file.filename when its folder is missing, so that no offset could be stored, or
   *   the file cannot be read or is something else
   */
  load(): StoreRecord[] {
    for (const entry of this.#read()) {
      // Java skips it, too: it belongs to no connector.
      if (entry.key !== null) this.#entries.set(entry.key.toString("latin1"), entry);
    }
    return [...this.#entries.values()].map(({ key, value }) => ({ key: key!, value }));
  }

  /** Writes all records or none. @throws the file system's error, with which nothing is stored. */
  store(records: readonly StoreRecord[]): void {
    const next = new Map(this.#entries);
    for (const { key, value } of records) {
      // Java keeps the key with a null value; without it the file does not grow for ever.
      if (value === null) next.delete(key.toString("latin1"));
      else next.set(key.toString("latin1"), { key: Buffer.from(key), value: Buffer.from(value) });
    }
    replaceFile(SYSTEM_DISK, this.path, writeJavaMap([...next.values()]));
    this.#entries.clear();
    for (const [key, entry] of next) this.#entries.set(key, entry);
  }

  #read(): JavaMapEntry[] {
    let bytes: Buffer;
    try {
      bytes = readFileSync(this.path);
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" && existsSync(dirname(this.path))) return [];
      if (code === "ENOENT") {
        const message = `${KEY}: the folder of ${this.path} does not exist. Create it, or name a file in another`;
        throw new ConfigError(KEY, message, { cause });
      }
      throw new ConfigError(KEY, `${KEY}: ${this.path} cannot be read: ${message}`, { cause });
    }
    if (bytes.length === 0) {
      this.logger.warn("The offset file is empty: sources start from their beginning", { file: this.path });
      return [];
    }
    try {
      return readJavaMap(bytes);
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      throw new ConfigError(
        KEY,
        `${KEY}: ${this.path} is ${cause.message}. Name the worker's own offset file; without it, all sources start from their beginning`,
        { cause },
      );
    }
  }
}

const KEY = "offset.storage.file.filename";
