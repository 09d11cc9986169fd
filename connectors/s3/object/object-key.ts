import { DataError } from "../../../src/api/index.js";

export interface ObjectKeySettings {
  /** Blank: keys begin with the topic. Nothing is trimmed otherwise. */
  readonly topicsDir: string;
  readonly directoryDelimiter: string;
  readonly fileDelimiter: string;
  /** Digits of the offset, filled up with zeros on the left. */
  readonly offsetWidth: number;
}

/**
 * The key of the object whose first record has that offset, in the Confluent sink's form:
 * `topics/orders/partition=3/orders+3+0000012000.json.gz`. Exactly-once depends on it: equal records get equal keys.
 *
 * @param extension with its dot: `.json.gz`.
 * @throws DataError if S3 takes no such key.
 */
export function objectKey(
  settings: ObjectKeySettings,
  topic: string,
  partition: number,
  encodedPartition: string,
  startOffset: number,
  extension: string,
): string {
  const folder = `${folderOf(settings, topic)}${encodedPartition}${settings.directoryDelimiter}`;
  const offset = String(startOffset).padStart(settings.offsetWidth, "0");
  const key = `${folder}${nameStartOf(settings, topic, partition)}${offset}${extension}`;
  // A character takes at most three bytes per unit, so most keys need no count.
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES)
    throw refused(key, `it has ${Buffer.byteLength(key)} bytes, and S3 takes at most ${MAX_KEY_BYTES}`);
  if (/\p{Surrogate}/u.test(key)) throw refused(key, "it holds half of a surrogate pair, which UTF-8 cannot express");
  return key;
}

/** What the keys of a topic begin with: `topics/orders/`. */
export function folderOf({ topicsDir, directoryDelimiter }: ObjectKeySettings, topic: string): string {
  return `${topicsDir.trim() === "" ? "" : topicsDir + directoryDelimiter}${topic}${directoryDelimiter}`;
}

/** What the file names of a topic partition begin with: `orders+3+`. */
export function nameStartOf({ fileDelimiter }: ObjectKeySettings, topic: string, partition: number): string {
  return `${topic}${fileDelimiter}${partition}${fileDelimiter}`;
}

const MAX_KEY_BYTES = 1024;
const SHOWN_CHARACTERS = 100;

function refused(key: string, why: string): DataError {
  const beginning = key.length > SHOWN_CHARACTERS ? `${key.slice(0, SHOWN_CHARACTERS)}…` : key;
  return new DataError(
    "S3_PARTITION_UNKNOWN",
    `${Buffer.from(beginning).toString()} cannot be an object's key: ${why}.`,
  );
}
