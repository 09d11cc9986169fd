import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Random } from "../../api/random.js";
import { type ChecksumAlgorithm, compositeChecksum } from "./s3-checksum.js";
import { S3Error } from "./s3-error.js";
import { type ReceivedBody, readAttributes, readBody, type StoredAttributes, sealFile } from "./stored-file.js";

/** A multipart upload, as CreateMultipartUpload fixed it. */
export interface Upload {
  readonly uploadId: string;
  readonly bucket: string;
  readonly key: string;
  readonly initiatedMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /** FULL_OBJECT: the checksum of the whole body; COMPOSITE: of the parts' checksums. */
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
}

/** One line of a CompleteMultipartUpload body. */
export interface CompletedPart {
  readonly partNumber: number;
  readonly etag: string;
  /** The client's checksum of the part, of the upload's algorithm. */
  readonly checksum?: string | undefined;
}

interface ActiveUpload {
  readonly upload: Upload;
  readonly parts: Map<number, StoredAttributes>;
}

/** Multipart uploads under way: `uploads/<upload id>/` with the upload as JSON and one file per part. */
export class UploadFiles {
  readonly #root: string;
  readonly #random: Random;
  readonly #minPartBytes: number;
  readonly #uploads = new Map<string, ActiveUpload>();

  private constructor(dataDir: string, random: Random, minPartBytes: number) {
    this.#root = join(dataDir, "uploads");
    this.#random = random;
    this.#minPartBytes = minPartBytes;
  }

  /** Opens a data folder. Uploads under way when the store last ended continue. */
  static async open(dataDir: string, random: Random, minPartBytes: number): Promise<UploadFiles> {
    const files = new UploadFiles(dataDir, random, minPartBytes);
    mkdirSync(files.#root, { recursive: true });
    for (const name of readdirSync(files.#root)) {
      const folder = join(files.#root, name);
      const names = readdirSync(folder);
      if (!names.includes("upload.json")) {
        rmSync(folder, { recursive: true }); // the store ended while it was made or removed
        continue;
      }
      const upload = JSON.parse(readFileSync(join(folder, "upload.json"), "utf8")) as Upload;
      const parts = new Map<number, StoredAttributes>();
      for (const part of names.filter((other) => other !== "upload.json")) {
        const file = await open(join(folder, part));
        const attributes = await readAttributes(file);
        await file.close();
        if (attributes) parts.set(Number(part), attributes);
      }
      files.#uploads.set(upload.uploadId, { upload, parts });
    }
    return files;
  }

  create(upload: Omit<Upload, "uploadId">): Upload {
    const created: Upload = { ...upload, uploadId: this.#random.uuid() };
    const folder = this.#folder(created.uploadId);
    mkdirSync(folder);
    writeFileSync(join(folder, "upload.tmp"), JSON.stringify(created));
    renameSync(join(folder, "upload.tmp"), join(folder, "upload.json"));
    this.#uploads.set(created.uploadId, { upload: created, parts: new Map() });
    return created;
  }

  /** @throws S3Error NoSuchUpload, also where the id belongs to another key. */
  find(bucket: string, key: string, uploadId: string): Upload {
    return this.#active(bucket, key, uploadId).upload;
  }

  /** Keeps a received body as a part; one of the same number is replaced. */
  async putPart(upload: Upload, partNumber: number, body: ReceivedBody, attributes: StoredAttributes): Promise<void> {
    await sealFile(body.path, attributes);
    const active = this.#active(upload.bucket, upload.key, upload.uploadId); // it may have been aborted meanwhile
    renameSync(body.path, join(this.#folder(upload.uploadId), String(partNumber)));
    active.parts.set(partNumber, attributes);
  }

  /** Parts by number. */
  parts(upload: Upload): [number, StoredAttributes][] {
    return [...this.#active(upload.bucket, upload.key, upload.uploadId).parts].sort(([a], [b]) => a - b);
  }

  /** Uploads of a bucket by key, then by their start. */
  list(bucket: string): Upload[] {
    return [...this.#uploads.values()]
      .map(({ upload }) => upload)
      .filter((upload) => upload.bucket === bucket)
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || a.initiatedMs - b.initiatedMs);
  }

  /**
   * The parts an object will be made of.
   *
   * @throws S3Error InvalidPart, InvalidPartOrder, EntityTooSmall, MalformedXML (no part at all).
   */
  judgeCompletion(upload: Upload, completed: readonly CompletedPart[]): StoredAttributes[] {
    const { parts } = this.#active(upload.bucket, upload.key, upload.uploadId);
    if (completed.length === 0) throw new S3Error("MalformedXML", "An upload is completed with at least one part");
    if (completed.some(({ partNumber }, index) => partNumber <= (completed[index - 1]?.partNumber ?? 0))) {
      throw new S3Error("InvalidPartOrder", "The list of parts is not in ascending order of part numbers");
    }
    return completed.map(({ partNumber, etag, checksum }, index) => {
      const part = parts.get(partNumber);
      const { checksumAlgorithm } = upload;
      const sum = checksumAlgorithm && part?.checksums[checksumAlgorithm];
      if (!part || part.etag !== etag || (checksum !== undefined && checksum !== sum)) {
        throw new S3Error("InvalidPart", `Part ${partNumber} was not uploaded, or its ETag or checksum is another`);
      }
      if (index < completed.length - 1 && part.size < this.#minPartBytes) {
        throw new S3Error(
          "EntityTooSmall",
          `Part ${partNumber} has ${part.size} bytes; all but the last need at least ${this.#minPartBytes}`,
        );
      }
      return part;
    });
  }

  /** The bodies of those parts, one after the other. */
  async *read(upload: Upload, completed: readonly CompletedPart[]): AsyncGenerator<Buffer> {
    for (const { partNumber } of completed) {
      this.#active(upload.bucket, upload.key, upload.uploadId); // another completion may have been faster
      const file = await open(join(this.#folder(upload.uploadId), String(partNumber)));
      const attributes = await readAttributes(file);
      yield* readBody(file, 0, attributes?.size ?? 0);
    }
  }

  /** The upload is over: completed or aborted. */
  remove(upload: Upload): void {
    this.#uploads.delete(upload.uploadId);
    const folder = this.#folder(upload.uploadId);
    // The upload's own file goes first: without it the folder is ignored, so a crash half-way leaves no half upload.
    rmSync(join(folder, "upload.json"), { force: true });
    rmSync(folder, { recursive: true, force: true });
  }

  #active(bucket: string, key: string, uploadId: string): ActiveUpload {
    const active = this.#uploads.get(uploadId);
    if (active?.upload.bucket === bucket && active.upload.key === key) return active;
    throw new S3Error("NoSuchUpload", "The upload does not exist: the id is wrong, or it was completed or aborted");
  }

  #folder(uploadId: string): string {
    return join(this.#root, uploadId);
  }
}

/** The checksum of the finished object, by the upload's algorithm and type. */
export function completedChecksum(
  upload: Upload,
  parts: readonly StoredAttributes[],
  body: ReceivedBody,
): string | undefined {
  const { checksumAlgorithm, checksumType } = upload;
  if (!checksumAlgorithm) return undefined;
  if (checksumType === "FULL_OBJECT") return body.digests.get(checksumAlgorithm)?.toString("base64");
  return compositeChecksum(
    checksumAlgorithm,
    parts.map((part) => part.checksums[checksumAlgorithm] ?? ""),
  );
}
