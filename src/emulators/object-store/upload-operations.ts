import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { judgeWrite } from "./bucket-files.js";
import { isoTime, listedKey, readLimit, xml } from "./bucket-operations.js";
import { checksumHeaders } from "./object-operations.js";
import {
  attributesOf,
  describedBy,
  header,
  type OperationHandler,
  readText,
  type S3Call,
  type S3Store,
  withBody,
  writeCondition,
} from "./s3-call.js";
import { checksumAlgorithm } from "./s3-checksum.js";
import { S3Error } from "./s3-error.js";
import { readXmlList, writeXml } from "./s3-xml.js";
import { receiveBody, type StoredAttributes } from "./stored-file.js";
import { type CompletedPart, completedChecksum, type Upload } from "./upload-files.js";

export const createMultipartUpload: OperationHandler = (store, call) => {
  const { bucket, key } = call.request;
  store.files.requireBucket(bucket);
  const algorithm = checksumAlgorithm(header(call, "x-amz-checksum-algorithm"));
  const given = header(call, "x-amz-checksum-type");
  if (given !== undefined && given !== "FULL_OBJECT" && given !== "COMPOSITE") {
    throw new S3Error("InvalidRequest", "x-amz-checksum-type is FULL_OBJECT or COMPOSITE");
  }
  if (algorithm?.startsWith("sha") && given === "FULL_OBJECT") {
    throw new S3Error(
      "InvalidRequest",
      `The ${algorithm} checksum of a whole multipart object cannot be made of its parts'`,
    );
  }
  const type = given ?? (algorithm === "crc64nvme" ? "FULL_OBJECT" : "COMPOSITE");
  const upload = store.uploads.create({
    bucket,
    key,
    initiatedMs: store.clock.nowMs(),
    ...describedBy(call),
    ...(algorithm && { checksumAlgorithm: algorithm, checksumType: type }),
  });
  const answer = xml(
    writeXml("InitiateMultipartUploadResult", { Bucket: bucket, Key: key, UploadId: upload.uploadId }),
  );
  if (!algorithm) return answer;
  const about = { "x-amz-checksum-algorithm": algorithm.toUpperCase(), "x-amz-checksum-type": type };
  return { ...answer, headers: { ...answer.headers, ...about } };
};

export const uploadPart: OperationHandler = async (store, call) => {
  const upload = findUpload(store, call);
  const partNumber = Number(call.request.query.get("partNumber"));
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > 10_000) {
    throw new S3Error("InvalidArgument", "A part number is an integer from 1 to 10000");
  }
  return withBody(store, call, upload.checksumAlgorithm, async (body) => {
    const attributes = attributesOf(store, call, body);
    await store.uploads.putPart(upload, partNumber, body.received, attributes);
    const { "x-amz-checksum-type": _, ...checksums } = checksumHeaders(attributes);
    return { status: 200, headers: { etag: `"${attributes.etag}"`, ...checksums } };
  });
};

export const listParts: OperationHandler = (store, call) => {
  const upload = findUpload(store, call);
  const { query, bucket, key } = call.request;
  const maxParts = readLimit(query.get("max-parts"), "max-parts");
  const marker = Number(query.get("part-number-marker") ?? 0);
  const after = store.uploads.parts(upload).filter(([partNumber]) => partNumber > marker);
  const page = after.slice(0, maxParts);
  return xml(
    writeXml("ListPartsResult", {
      Bucket: bucket,
      Key: key,
      UploadId: upload.uploadId,
      PartNumberMarker: marker,
      NextPartNumberMarker: page.at(-1)?.[0] ?? 0,
      MaxParts: maxParts,
      IsTruncated: page.length < after.length,
      ChecksumAlgorithm: upload.checksumAlgorithm?.toUpperCase(),
      Part: page.map(([partNumber, part]) => ({
        PartNumber: partNumber,
        LastModified: isoTime(part.lastModifiedMs),
        ETag: `"${part.etag}"`,
        Size: part.size,
        ...checksumElements(part),
      })),
    }),
  );
};

export const completeMultipartUpload: OperationHandler = async (store, call) => {
  const upload = findUpload(store, call);
  const { items } = readXmlList(await readText(call), "CompleteMultipartUpload", "Part");
  const completed = items.map((item) => readPart(item, upload));
  const parts = store.uploads.judgeCompletion(upload, completed);
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  const expectedSize = header(call, "x-amz-mp-object-size");
  if (expectedSize !== undefined && Number(expectedSize) !== size) {
    throw new S3Error("InvalidRequest", `The parts have ${size} bytes, x-amz-mp-object-size says ${expectedSize}`);
  }
  const condition = writeCondition(call);
  // Judged before the work too: a lost race should cost nothing, and the upload stays for the client to abort.
  judgeWrite(store.files.find(upload.bucket, upload.key), upload.key, condition);
  const whole = upload.checksumType === "FULL_OBJECT" && upload.checksumAlgorithm ? [upload.checksumAlgorithm] : [];
  const received = await receiveBody(store.files.temporaryPath(), store.uploads.read(upload, completed), whole);
  try {
    const checksum = completedChecksum(upload, parts, received);
    checkGivenChecksum(call, upload, checksum);
    const attributes: StoredAttributes = {
      key: upload.key,
      size: received.size,
      etag: multipartEtag(parts),
      lastModifiedMs: store.clock.nowMs(),
      headers: upload.headers,
      metadata: upload.metadata,
      checksums: upload.checksumAlgorithm && checksum ? { [upload.checksumAlgorithm]: checksum } : {},
    };
    store.uploads.find(upload.bucket, upload.key, upload.uploadId); // not aborted meanwhile
    await store.files.put(upload.bucket, received, attributes, condition);
    store.uploads.remove(upload);
    return xml(
      writeXml("CompleteMultipartUploadResult", {
        Location: `/${upload.bucket}/${upload.key}`,
        Bucket: upload.bucket,
        Key: upload.key,
        ETag: `"${attributes.etag}"`,
        ...checksumElements(attributes),
        ChecksumType: upload.checksumType,
      }),
    );
  } catch (error) {
    rmSync(received.path, { force: true });
    throw error;
  }
};

export const abortMultipartUpload: OperationHandler = (store, call) => {
  store.uploads.remove(findUpload(store, call));
  return { status: 204 };
};

export const listMultipartUploads: OperationHandler = (store, call) => {
  const { bucket, query } = call.request;
  store.files.requireBucket(bucket);
  const prefix = query.get("prefix") ?? "";
  const maxUploads = readLimit(query.get("max-uploads"), "max-uploads");
  const keyMarker = query.get("key-marker") ?? "";
  const idMarker = query.get("upload-id-marker") ?? "";
  const all = store.uploads.list(bucket).filter((upload) => upload.key.startsWith(prefix));
  const marked = all.findIndex((upload) => upload.key === keyMarker && upload.uploadId === idMarker);
  const after = marked >= 0 ? all.slice(marked + 1) : all.filter((upload) => upload.key > keyMarker);
  const page = after.slice(0, maxUploads);
  const truncated = page.length < after.length;
  const encoded = listedKey(query.get("encoding-type"));
  return xml(
    writeXml("ListMultipartUploadsResult", {
      Bucket: bucket,
      KeyMarker: encoded(keyMarker),
      UploadIdMarker: idMarker,
      NextKeyMarker: truncated ? encoded(page.at(-1)?.key ?? "") : undefined,
      NextUploadIdMarker: truncated ? page.at(-1)?.uploadId : undefined,
      Prefix: encoded(prefix),
      EncodingType: query.get("encoding-type"),
      MaxUploads: maxUploads,
      IsTruncated: truncated,
      Upload: page.map((upload) => ({
        Key: encoded(upload.key),
        UploadId: upload.uploadId,
        StorageClass: "STANDARD",
        Initiated: isoTime(upload.initiatedMs),
        ChecksumAlgorithm: upload.checksumAlgorithm?.toUpperCase(),
        ChecksumType: upload.checksumType,
      })),
    }),
  );
};

/** The ETag of an object of several parts: the MD5 of their MD5s, and their number. */
function multipartEtag(parts: readonly Pick<StoredAttributes, "etag">[]): string {
  const joined = Buffer.concat(parts.map((part) => Buffer.from(part.etag, "hex")));
  return `${createHash("md5").update(joined).digest("hex")}-${parts.length}`;
}

function findUpload({ files, uploads }: S3Store, { request }: S3Call): Upload {
  files.requireBucket(request.bucket);
  return uploads.find(request.bucket, request.key, request.query.get("uploadId") ?? "");
}

function readPart(item: ReadonlyMap<string, string>, { checksumAlgorithm }: Upload): CompletedPart {
  const partNumber = Number(item.get("PartNumber"));
  const etag = item.get("ETag");
  if (!Number.isInteger(partNumber) || etag === undefined) {
    throw new S3Error("MalformedXML", "Each Part needs a PartNumber and an ETag");
  }
  const checksum = checksumAlgorithm && item.get(`Checksum${checksumAlgorithm.toUpperCase()}`);
  return { partNumber, etag: etag.replaceAll('"', ""), checksum };
}

/** A client may send the checksum it expects of the whole object, with or without its number of parts. */
function checkGivenChecksum(call: S3Call, { checksumAlgorithm }: Upload, checksum: string | undefined): void {
  if (!checksumAlgorithm) return;
  const given = header(call, `x-amz-checksum-${checksumAlgorithm}`);
  if (given !== undefined && given !== checksum && given !== checksum?.replace(/-\d+$/, "")) {
    throw new S3Error("BadDigest", `x-amz-checksum-${checksumAlgorithm} does not match the object that the parts make`);
  }
}

function checksumElements({ checksums }: Pick<StoredAttributes, "checksums">): Record<string, string> {
  return Object.fromEntries(Object.entries(checksums).map(([name, value]) => [`Checksum${name.toUpperCase()}`, value]));
}
