import { compareUtf8 } from "./bucket-files.js";
import { header, type OperationHandler, readText, type S3Answer, type S3Call } from "./s3-call.js";
import { CHECKSUM_ALGORITHMS, digestOf } from "./s3-checksum.js";
import { S3Error } from "./s3-error.js";
import { readXmlList, writeXml, type XmlFields } from "./s3-xml.js";

const OWNER = { ID: "millrace", DisplayName: "millrace" };

export const listBuckets: OperationHandler = ({ files }) => {
  const buckets = files.buckets().map(({ name, createdMs }) => ({ Name: name, CreationDate: isoTime(createdMs) }));
  return xml(writeXml("ListAllMyBucketsResult", { Owner: OWNER, Buckets: { Bucket: buckets } }));
};

export const createBucket: OperationHandler = async ({ files, clock }, call) => {
  await readText(call); // a region, which makes no difference here
  files.createBucket(call.request.bucket, clock.nowMs());
  return { status: 200, headers: { location: `/${call.request.bucket}` } };
};

export const headBucket: OperationHandler = ({ files }, { request }) => {
  files.requireBucket(request.bucket);
  return { status: 200, headers: { "x-amz-bucket-region": "us-east-1" } };
};

export const deleteBucket: OperationHandler = ({ files }, { request }) => {
  files.deleteBucket(request.bucket);
  return { status: 204 };
};

export const getBucketLocation: OperationHandler = ({ files }, { request }) => {
  files.requireBucket(request.bucket);
  return xml(writeXml("LocationConstraint", {}));
};

/** A page of a listing: keys, and the common prefixes of keys up to the delimiter. */
export interface ListingPage {
  readonly keys: readonly string[];
  readonly commonPrefixes: readonly string[];
  /** The key or common prefix after which the next page starts; undefined on the last page. */
  readonly next: string | undefined;
}

/**
 * Picks a page of keys as ListObjectsV2 does.
 *
 * @param sortedKeys all keys, by their UTF-8 bytes.
 * @param after keys up to and including this one are left out, and so is a common prefix that equals it.
 */
export function planListing(
  sortedKeys: readonly string[],
  { prefix, delimiter, after, maxKeys }: { prefix: string; delimiter: string; after: string; maxKeys: number },
): ListingPage {
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  let last = "";
  for (const key of sortedKeys) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const entry = end < 0 ? key : key.slice(0, end + delimiter.length);
    // A key below a common prefix that was the last entry of the page before belongs to that entry.
    if (after !== "" && (compareUtf8(key, after) <= 0 || (end >= 0 && entry === after))) continue;
    if (end >= 0 && commonPrefixes.at(-1) === entry) continue;
    if (keys.length + commonPrefixes.length >= maxKeys)
      return { keys, commonPrefixes, next: maxKeys > 0 ? last : undefined };
    (end < 0 ? keys : commonPrefixes).push(entry);
    last = entry;
  }
  return { keys, commonPrefixes, next: undefined };
}

export const listObjectsV2: OperationHandler = ({ files }, { request }) => {
  const { bucket, query } = request;
  const token = query.get("continuation-token");
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const maxKeys = readLimit(query.get("max-keys"), "max-keys");
  const after = token === undefined ? (query.get("start-after") ?? "") : Buffer.from(token, "base64url").toString();
  const page = planListing(files.sortedKeys(bucket), { prefix, delimiter, after, maxKeys });
  const encoded = listedKey(query.get("encoding-type"));
  const contents = page.keys.map((key): XmlFields => {
    const object = files.find(bucket, key);
    return {
      Key: encoded(key),
      LastModified: isoTime(object?.lastModifiedMs ?? 0),
      ETag: `"${object?.etag}"`,
      ChecksumAlgorithm: Object.keys(object?.checksums ?? {}).map((name) => name.toUpperCase()),
      Size: object?.size ?? 0,
      StorageClass: "STANDARD",
    };
  });
  return xml(
    writeXml("ListBucketResult", {
      Name: bucket,
      Prefix: encoded(prefix),
      Delimiter: delimiter === "" ? undefined : encoded(delimiter),
      MaxKeys: maxKeys,
      EncodingType: query.get("encoding-type"),
      KeyCount: page.keys.length + page.commonPrefixes.length,
      IsTruncated: page.next !== undefined,
      ContinuationToken: token,
      NextContinuationToken: page.next === undefined ? undefined : Buffer.from(page.next).toString("base64url"),
      StartAfter: query.has("start-after") ? encoded(query.get("start-after") ?? "") : undefined,
      Contents: contents,
      CommonPrefixes: page.commonPrefixes.map((one) => ({ Prefix: encoded(one) })),
    }),
  );
};

export const deleteObjects: OperationHandler = async ({ files }, call) => {
  const { bucket } = call.request;
  files.requireBucket(bucket);
  const body = await readText(call);
  checkDeletionDigest(call, Buffer.from(body));
  const { items, rest } = readXmlList(body, "Delete", "Object");
  if (items.length === 0 || items.length > 1000)
    throw new S3Error("MalformedXML", "A deletion names from 1 to 1000 objects");
  const quiet = /<Quiet>\s*true\s*<\/Quiet>/.test(rest);
  const deleted: XmlFields[] = [];
  for (const item of items) {
    const key = item.get("Key");
    if (key === undefined) throw new S3Error("MalformedXML", "An Object to delete has no Key");
    files.delete(bucket, key);
    deleted.push({ Key: key });
  }
  return xml(writeXml("DeleteResult", { Deleted: quiet ? undefined : deleted }));
};

/** S3 refuses this operation without a digest of its body: a flipped bit would delete another object. */
function checkDeletionDigest(call: S3Call, body: Buffer): void {
  let checked = false;
  for (const algorithm of ["md5", ...CHECKSUM_ALGORITHMS] as const) {
    const name = algorithm === "md5" ? "content-md5" : `x-amz-checksum-${algorithm}`;
    const given = header(call, name);
    if (given === undefined) continue;
    if (digestOf(algorithm, body).toString("base64") !== given)
      throw new S3Error("BadDigest", `${name} does not match the body`);
    checked = true;
  }
  if (!checked)
    throw new S3Error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

/** From 0 to 1000, the default. */
export function readLimit(text: string | undefined, name: string): number {
  if (text === undefined) return 1000;
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 0) throw new S3Error("InvalidArgument", `${name} is not a count: ${text}`);
  return Math.min(limit, 1000);
}

/** With encoding-type=url, keys are encoded as in an HTML form, so that XML can hold any key. */
export function listedKey(encodingType: string | undefined): (key: string) => string {
  if (encodingType !== "url") return (key) => key;
  return (key) => encodeURIComponent(key).replaceAll("%2F", "/").replaceAll("%20", "+");
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function xml(body: string): S3Answer {
  return { status: 200, headers: { "content-type": "application/xml" }, body };
}
