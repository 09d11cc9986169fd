/** The bytes of one request, of known length and checksum. Every attempt reads them again. */
export interface RequestBody {
  readonly length: number;
  /** CRC-32 (IEEE) of the bytes, unsigned. */
  readonly crc32: number;
  open(): AsyncIterable<Buffer>;
}

/** A part, as CompleteMultipartUpload lists it. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly crc32: number;
}

export interface UnfinishedUpload {
  readonly key: string;
  readonly uploadId: string;
  /** In ms since 1970. */
  readonly startedMs: number;
}

export interface ObjectTag {
  readonly key: string;
  readonly value: string;
}

/**
 * The sink's requests to an object store. Each method makes one request, without retries, rejects with the client
 * library's own error (judged by `judgeStoreFailure`) and ends when `signal` aborts.
 */
export interface ObjectStoreClient {
  /** Resolves if the bucket exists and may be read. */
  headBucket(signal: AbortSignal): Promise<void>;
  /** @param onlyIfAbsent creates the object only if the key is free (If-None-Match: *). */
  putObject(key: string, body: RequestBody, onlyIfAbsent: boolean, signal: AbortSignal): Promise<void>;
  /** Begins a multipart upload and returns its id. */
  createUpload(key: string, signal: AbortSignal): Promise<string>;
  /** @param partNumber from 1. Uploading a number again replaces the part. */
  uploadPart(
    key: string,
    uploadId: string,
    partNumber: number,
    body: RequestBody,
    signal: AbortSignal,
  ): Promise<UploadedPart>;
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    onlyIfAbsent: boolean,
    signal: AbortSignal,
  ): Promise<void>;
  abortUpload(key: string, uploadId: string, signal: AbortSignal): Promise<void>;
  /** All unfinished multipart uploads of keys with that prefix. */
  listUploads(prefix: string, signal: AbortSignal): Promise<readonly UnfinishedUpload[]>;
  /** Sets the object's tags in place of those it has. */
  tagObject(key: string, tags: readonly ObjectTag[], signal: AbortSignal): Promise<void>;
  /** The object's bytes, or undefined when there is no such object. */
  getObject(key: string, signal: AbortSignal): Promise<AsyncIterable<Buffer> | undefined>;
  /** Closes the connections. */
  destroy(): void;
}

/** Where a task's objects go, for messages. */
export interface StorePlace {
  readonly bucket: string;
  /** URL of the endpoint, or `AWS region …`. */
  readonly endpoint: string;
}
