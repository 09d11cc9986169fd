import { crc32, gunzipSync } from "node:zlib";
import type {
  ObjectStoreClient,
  ObjectTag,
  RequestBody,
  UnfinishedUpload,
  UploadedPart,
} from "../../../../connectors/s3/store/object-store-client.js";

/** The object that shows whether the store honours If-None-Match. */
export const PROBE_KEY = "topics/_millrace/conditional-writes";

/** The fate of one request. */
export type StoreFault = "busy" | "applied-but-lost" | "crash-before" | "crash-after";

/** An object store in memory with injectable faults, whose client can die in the middle of a request. */
export class MemoryStore implements ObjectStoreClient {
  readonly objects = new Map<string, Buffer>();
  readonly tags = new Map<string, Record<string, string>>();
  readonly uploads = new Map<string, { key: string; parts: Map<number, Buffer>; startedMs?: number }>();
  /** One per future request; undefined serves it. */
  faults: (StoreFault | undefined)[] = [];
  /** Keys whose requests are answered with 503, regardless of `faults`. */
  refuses: (key: string) => boolean = () => false;
  /** Operations whose If-None-Match is ignored, as by stores that do not know it. */
  readonly ignoresConditionOf = new Set<"PutObject" | "CompleteMultipartUpload">();
  readonly requests: string[] = [];
  /** A crashed client: its requests no longer reach the store. */
  crashed = false;
  #uploadCount = 0;

  async headBucket(): Promise<void> {
    await this.#serve("HeadBucket", "", () => undefined);
  }

  putObject(key: string, body: RequestBody, onlyIfAbsent: boolean, _signal?: AbortSignal): Promise<void> {
    return this.#serve("PutObject", key, async () => {
      const bytes = await read(body);
      this.#refuseExisting("PutObject", key, onlyIfAbsent);
      this.objects.set(key, bytes);
    });
  }

  createUpload(key: string): Promise<string> {
    return this.#serve("CreateMultipartUpload", key, () => {
      const id = `upload-${++this.#uploadCount}`;
      this.uploads.set(id, { key, parts: new Map() });
      return id;
    });
  }

  uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: RequestBody,
    _signal?: AbortSignal,
  ): Promise<UploadedPart> {
    return this.#serve("UploadPart", key, async () => {
      const bytes = await read(body);
      const upload = this.uploads.get(uploadId);
      if (!upload) throw answer(404, "NoSuchUpload");
      upload.parts.set(partNumber, bytes);
      return { partNumber, etag: `"${partNumber}-${crc32(bytes)}"`, crc32: body.crc32 };
    });
  }

  completeUpload(key: string, uploadId: string, parts: readonly UploadedPart[], onlyIfAbsent: boolean): Promise<void> {
    return this.#serve("CompleteMultipartUpload", key, () => {
      const upload = this.uploads.get(uploadId);
      if (!upload) throw answer(404, "NoSuchUpload");
      this.#refuseExisting("CompleteMultipartUpload", key, onlyIfAbsent);
      this.objects.set(key, Buffer.concat(parts.map(({ partNumber }) => upload.parts.get(partNumber)!)));
      this.uploads.delete(uploadId);
    });
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    await this.#serve("AbortMultipartUpload", key, () => this.uploads.delete(uploadId));
  }

  listUploads(prefix: string): Promise<UnfinishedUpload[]> {
    return this.#serve("ListMultipartUploads", prefix, () =>
      [...this.uploads]
        .filter(([, { key }]) => key.startsWith(prefix))
        .map(([uploadId, { key, startedMs }]) => ({ key, uploadId, startedMs: startedMs ?? 0 })),
    );
  }

  async tagObject(key: string, tags: readonly ObjectTag[]): Promise<void> {
    await this.#serve("PutObjectTagging", key, () => {
      if (!this.objects.has(key)) throw answer(404, "NoSuchKey");
      this.tags.set(key, Object.fromEntries(tags.map((tag) => [tag.key, tag.value])));
    });
  }

  getObject(key: string, _signal?: AbortSignal): Promise<AsyncIterable<Buffer> | undefined> {
    return this.#serve("GetObject", key, () => {
      const bytes = this.objects.get(key);
      return bytes && pieces(bytes);
    });
  }

  destroy(): void {}

  /** The keys of all objects but the probe's. */
  keys(): string[] {
    return [...this.objects.keys()].filter((key) => key !== PROBE_KEY);
  }

  /** The rows of all objects but the probe's, by key in order of keys. */
  rows(): Map<string, string[]> {
    const keys = this.keys().sort();
    return new Map(
      keys.map((key) => {
        const bytes = this.objects.get(key)!;
        const text = (key.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString();
        return [key, text.split("\n").slice(0, -1)];
      }),
    );
  }

  /** The `at` of every row of every object; of Avro files without compression, whose texts stand in them as they are. */
  places(): string[] {
    if (this.keys().some((key) => key.endsWith(".avro")))
      return this.keys().flatMap(
        (key) =>
          this.objects
            .get(key)!
            .toString("latin1")
            .match(/\d:\d+/g) ?? [],
      );
    return [...this.rows().values()].flat().map((row) => (JSON.parse(row) as { at: string }).at);
  }

  #refuseExisting(operation: "PutObject" | "CompleteMultipartUpload", key: string, onlyIfAbsent: boolean): void {
    if (onlyIfAbsent && this.objects.has(key) && !this.ignoresConditionOf.has(operation))
      throw answer(412, "PreconditionFailed");
  }

  async #serve<T>(operation: string, key: string, apply: () => T | Promise<T>): Promise<T> {
    if (this.crashed) throw new Error("the process is dead");
    this.requests.push(`${operation} ${key}`);
    if (this.refuses(key)) throw answer(503, "SlowDown");
    const fault = this.faults.shift();
    if (fault === "crash-before" || fault === "crash-after") this.crashed = true;
    if (fault === "crash-before") throw new Error("the process is dead");
    if (fault === "busy") throw answer(503, "SlowDown");
    const result = await apply();
    if (fault === "crash-after") throw new Error("the process is dead");
    if (fault === "applied-but-lost") throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    return result;
  }
}

/** An error like the AWS SDK throws for an answer of the store. */
export function answer(status: number, name: string, message = "simulated by a test"): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } });
}

async function read(body: RequestBody): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body.open()) chunks.push(Buffer.from(chunk));
  const bytes = Buffer.concat(chunks);
  if (bytes.length !== body.length || crc32(bytes) !== body.crc32) throw new Error("length or checksum is wrong");
  return bytes;
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
}
