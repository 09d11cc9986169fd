import { ConfigError, type ErrorCode, NotFoundError, UnsupportedError } from "../../../src/api/index.js";
import type { StorePlace } from "./object-store-client.js";

/** The meaning of a failed request for the sink. */
type StoreFailureKind =
  /** Repeating it may work: unreachable, busy, timed out. */
  | "transient"
  /** 412: the object already exists. */
  | "exists"
  /** 409: another write to the key is running. */
  | "write-conflict"
  | "no-such-upload"
  | "no-such-bucket"
  | "access-denied"
  | "bad-credentials"
  | "wrong-region"
  /** No credentials could be found at all. */
  | "no-credentials"
  | "not-implemented"
  /** No S3 store sent the answer. */
  | "not-s3"
  /** Any other permanent refusal. */
  | "refused";

export interface StoreFailure {
  readonly kind: StoreFailureKind;
  /** The store's or the system's own words, short: `503 SlowDown: Please reduce your request rate`. */
  readonly cause: string;
}

/** 408 comes from proxies to which a body arrives slowly, 520 to 524 from Cloudflare when the store is away. */
const TRANSIENT_STATUS = new Set([408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);
const TRANSIENT_CODES = new Set([
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "RequestTimeoutException",
  "OperationAborted",
  "InternalError",
  "SlowDown",
  "ServiceUnavailable",
  "Throttling",
  "ThrottlingException",
  "TimeoutError",
  "ExpiredToken",
  "ExpiredTokenException",
  "TokenRefreshRequired",
  "BadDigest",
]);
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ENETDOWN",
  "ERR_STREAM_PREMATURE_CLOSE",
  "UND_ERR_SOCKET",
]);

/** The SDK's message for an answer without a body, such as every answer to HEAD. */
const SDK_PLACEHOLDER = "UnknownError";

/** Instead of OpenSSL's own text, which names neither key nor remedy: `…:SSL routines:ssl3_get_record:wrong version…`. */
const TLS_FAILED = "EPROTO: no TLS connection. For a store without TLS, store.url begins with http://, not https://";

interface ErrorShape {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Judges a client library's error by its name, code and HTTP status; never by its text. */
export function judgeStoreFailure(error: unknown): StoreFailure {
  const { name, code, Code, message, $metadata } = (error ?? {}) as ErrorShape;
  const status = $metadata?.httpStatusCode;
  const own =
    [Code, code, name].find((text): text is string => typeof text === "string" && text !== "Error") ?? "Error";
  if (name === "ForeignAnswerError") return { kind: kindOf(own, name, status), cause: `${status} ${message}` };
  if (own === "EPROTO") return { kind: "transient", cause: TLS_FAILED };
  const isText = typeof message === "string" && message !== "" && message !== own && message !== SDK_PLACEHOLDER;
  const text = isText ? `: ${firstLine(message)}` : "";
  return { kind: kindOf(own, name, status), cause: `${status === undefined ? "" : `${status} `}${own}${text}` };
}

function kindOf(code: string, name: unknown, status: number | undefined): StoreFailureKind {
  // A proxy's 503 passes. Its page instead of a stored object stays until the address is corrected.
  if (name === "ForeignAnswerError") return TRANSIENT_STATUS.has(status ?? 0) ? "transient" : "not-s3";
  if (name === "CredentialsProviderError" || code === "CredentialsProviderError") return "no-credentials";
  // A completion may answer 200 and carry the error in its body.
  if (status === 412 || code === "PreconditionFailed") return "exists";
  if (code === "ConditionalRequestConflict") return "write-conflict";
  if (code === "NoSuchUpload") return "no-such-upload";
  // The SDK says NotFound for a 404 to HEAD, whose answer has no code. The sink sends HEAD only for the bucket.
  if (code === "NoSuchBucket" || code === "NotFound") return "no-such-bucket";
  if (code === "NotImplemented" || status === 501) return "not-implemented";
  if (TRANSIENT_CODES.has(code) || (status !== undefined && TRANSIENT_STATUS.has(status))) return "transient";
  if (code === "PermanentRedirect" || code === "AuthorizationHeaderMalformed" || status === 301) return "wrong-region";
  if (["SignatureDoesNotMatch", "InvalidAccessKeyId", "InvalidToken"].includes(code)) return "bad-credentials";
  if (status === 401 || status === 403 || code === "AccessDenied") return "access-denied";
  if (NETWORK_CODES.has(code) || name === "TimeoutError") return "transient";
  // Without an answer the connection is at fault, which time can heal.
  return status === undefined ? "transient" : "refused";
}

/**
 * The error that fails a task or a validation after a permanent failure.
 *
 * @param doing the request, as a clause: `writing object topics/…`.
 */
export function storeError(failure: StoreFailure, place: StorePlace, doing: string, cause: unknown): Error {
  const where = `bucket ${place.bucket} at ${place.endpoint}`;
  const report = `${doing} failed: ${failure.cause}`;
  switch (failure.kind) {
    case "no-such-bucket":
      return new NotFoundError(
        "S3_BUCKET_MISSING",
        `Non-existent S3 bucket: ${place.bucket} at ${place.endpoint}. Create it, or correct s3.bucket.name, s3.region or store.url (${report}).`,
        { cause },
      );
    case "bad-credentials":
      return new ConfigError(
        "aws.access.key.id",
        `The credentials (aws.access.key.id, aws.secret.access.key, or those of the environment) or s3.region are wrong for ${where}: ${report}.`,
        { cause, code: "S3_ACCESS_REFUSED" },
      );
    case "wrong-region":
      return new ConfigError(
        "s3.region",
        `s3.region (or store.url) does not match the region of ${where}: ${report}. Set s3.region to the bucket's own region.`,
        { cause },
      );
    case "no-credentials":
      return new ConfigError(
        "aws.access.key.id",
        `There are no credentials for ${where}. Set aws.access.key.id and aws.secret.access.key, or provide AWS credentials in the worker's environment, profile or role (${report}).`,
        { cause, code: "S3_ACCESS_REFUSED" },
      );
    case "access-denied":
      return new ConfigError(
        "s3.bucket.name",
        `Access to ${where} is denied: ${report}. Allow s3:PutObject, s3:GetObject, s3:AbortMultipartUpload and s3:ListBucket to these credentials, and with s3.object.tagging s3:PutObjectTagging.`,
        { cause, code: "S3_ACCESS_REFUSED" },
      );
    case "not-s3":
      return new ConfigError(
        "store.url",
        `${place.endpoint} is not an S3 endpoint, or another server in between answers: ${report}. Set store.url to the S3 API of the store (for MinIO its API port, not the console's).`,
        { cause },
      );
    case "not-implemented":
      return new UnsupportedError(
        "S3_REQUEST_REFUSED",
        `The store of ${where} does not implement a request that the sink needs: ${report}.`,
        { cause },
      );
    default:
      return new UnsupportedError(
        "S3_REQUEST_REFUSED" satisfies ErrorCode,
        `The store of ${where} refused a request: ${report}.`,
        { cause },
      );
  }
}

function firstLine(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}
