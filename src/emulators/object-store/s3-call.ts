import { rmSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import type { Clock } from "../../api/clock.js";
import { decodeAwsChunked } from "./aws-chunked.js";
import type { BucketFiles, WriteCondition } from "./bucket-files.js";
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from "./s3-checksum.js";
import { S3Error } from "./s3-error.js";
import type { S3Request } from "./s3-request.js";
import type { Verified } from "./sigv4.js";
import { type ReceivedBody, receiveBody, type StoredAttributes } from "./stored-file.js";
import type { UploadFiles } from "./upload-files.js";

/** The parts of the store that operations use. */
export interface S3Store {
  readonly files: BucketFiles;
  readonly uploads: UploadFiles;
  readonly clock: Clock;
}

/** One request that has been authenticated and whose operation is known. */
export interface S3Call {
  readonly request: S3Request;
  readonly headers: IncomingHttpHeaders;
  /** The raw body, from the socket. */
  readonly body: AsyncIterable<Buffer>;
  /** Set where signatures are checked. */
  readonly verified: Verified | undefined;
}

/** An answer. */
export interface S3Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** An XML document, or the bytes of an object whose length is in the headers. */
  readonly body?: string | AsyncIterable<Buffer>;
}

/** Carries out one operation. @throws S3Error for every answer that is an error. */
export type OperationHandler = (store: S3Store, call: S3Call) => Promise<S3Answer> | S3Answer;

/** A body that has arrived whole and whose checksums hold, with those to be kept (Base64). */
export interface CheckedBody {
  readonly received: ReceivedBody;
  readonly checksums: Partial<Record<ChecksumAlgorithm, string>>;
}

/** A header's value; one that was sent more than once is joined by commas. */
export function header(call: S3Call, name: string): string | undefined {
  const value = call.headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

/** `If-Match` and `If-None-Match` of a write. */
export function writeCondition(call: S3Call): WriteCondition {
  return { ifMatch: header(call, "if-match"), ifNoneMatch: header(call, "if-none-match") };
}

/**
 * Receives the body into a temporary file, lets `keep` put it where it belongs, and removes it if that fails.
 *
 * @param also a checksum to compute even if the client sends none.
 * @throws S3Error BadDigest, InvalidDigest, XAmzContentSHA256Mismatch, IncompleteBody, MissingContentLength.
 */
export async function withBody<T>(
  store: S3Store,
  call: S3Call,
  also: ChecksumAlgorithm | undefined,
  keep: (body: CheckedBody) => Promise<T>,
): Promise<T> {
  if (header(call, "content-length") === undefined && header(call, "transfer-encoding") === undefined) {
    throw new S3Error("MissingContentLength", "A Content-Length header is needed");
  }
  const trailers = new Map<string, string>();
  const payloadHash = header(call, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD";
  const chunks = payloadHash.startsWith("STREAMING-")
    ? decodeAwsChunked(call.body, trailers, payloadHash.includes("-AWS4-HMAC-") ? call.verified : undefined)
    : call.body;
  const received = await receiveBody(store.files.temporaryPath(), chunks, algorithmsOf(call, payloadHash, also));
  try {
    checkBody(call, payloadHash, received);
    const checksums = checkChecksums(call, trailers, received);
    if (also) checksums[also] ??= received.digests.get(also)?.toString("base64") ?? "";
    return await keep({ received, checksums });
  } catch (error) {
    rmSync(received.path, { force: true });
    throw error;
  }
}

/** Reads a body that is a small XML document. Checks only its size: no framing, digest or checksum. */
export async function readText(call: S3Call): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of call.body) {
    size += chunk.length;
    if (size > 4 * 2 ** 20) throw new S3Error("MalformedXML", "The body is longer than any valid one");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Attributes of an object or part made of a received body. */
export function attributesOf(
  store: S3Store,
  call: S3Call,
  { received, checksums }: CheckedBody,
  about: Pick<StoredAttributes, "headers" | "metadata"> = { headers: {}, metadata: {} },
): StoredAttributes {
  return {
    key: call.request.key,
    size: received.size,
    etag: received.digests.get("md5")?.toString("hex") ?? "",
    lastModifiedMs: store.clock.nowMs(),
    ...about,
    checksums,
  };
}

const KEPT_HEADERS = [
  ...["cache-control", "content-disposition", "content-encoding", "content-language", "content-type", "expires"],
  ...["x-amz-storage-class", "x-amz-server-side-encryption", "x-amz-website-redirect-location"],
];

/**
 * The headers and user metadata that an object keeps from the request that makes it.
 *
 * @throws S3Error MetadataTooLarge, KeyTooLongError
 */
export function describedBy(call: S3Call): Pick<StoredAttributes, "headers" | "metadata"> {
  if (Buffer.byteLength(call.request.key) > 1024) {
    throw new S3Error("KeyTooLongError", "A key may have 1024 bytes of UTF-8");
  }
  const headers: Record<string, string> = {};
  const metadata: Record<string, string> = {};
  let metadataBytes = 0;
  for (const name of Object.keys(call.headers)) {
    const value = header(call, name) ?? "";
    if (name.startsWith("x-amz-meta-")) {
      metadata[name.slice("x-amz-meta-".length)] = value;
      metadataBytes += name.length - "x-amz-meta-".length + Buffer.byteLength(value);
    } else if (KEPT_HEADERS.includes(name)) {
      headers[name] = value;
    }
  }
  if (metadataBytes > 2048) throw new S3Error("MetadataTooLarge", "User metadata may have 2048 bytes");
  // aws-chunked was the body's framing, not the object's encoding.
  const encodings = (headers["content-encoding"] ?? "").split(",").map((one) => one.trim());
  const kept = encodings.filter((one) => one !== "" && one !== "aws-chunked").join(",");
  delete headers["content-encoding"];
  if (kept) headers["content-encoding"] = kept;
  return { headers, metadata };
}

function algorithmsOf(call: S3Call, payloadHash: string, also: ChecksumAlgorithm | undefined): Set<ChecksumAlgorithm> {
  const announced = header(call, "x-amz-trailer")?.toLowerCase() ?? "";
  const asked = CHECKSUM_ALGORITHMS.filter(
    (one) => call.headers[`x-amz-checksum-${one}`] !== undefined || announced.includes(`x-amz-checksum-${one}`),
  );
  const algorithms = new Set<ChecksumAlgorithm>(asked);
  if (also) algorithms.add(also);
  if (/^[0-9a-f]{64}$/.test(payloadHash)) algorithms.add("sha256");
  return algorithms;
}

function checkBody(call: S3Call, payloadHash: string, { size, digests }: ReceivedBody): void {
  const decodedLength = header(call, "x-amz-decoded-content-length");
  if (decodedLength !== undefined && Number(decodedLength) !== size) {
    throw new S3Error(
      "IncompleteBody",
      `The body has ${size} bytes, x-amz-decoded-content-length says ${decodedLength}`,
    );
  }
  if (/^[0-9a-f]{64}$/.test(payloadHash) && digests.get("sha256")?.toString("hex") !== payloadHash) {
    throw new S3Error("XAmzContentSHA256Mismatch", "x-amz-content-sha256 does not match what was received");
  }
  const md5 = header(call, "content-md5");
  if (md5 === undefined) return;
  if (Buffer.from(md5, "base64").length !== 16) throw new S3Error("InvalidDigest", "Content-MD5 is not valid");
  if (digests.get("md5")?.toString("base64") !== md5) {
    throw new S3Error("BadDigest", "Content-MD5 does not match what was received");
  }
}

function checkChecksums(
  call: S3Call,
  trailers: ReadonlyMap<string, string>,
  { digests }: ReceivedBody,
): Partial<Record<ChecksumAlgorithm, string>> {
  const checked: Partial<Record<ChecksumAlgorithm, string>> = {};
  const announced = header(call, "x-amz-trailer")?.toLowerCase() ?? "";
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const name = `x-amz-checksum-${algorithm}`;
    const given = header(call, name) ?? trailers.get(name);
    if (given === undefined) {
      if (announced.includes(name))
        throw new S3Error("InvalidRequest", `The trailing header ${name} was announced but not sent`);
      continue;
    }
    if (digests.get(algorithm)?.toString("base64") !== given) {
      throw new S3Error(
        "BadDigest",
        `The ${algorithm.toUpperCase()} you specified did not match the calculated checksum`,
      );
    }
    checked[algorithm] = given;
  }
  return checked;
}
