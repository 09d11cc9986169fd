import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { S3Error } from "./s3-error.js";

/** The one key pair a store accepts. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The signed parts of a request (AWS Signature Version 4 for S3: path encoded once, payload hash in a header). */
export interface SignedRequest {
  readonly method: string;
  /** As sent, `/bucket/key?query`. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

/** A verified signature, which chunk signatures of the body are chained to. */
export interface Verified {
  readonly signature: string;
  readonly signingKey: Buffer;
  readonly scope: string;
  /** `YYYYMMDDTHHMMSSZ` */
  readonly date: string;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const SKEW_MS = 15 * 60_000;
const EMPTY_SHA256 = createHash("sha256").digest("hex");

/** Where a signature and its parameters are in a request: the Authorization header, or the query of a presigned URL. */
interface Claim {
  readonly accessKeyId: string;
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly expiresMs: number;
  readonly payloadHash: string;
}

/**
 * Checks a request's signature.
 *
 * @throws S3Error AccessDenied (none), InvalidAccessKeyId, RequestTimeTooSkewed, SignatureDoesNotMatch and others.
 */
export function verifySignature(request: SignedRequest, credentials: S3Credentials, nowMs: number): Verified {
  const query = splitQuery(request.target);
  const claim = headerClaim(request.headers) ?? queryClaim(query);
  if (!claim) throw new S3Error("AccessDenied", "Anonymous access is not allowed: sign the request");
  if (claim.accessKeyId !== credentials.accessKeyId) {
    throw new S3Error("InvalidAccessKeyId", "The access key id does not exist in this store");
  }
  const [day = "", region = "", service = "", end = ""] = claim.scope.split("/");
  if (service !== "s3" || end !== "aws4_request" || !claim.date.startsWith(day) || day === "") {
    throw new S3Error(
      "AuthorizationHeaderMalformed",
      `The credential scope ${claim.scope} is not <date>/<region>/s3/aws4_request`,
    );
  }
  const signedAtMs = parseDate(claim.date);
  if (nowMs < signedAtMs - SKEW_MS || nowMs > signedAtMs + claim.expiresMs) {
    throw new S3Error("RequestTimeTooSkewed", "The request was signed too long before or after this store's time");
  }
  const signingKey = [day, region, service, end].reduce<Buffer>(
    (key, part) => hmac(key, part),
    Buffer.from(`AWS4${credentials.secretAccessKey}`),
  );
  const canonical = canonicalRequest(request, query, claim);
  const toSign = [ALGORITHM, claim.date, claim.scope, sha256Hex(canonical)].join("\n");
  if (!sameSignature(hmac(signingKey, toSign).toString("hex"), claim.signature)) {
    throw new S3Error(
      "SignatureDoesNotMatch",
      "The request signature calculated here does not match the one provided: check the secret access key and the signing method",
    );
  }
  return { signature: claim.signature, signingKey, scope: claim.scope, date: claim.date };
}

/** The signature a chunk of a signed aws-chunked body must carry, chained to `previous`. */
export function chunkSignature(verified: Verified, previous: string, chunkSha256: string): string {
  const { date, scope, signingKey } = verified;
  const toSign = [`${ALGORITHM}-PAYLOAD`, date, scope, previous, EMPTY_SHA256, chunkSha256].join("\n");
  return hmac(signingKey, toSign).toString("hex");
}

/** The signature of the trailing headers, passed as `name:value\n` lines. */
export function trailerSignature(verified: Verified, previous: string, trailers: string): string {
  const toSign = [`${ALGORITHM}-TRAILER`, verified.date, verified.scope, previous, sha256Hex(trailers)].join("\n");
  return hmac(verified.signingKey, toSign).toString("hex");
}

/** Compares in constant time. */
export function sameSignature(expected: string, given: string): boolean {
  return expected.length === given.length && timingSafeEqual(Buffer.from(expected), Buffer.from(given));
}

function headerClaim(headers: IncomingHttpHeaders): Claim | undefined {
  const authorization = headers.authorization;
  if (!authorization) return undefined;
  const parts =
    /^AWS4-HMAC-SHA256\s+Credential=([^/,]+)\/([^,]+),\s*SignedHeaders=([^,]+),\s*Signature=([0-9a-f]+)$/.exec(
      authorization,
    );
  const date = single(headers["x-amz-date"]);
  const payloadHash = single(headers["x-amz-content-sha256"]);
  if (!parts) throw new S3Error("AuthorizationHeaderMalformed", "The Authorization header is not Signature Version 4");
  if (!date) throw new S3Error("AccessDenied", "A signed request needs the x-amz-date header");
  if (!payloadHash)
    throw new S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  const [, accessKeyId = "", scope = "", signedHeaders = "", signature = ""] = parts;
  return {
    accessKeyId,
    scope,
    signedHeaders: signedHeaders.split(";"),
    signature,
    date,
    expiresMs: SKEW_MS,
    payloadHash,
  };
}

function queryClaim(query: readonly (readonly [string, string])[]): Claim | undefined {
  const parameters = new Map(query);
  const signature = parameters.get("X-Amz-Signature");
  if (!signature) return undefined;
  const [accessKeyId = "", ...scope] = (parameters.get("X-Amz-Credential") ?? "").split("/");
  const seconds = Number(parameters.get("X-Amz-Expires"));
  if (!(seconds >= 1 && seconds <= 604_800)) {
    throw new S3Error("AuthorizationQueryParametersError", "X-Amz-Expires must be from 1 to 604800 seconds");
  }
  return {
    accessKeyId,
    scope: scope.join("/"),
    signedHeaders: (parameters.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature,
    date: parameters.get("X-Amz-Date") ?? "",
    expiresMs: seconds * 1000,
    payloadHash: "UNSIGNED-PAYLOAD",
  };
}

function canonicalRequest(
  { method, target, headers }: SignedRequest,
  query: readonly (readonly [string, string])[],
  claim: Claim,
): string {
  const path = target.split("?", 1)[0] ?? "/";
  const canonicalQuery = query
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
  const canonicalHeaders = claim.signedHeaders
    .map((name) => `${name}:${(single(headers[name]) ?? "").trim().replace(/\s+/g, " ")}\n`)
    .join("");
  return [
    method,
    // Clients differ in the characters they leave unencoded (`+`, `=`, `~`), so the path is brought to one form.
    path
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    canonicalQuery,
    canonicalHeaders,
    claim.signedHeaders.join(";"),
    claim.payloadHash,
  ].join("\n");
}

function splitQuery(target: string): (readonly [string, string])[] {
  const start = target.indexOf("?");
  if (start < 0) return [];
  return target
    .slice(start + 1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const equals = pair.indexOf("=");
      const read = (text: string) => decodeURIComponent(text.replaceAll("+", " "));
      return equals < 0
        ? ([read(pair), ""] as const)
        : ([read(pair.slice(0, equals)), read(pair.slice(equals + 1))] as const);
    });
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parseDate(date: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!parts) throw new S3Error("AccessDenied", "The signing date is not of the form 20260102T030405Z");
  const [, year, month, day, hour, minute, second] = parts.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(",") : header;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256Hex(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
