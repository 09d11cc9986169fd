import { rmSync } from "node:fs";
import { matchesEtag, noSuchKey, preconditionFailed } from "./bucket-files.js";
import { isoTime, xml } from "./bucket-operations.js";
import {
  attributesOf,
  describedBy,
  header,
  type OperationHandler,
  type S3Answer,
  type S3Call,
  withBody,
  writeCondition,
} from "./s3-call.js";
import { checksumAlgorithm } from "./s3-checksum.js";
import { S3Error } from "./s3-error.js";
import { readS3Request } from "./s3-request.js";
import { writeXml } from "./s3-xml.js";
import { readBody, receiveBody, type StoredAttributes } from "./stored-file.js";

export const putObject: OperationHandler = async (store, call) => {
  const { bucket } = call.request;
  store.files.requireBucket(bucket);
  const about = describedBy(call);
  const wanted = checksumAlgorithm(header(call, "x-amz-sdk-checksum-algorithm"));
  return withBody(store, call, wanted, async (body) => {
    const attributes = attributesOf(store, call, body, about);
    await store.files.put(bucket, body.received, attributes, writeCondition(call));
    return { status: 200, headers: { etag: `"${attributes.etag}"`, ...checksumHeaders(attributes) } };
  });
};

export const getObject: OperationHandler = async ({ files }, call) => {
  const { file, attributes } = await files.open(call.request.bucket, call.request.key);
  try {
    const unchanged = judgeRead(call, attributes);
    if (unchanged) {
      await file.close();
      return unchanged;
    }
    const range = readRange(header(call, "range"), attributes.size);
    const start = range?.start ?? 0;
    const end = range?.end ?? attributes.size;
    return {
      status: range ? 206 : 200,
      headers: {
        ...objectHeaders(call, attributes, range !== undefined),
        "content-length": end - start,
        ...(range && { "content-range": `bytes ${start}-${end - 1}/${attributes.size}` }),
      },
      body: readBody(file, start, end),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
};

export const headObject: OperationHandler = ({ files }, call) => {
  const { bucket, key } = call.request;
  const attributes = files.find(bucket, key);
  if (!attributes) throw noSuchKey(key);
  const unchanged = judgeRead(call, attributes);
  if (unchanged) return unchanged;
  const range = readRange(header(call, "range"), attributes.size);
  const length = range ? range.end - range.start : attributes.size;
  return {
    status: range ? 206 : 200,
    headers: { ...objectHeaders(call, attributes, range !== undefined), "content-length": length },
  };
};

export const deleteObject: OperationHandler = ({ files }, { request }) => {
  files.delete(request.bucket, request.key);
  return { status: 204 };
};

export const copyObject: OperationHandler = async (store, call) => {
  const { bucket, key } = call.request;
  store.files.requireBucket(bucket);
  const given = header(call, "x-amz-copy-source") ?? "";
  const source = readS3Request("GET", given.startsWith("/") ? given : `/${given}`, false);
  const { file, attributes: from } = await store.files.open(source.bucket, source.key);
  try {
    judgeCopySource(call, from);
  } catch (error) {
    await file.close();
    throw error;
  }
  const received = await receiveBody(store.files.temporaryPath(), readBody(file, 0, from.size), []);
  const attributes: StoredAttributes = {
    ...from,
    ...(header(call, "x-amz-metadata-directive") === "REPLACE" && describedBy(call)),
    key,
    etag: received.digests.get("md5")?.toString("hex") ?? "",
    lastModifiedMs: store.clock.nowMs(),
  };
  try {
    await store.files.put(bucket, received, attributes, writeCondition(call));
  } catch (error) {
    rmSync(received.path, { force: true });
    throw error;
  }
  return xml(
    writeXml("CopyObjectResult", { LastModified: isoTime(attributes.lastModifiedMs), ETag: `"${attributes.etag}"` }),
  );
};

function judgeCopySource(call: S3Call, from: StoredAttributes): void {
  const ifMatch = header(call, "x-amz-copy-source-if-match");
  const ifNoneMatch = header(call, "x-amz-copy-source-if-none-match");
  if (ifMatch !== undefined && !matchesEtag(ifMatch, from.etag)) throw preconditionFailed("x-amz-copy-source-if-match");
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, from.etag)) {
    throw preconditionFailed("x-amz-copy-source-if-none-match");
  }
}

/** Conditions of a read (RFC 9110, 13.2.2): 412 as an error, 304 as an answer, undefined to continue. */
function judgeRead(call: S3Call, { etag, lastModifiedMs }: StoredAttributes): S3Answer | undefined {
  const ifMatch = header(call, "if-match");
  const ifNoneMatch = header(call, "if-none-match");
  const modifiedSeconds = Math.floor(lastModifiedMs / 1000);
  const isAfter = (name: string) => {
    const ms = Date.parse(header(call, name) ?? "");
    return Number.isNaN(ms) ? undefined : modifiedSeconds > ms / 1000;
  };
  if (ifMatch !== undefined) {
    if (!matchesEtag(ifMatch, etag)) throw preconditionFailed("If-Match");
  } else if (isAfter("if-unmodified-since") === true) {
    throw preconditionFailed("If-Unmodified-Since");
  }
  const same = ifNoneMatch === undefined ? isAfter("if-modified-since") === false : matchesEtag(ifNoneMatch, etag);
  return same ? { status: 304, headers: { etag: `"${etag}"` } } : undefined;
}

/** The bytes that a Range header selects, end exclusive; undefined: the whole object. @throws S3Error InvalidRange */
export function readRange(range: string | undefined, size: number): { start: number; end: number } | undefined {
  const parts = /^bytes=(\d*)-(\d*)$/.exec(range ?? "");
  if (!parts || (parts[1] === "" && parts[2] === "")) return undefined; // none, or one S3 does not serve either
  const [, first = "", last = ""] = parts;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size : Math.min(size, Number(last) + 1);
  if (start >= end) throw new S3Error("InvalidRange", `The object has ${size} bytes; ${range} has none of them`);
  return { start, end };
}

function objectHeaders(call: S3Call, attributes: StoredAttributes, partial: boolean): Record<string, string> {
  const { query } = call.request;
  const headers: Record<string, string> = {
    "content-type": "binary/octet-stream",
    ...attributes.headers,
    etag: `"${attributes.etag}"`,
    "last-modified": new Date(attributes.lastModifiedMs).toUTCString(),
    "accept-ranges": "bytes",
  };
  for (const [name, value] of Object.entries(attributes.metadata)) headers[`x-amz-meta-${name}`] = value;
  for (const name of ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type"]) {
    const override = query.get(`response-${name}`);
    if (override !== undefined) headers[name] = override;
  }
  // A checksum is of the whole object: beside a part of it, it would only fail the reader's check.
  if (header(call, "x-amz-checksum-mode") === "ENABLED" && !partial)
    Object.assign(headers, checksumHeaders(attributes));
  return headers;
}

/** `x-amz-checksum-…` headers of a stored object or part. */
export function checksumHeaders({ checksums }: Pick<StoredAttributes, "checksums">): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [algorithm, value] of Object.entries(checksums)) {
    headers[`x-amz-checksum-${algorithm}`] = value;
    headers["x-amz-checksum-type"] = value.includes("-") ? "COMPOSITE" : "FULL_OBJECT";
  }
  return headers;
}
