/** The bytes of one request: of known length and checksum, read anew for every attempt. */
export interface RequestBody {
  readonly length: number;
  /** CRC-32 (IEEE) of the bytes, unsigned. */
  readonly crc32: number;
  open(): AsyncIterable<Buffer>;
}

/** A part as CompleteMultipartUpload wants it back. */
export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly crc32: number;
}

/**
 * What the sink asks of an object store, one request each: no retries, no waiting. Every method rejects with the
 * client library's own error (judged by `judgeStoreFailure`) and ends when `signal` aborts.
 */
export interface ObjectStoreClient {
  /** Resolves when the bucket is there and may be looked at. */
  headBucket(signal: AbortSignal): Promise<void>;
  /** @param onlyIfAbsent creates the object only if there is none of that key (If-None-Match: *). */
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
