import { gunzipSync } from "node:zlib";
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import type { ObjectContents } from "./judge-pipeline.js";
import { lineDigest, readObjectKey } from "./topic-event.js";

/** Reads a sink's objects so far (JSON lines, gzipped or not, default partitioner) as any S3 client would. */
export class StoredObjects {
  readonly #client: S3Client;
  readonly #bucket: string;
  /** By key; an object that was written again has another ETag and is read again. */
  readonly #read = new Map<string, { etag: string; contents: ObjectContents }>();

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  /** The objects read so far. */
  get contents(): ObjectContents[] {
    return [...this.#read.values()].map(({ contents }) => contents);
  }

  /** Records in them. */
  get records(): number {
    let sum = 0;
    for (const { contents } of this.#read.values()) sum += contents.digests.length;
    return sum;
  }

  /** Lists the bucket and reads new objects. */
  async refresh(): Promise<void> {
    let token: string | undefined;
    do {
      const page = await this.#client.send(
        new ListObjectsV2Command({ Bucket: this.#bucket, ...(token !== undefined && { ContinuationToken: token }) }),
      );
      for (const { Key: key = "", ETag: etag = "" } of page.Contents ?? []) {
        if (this.#read.get(key)?.etag !== etag) await this.#readObject(key, etag);
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  async #readObject(key: string, etag: string): Promise<void> {
    const about = readObjectKey(key);
    if (!about) return;
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    const text = (key.endsWith(".gz") ? gunzipSync(bytes) : Buffer.from(bytes)).toString();
    const digests = text
      .split("\n")
      .filter((line) => line !== "")
      .map(lineDigest);
    this.#read.set(key, { etag, contents: { ...about, digests } });
  }
}
