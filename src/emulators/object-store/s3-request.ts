import { S3Error } from "./s3-error.js";

/** The operations served, by the names of the S3 API. */
export type S3Operation =
  | "ListBuckets"
  | "CreateBucket"
  | "HeadBucket"
  | "DeleteBucket"
  | "GetBucketLocation"
  | "ListObjectsV2"
  | "DeleteObjects"
  | "PutObject"
  | "GetObject"
  | "HeadObject"
  | "DeleteObject"
  | "CopyObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "ListParts"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListMultipartUploads";

/** The operation and target of a request, from its first line and its copy source header. */
export interface S3Request {
  readonly operation: S3Operation;
  /** Empty for ListBuckets only. */
  readonly bucket: string;
  /** Empty for operations on buckets. Decoded once, nothing normalised: `a//b` and `a/../b` are keys like others. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

/** Query parameters that select operations not served here. The plain operation would be a wrong answer to them. */
const NOT_SERVED = [
  ...["acl", "cors", "encryption", "legal-hold", "lifecycle", "logging", "notification", "object-lock", "policy"],
  ...["replication", "restore", "retention", "select", "tagging", "torrent", "versioning", "versions", "versionId"],
  ...["website", "attributes", "accelerate", "analytics", "inventory", "metrics", "ownershipControls", "partNumber"],
];

/**
 * Reads the operation of a path-style request.
 *
 * @param target the request's target as sent, `/bucket/key?query`.
 * @param isCopy whether it carries `x-amz-copy-source`.
 * @throws S3Error InvalidURI, MethodNotAllowed or NotImplemented.
 */
export function readS3Request(method: string, target: string, isCopy: boolean): S3Request {
  const queryStart = target.indexOf("?");
  const path = queryStart < 0 ? target : target.slice(0, queryStart);
  const query = readQuery(queryStart < 0 ? "" : target.slice(queryStart + 1));
  const keyStart = path.indexOf("/", 1);
  const bucket = decode(keyStart < 0 ? path.slice(1) : path.slice(1, keyStart));
  const key = keyStart < 0 ? "" : decode(path.slice(keyStart + 1));
  return { operation: operationOf(method, bucket, key, query, isCopy), bucket, key, query };
}

function operationOf(
  method: string,
  bucket: string,
  key: string,
  query: ReadonlyMap<string, string>,
  isCopy: boolean,
): S3Operation {
  const uploadId = query.has("uploadId");
  const found: S3Operation | undefined =
    bucket === ""
      ? ({ GET: "ListBuckets" } as const)[method as "GET"]
      : key === ""
        ? bucketOperation(method, query)
        : uploadId || query.has("uploads")
          ? uploadOperation(method, query, uploadId)
          : (
              {
                PUT: isCopy ? "CopyObject" : "PutObject",
                GET: "GetObject",
                HEAD: "HeadObject",
                DELETE: "DeleteObject",
              } as const
            )[method as "PUT"];
  const other = NOT_SERVED.find((name) => query.has(name) && !(name === "partNumber" && uploadId));
  if (other || (isCopy && found === "UploadPart")) {
    throw new S3Error("NotImplemented", `This store does not serve ${other ? `?${other}` : "UploadPartCopy"}`);
  }
  if (!found) throw new S3Error("MethodNotAllowed", `${method} is not allowed against this resource`);
  return found;
}

function bucketOperation(method: string, query: ReadonlyMap<string, string>): S3Operation | undefined {
  if (method === "POST" && query.has("delete")) return "DeleteObjects";
  if (method === "GET") {
    if (query.has("uploads")) return "ListMultipartUploads";
    if (query.has("location")) return "GetBucketLocation";
    if (query.get("list-type") === "2") return "ListObjectsV2";
    throw new S3Error("NotImplemented", "This store lists objects with list-type=2 only");
  }
  return ({ PUT: "CreateBucket", HEAD: "HeadBucket", DELETE: "DeleteBucket" } as const)[method as "PUT"];
}

function uploadOperation(
  method: string,
  query: ReadonlyMap<string, string>,
  uploadId: boolean,
): S3Operation | undefined {
  if (!uploadId) return ({ POST: "CreateMultipartUpload" } as const)[method as "POST"];
  if (method === "PUT" && !query.has("partNumber")) return undefined;
  return (
    {
      PUT: "UploadPart",
      GET: "ListParts",
      POST: "CompleteMultipartUpload",
      DELETE: "AbortMultipartUpload",
    } as const
  )[method as "PUT"];
}

function readQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals < 0 ? pair : pair.slice(0, equals);
    query.set(decode(name.replaceAll("+", " ")), equals < 0 ? "" : decode(pair.slice(equals + 1).replaceAll("+", " ")));
  }
  return query;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error("InvalidURI", "The URI cannot be decoded as UTF-8", { cause });
  }
}
