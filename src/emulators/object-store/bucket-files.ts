import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, statSync, unlinkSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../../api/random.js";
import { S3Error } from "./s3-error.js";
import { type ReceivedBody, readAttributes, type StoredAttributes, sealFile } from "./stored-file.js";

/** Conditions of a write (`If-Match`, `If-None-Match`), judged at the moment it takes effect. */
export interface WriteCondition {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** An object opened for reading: later writes to its key do not change the bytes read. */
export interface OpenObject {
  readonly file: FileHandle;
  readonly attributes: StoredAttributes;
}

interface Bucket {
  readonly createdMs: number;
  readonly objects: Map<string, StoredAttributes>;
  /** Keys in the order of S3's listings (UTF-8 bytes); sorted again when first used after a change. */
  sortedKeys: string[] | undefined;
}

/**
 * Buckets and their finished objects: `objects/<bucket>/<hash of key>`, with an index in memory that is rebuilt from
 * the files when the store opens. File names are hashes because keys may be 1024 bytes long, hold any character, and
 * be each other's folders.
 */
export class BucketFiles {
  readonly #root: string;
  readonly #temporary: string;
  readonly #random: Random;
  readonly #buckets = new Map<string, Bucket>();

  private constructor(dataDir: string, random: Random) {
    this.#root = join(dataDir, "objects");
    this.#temporary = join(dataDir, "tmp");
    this.#random = random;
  }

  /** Opens a data folder, creating it if necessary; files left unfinished by the last run are discarded. */
  static async open(dataDir: string, random: Random): Promise<BucketFiles> {
    const files = new BucketFiles(dataDir, random);
    rmSync(files.#temporary, { recursive: true, force: true });
    mkdirSync(files.#temporary, { recursive: true });
    mkdirSync(files.#root, { recursive: true });
    for (const name of readdirSync(files.#root)) {
      const folder = join(files.#root, name);
      const bucket: Bucket = { createdMs: statSync(folder).birthtimeMs, objects: new Map(), sortedKeys: undefined };
      for (const fileName of readdirSync(folder)) {
        const file = await open(join(folder, fileName));
        try {
          const attributes = await readAttributes(file);
          if (!attributes) throw new Error(`${join(folder, fileName)} is no object of this store: move it away`);
          bucket.objects.set(attributes.key, attributes);
        } finally {
          await file.close();
        }
      }
      files.#buckets.set(name, bucket);
    }
    return files;
  }

  /** A name for a file that will be renamed into place, on the same file system. */
  temporaryPath(): string {
    return join(this.#temporary, this.#random.uuid());
  }

  buckets(): { name: string; createdMs: number }[] {
    return [...this.#buckets]
      .map(([name, { createdMs }]) => ({ name, createdMs }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  createBucket(name: string, nowMs: number): void {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes("..")) {
      throw new S3Error(
        "InvalidBucketName",
        `${name} is no valid bucket name: 3 to 63 lower-case letters, digits, dots, hyphens`,
      );
    }
    if (this.#buckets.has(name)) throw new S3Error("BucketAlreadyOwnedByYou", `The bucket ${name} exists already`);
    mkdirSync(join(this.#root, name));
    this.#buckets.set(name, { createdMs: nowMs, objects: new Map(), sortedKeys: undefined });
  }

  deleteBucket(name: string): void {
    if (this.#bucket(name).objects.size > 0) throw new S3Error("BucketNotEmpty", `The bucket ${name} is not empty`);
    rmdirSync(join(this.#root, name));
    this.#buckets.delete(name);
  }

  /** @throws S3Error NoSuchBucket */
  requireBucket(name: string): void {
    this.#bucket(name);
  }

  /** The object's attributes, or undefined. @throws S3Error NoSuchBucket */
  find(bucket: string, key: string): StoredAttributes | undefined {
    return this.#bucket(bucket).objects.get(key);
  }

  /** @throws S3Error NoSuchBucket or NoSuchKey */
  async open(bucket: string, key: string): Promise<OpenObject> {
    if (!this.find(bucket, key)) throw noSuchKey(key);
    let file: FileHandle;
    try {
      file = await open(this.#path(bucket, key));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") throw noSuchKey(key); // deleted since
      throw error;
    }
    // Read from the file itself: the index may already know a newer object of that key.
    const attributes = await readAttributes(file);
    if (attributes) return { file, attributes };
    await file.close();
    throw new S3Error("InternalError", `The file of ${key} is damaged`);
  }

  /**
   * Makes a received body the object of its key, if the condition holds then.
   *
   * @throws S3Error PreconditionFailed, or NoSuchKey for If-Match on a key without object; the body stays the caller's.
   */
  async put(
    bucket: string,
    body: ReceivedBody,
    attributes: StoredAttributes,
    condition: WriteCondition,
  ): Promise<void> {
    judgeWrite(this.find(bucket, attributes.key), attributes.key, condition);
    await sealFile(body.path, attributes);
    // No await from here on: no other write can come between the judgement and the rename.
    const { objects } = this.#bucket(bucket);
    judgeWrite(objects.get(attributes.key), attributes.key, condition);
    renameSync(body.path, this.#path(bucket, attributes.key));
    if (!objects.has(attributes.key)) this.#bucket(bucket).sortedKeys = undefined;
    objects.set(attributes.key, attributes);
  }

  /** Removes an object; a key without one is no error. */
  delete(bucket: string, key: string): void {
    const found = this.#bucket(bucket);
    if (!found.objects.delete(key)) return;
    found.sortedKeys = undefined;
    unlinkSync(this.#path(bucket, key));
  }

  /** All keys of a bucket, by their UTF-8 bytes. */
  sortedKeys(bucket: string): readonly string[] {
    const found = this.#bucket(bucket);
    found.sortedKeys ??= [...found.objects.keys()].sort(compareUtf8);
    return found.sortedKeys;
  }

  #bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new S3Error("NoSuchBucket", `The bucket ${name} does not exist`);
    return bucket;
  }

  #path(bucket: string, key: string): string {
    return join(this.#root, bucket, createHash("sha256").update(key).digest("hex"));
  }
}

/** The order of S3's listings: by bytes of UTF-8, which differs from JavaScript's for characters above U+FFFF. */
export function compareUtf8(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** @throws S3Error as documented for conditional writes: 412, or 404 for If-Match without an object. */
export function judgeWrite(existing: StoredAttributes | undefined, key: string, condition: WriteCondition): void {
  const { ifMatch, ifNoneMatch } = condition;
  if (ifMatch !== undefined) {
    if (!existing) throw noSuchKey(key);
    if (!matchesEtag(ifMatch, existing.etag)) throw preconditionFailed("If-Match");
  }
  if (ifNoneMatch !== undefined && existing && matchesEtag(ifNoneMatch, existing.etag)) {
    throw preconditionFailed("If-None-Match");
  }
}

/** True if a condition header names that ETag, or `*`. */
export function matchesEtag(header: string, etag: string): boolean {
  return header.split(",").some((one) => ["*", etag].includes(one.trim().replace(/^(W\/)?"(.*)"$/, "$2")));
}

export function preconditionFailed(condition: string): S3Error {
  return new S3Error("PreconditionFailed", `At least one of the preconditions did not hold: ${condition}`);
}

export function noSuchKey(key: string): S3Error {
  return new S3Error("NoSuchKey", `The key ${key} does not exist`);
}
