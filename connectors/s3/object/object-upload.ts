import { crc32 } from "node:zlib";
import { type Logger, type RetriableError, UnsupportedError } from "../../../src/api/index.js";
import { NO_ROWS, type RowDigest } from "../formats/row-digest.js";
import type { ObjectStoreClient, RequestBody, UploadedPart } from "../store/object-store-client.js";
import { ExpectedFailure, type StoreCalls } from "../store/store-calls.js";
import type { StoreFailure } from "../store/store-failure.js";
import type { BufferedBytes } from "./buffered-bytes.js";
import type { ConditionalWrites } from "./conditional-writes.js";

export interface UploadSettings {
  /** Bytes of every part but the last. */
  readonly partSize: number;
  readonly conditional: ConditionalWrites;
}

/**
 * - created: the object is stored, and it is ours.
 * - exists: an object of that name exists, and was left alone. It may still be ours, if the answer to an earlier attempt
 *   was lost. `overwrite` can still be called.
 * - lost: the parts are gone, or another write was first: unless the object is ours, the rows must be written again.
 */
export type FinishOutcome = "created" | "exists" | "lost";

const MAX_PARTS = 10_000;
const BASE_TIMEOUT_MS = 30_000;
const SLOWEST_BYTES_PER_MS = 64;

/**
 * Uploads the bytes of one file: by a single PutObject when they fit in one part, by a multipart upload otherwise.
 * After a RetriableError the same method can be called again and continues where it stopped.
 */
export class ObjectUpload {
  readonly #parts: UploadedPart[] = [];
  #uploadId: string | undefined;
  /** Covers all bytes that were prepared for a request, in order, each once: retries use `#prepared`. */
  #digest: RowDigest = NO_ROWS;
  #prepared: RequestBody | undefined;
  /** Once known, `finish` returns it again: the caller repeats `finish` if the steps after it fail. */
  #outcome: FinishOutcome | undefined;

  constructor(
    readonly key: string,
    readonly bytes: BufferedBytes,
    private readonly settings: UploadSettings,
    private readonly client: ObjectStoreClient,
    private readonly calls: StoreCalls,
    private readonly logger: Logger,
    /** Ends running requests, before `abort`. */
    readonly abandoned: AbortSignal,
  ) {}

  get partSize(): number {
    return this.settings.partSize;
  }

  /** The error of work that was given up before its request. */
  wasAbandoned(): RetriableError {
    return this.calls.stopped(`writing object ${this.key}`);
  }

  /** The bytes of the object; complete once `finish` was called. */
  get digest(): RowDigest {
    return this.#digest;
  }

  /** Returns "lost" when the parts are gone: another client, or a rule of the bucket, aborted the upload. */
  async uploadFullParts(): Promise<"lost" | undefined> {
    while (this.#outcome !== "lost" && this.bytes.length >= this.partSize) await this.#uploadPart(this.partSize);
    return this.#outcome === "lost" ? "lost" : undefined;
  }

  /** Completes the object. Nothing may be appended after this. */
  async finish(): Promise<FinishOutcome> {
    this.#outcome ??= await this.#finish(() => this.settings.conditional.areUsed);
    return this.#outcome;
  }

  /** After `exists`: stores the object in place of the one that exists. */
  async overwrite(): Promise<FinishOutcome> {
    this.#outcome = await this.#finish(() => false);
    return this.#outcome;
  }

  async #finish(onlyIfAbsent: () => boolean): Promise<FinishOutcome> {
    if ((await this.uploadFullParts()) === "lost") return "lost";
    if (this.#parts.length === 0 && this.#uploadId === undefined) return this.#putWhole(onlyIfAbsent);
    if (this.bytes.length > 0) await this.#uploadPart(this.bytes.length);
    return this.#outcome === "lost" ? "lost" : this.#complete(onlyIfAbsent);
  }

  /** Whether no part is uploaded yet: `bytes` are all of the object's. */
  get isWhole(): boolean {
    return this.#parts.length === 0;
  }

  async #putWhole(onlyIfAbsent: () => boolean): Promise<FinishOutcome> {
    const { key } = this;
    const body = await this.#prepare(this.bytes.length);
    const isConditional = onlyIfAbsent();
    const result = await this.calls.run(
      {
        doing: `writing object ${key}`,
        timeoutMs: timeoutFor(body.length),
        abandoned: this.abandoned,
        run: (signal) => this.client.putObject(key, body, isConditional, signal),
      },
      isConditional ? this.#conditionalFailures() : [],
    );
    if (result instanceof ExpectedFailure) return this.#judge(result, () => this.#putWhole(onlyIfAbsent));
    await this.bytes.release();
    return "created";
  }

  async #uploadPart(length: number): Promise<void> {
    const { key } = this;
    const partNumber = this.#parts.length + 1;
    if (partNumber > MAX_PARTS) {
      throw new UnsupportedError(
        "S3_REQUEST_REFUSED",
        `Object ${key} has grown to ${MAX_PARTS} parts of ${this.settings.partSize} bytes, the most that S3 takes. Raise s3.part.size, or rotate earlier (flush.size, rotate.schedule.interval.ms).`,
      );
    }
    this.#uploadId ??= await this.#required({
      doing: `beginning the multipart upload of object ${key}`,
      timeoutMs: BASE_TIMEOUT_MS,
      abandoned: this.abandoned,
      run: (signal) => this.client.createUpload(key, signal),
    });
    const uploadId = this.#uploadId;
    const body = await this.#prepare(length);
    const part = await this.calls.run(
      {
        doing: `uploading part ${partNumber} of object ${key}`,
        timeoutMs: timeoutFor(length),
        abandoned: this.abandoned,
        run: (signal) => this.client.uploadPart(key, uploadId, partNumber, body, signal),
      },
      ["no-such-upload"],
    );
    if (part instanceof ExpectedFailure) {
      this.#uploadId = undefined;
      this.#outcome = "lost";
      return;
    }
    this.#parts.push(part);
    this.#prepared = undefined;
    this.bytes.drop(length);
  }

  async #complete(onlyIfAbsent: () => boolean): Promise<FinishOutcome> {
    const { key } = this;
    const uploadId = this.#uploadId!;
    const isConditional = onlyIfAbsent();
    const result = await this.calls.run(
      {
        doing: `completing the multipart upload of object ${key}`,
        timeoutMs: 2 * BASE_TIMEOUT_MS,
        abandoned: this.abandoned,
        run: (signal) => this.client.completeUpload(key, uploadId, this.#parts, isConditional, signal),
      },
      ["write-conflict", "no-such-upload", ...(isConditional ? this.#conditionalFailures() : [])],
    );
    if (result instanceof ExpectedFailure) return this.#judge(result, () => this.#complete(onlyIfAbsent));
    this.#uploadId = undefined;
    await this.bytes.release();
    return "created";
  }

  /** Of a request with If-None-Match. A store that does not know the header may refuse it in its own words. */
  #conditionalFailures(): StoreFailure["kind"][] {
    const isPrecaution = this.settings.conditional.onExisting === "compare";
    return ["exists", "not-implemented", ...(isPrecaution ? (["refused"] as const) : [])];
  }

  /** Outcomes that the caller handles: it knows whether the rows can be read again. */
  async #judge(failed: ExpectedFailure, again: () => Promise<FinishOutcome>): Promise<FinishOutcome> {
    switch (failed.failure.kind) {
      case "not-implemented":
      case "refused":
        this.settings.conditional.refused(failed);
        return again();
      case "exists":
        return "exists";
      case "no-such-upload":
        // Either our completion was applied and its answer lost, or another client aborted the upload.
        this.#uploadId = undefined;
        await this.abort();
        return "lost";
      default:
        await this.abort();
        return "lost";
    }
  }

  /** Drops the bytes, and aborts the multipart upload if the store can be reached. */
  async abort(): Promise<void> {
    await this.bytes.release();
    const uploadId = this.#uploadId;
    this.#uploadId = undefined;
    if (uploadId === undefined) return;
    const aborted = await this.calls.sendOnce({
      doing: `aborting the multipart upload of object ${this.key}`,
      timeoutMs: ABORT_TIMEOUT_MS,
      run: (signal) => this.client.abortUpload(this.key, uploadId, signal),
    });
    if (aborted === undefined) return;
    this.logger.warn("A multipart upload could not be aborted; a lifecycle rule of the bucket should clean it up", {
      key: this.key,
      uploadId,
      cause: aborted.failure.cause,
    });
  }

  async #prepare(length: number): Promise<RequestBody> {
    if (this.#prepared) return this.#prepared;
    let partCrc = 0;
    let wholeCrc = this.#digest.crc32;
    const isFirst = this.#parts.length === 0;
    for await (const piece of this.bytes.scan(length)) {
      partCrc = crc32(piece, partCrc);
      if (!isFirst) wholeCrc = crc32(piece, wholeCrc);
    }
    this.#digest = { length: this.#digest.length + length, crc32: isFirst ? partCrc : wholeCrc };
    this.#prepared = { length, crc32: partCrc, open: () => this.bytes.read(length) };
    return this.#prepared;
  }

  async #required<T>(call: Parameters<StoreCalls["run"]>[0] & { run(signal: AbortSignal): Promise<T> }): Promise<T> {
    const result = await this.calls.run<T>(call);
    if (result instanceof ExpectedFailure) throw result.cause;
    return result;
  }
}

const ABORT_TIMEOUT_MS = 500;

function timeoutFor(bytes: number): number {
  return BASE_TIMEOUT_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS);
}
