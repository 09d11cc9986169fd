import { constants, type KeyObject, verify } from "node:crypto";
import type { JsonWebKey } from "./json-web-keys.js";

/** What a token must claim. */
export interface TokenRules {
  /** One of these must be among its audiences; none: any. */
  readonly audiences: readonly string[];
  /** undefined: any. */
  readonly issuer: string | undefined;
  /** The claim with the user's name. */
  readonly subjectClaim: string;
  readonly clockSkewMs: number;
}

/** A token that has been checked, or why it is refused. */
export type TokenVerdict =
  | { readonly kind: "valid"; readonly user: string; readonly expiresMs: number }
  /** No key of this id is known; there may be a new one. */
  | { readonly kind: "unknown key" }
  | { readonly kind: "invalid"; readonly reason: string };

interface Algorithm {
  readonly hash: string | null;
  fits(key: KeyObject): boolean;
  readonly padding?: number;
  /** Signatures of ECDSA are in IEEE's form, not in DER. */
  readonly isElliptic?: boolean;
}

const MIN_RSA_BITS = 2048;
const CURVES: Readonly<Record<string, string>> = { "256": "prime256v1", "384": "secp384r1", "512": "secp521r1" };

/** The algorithm of a name; undefined: it is not served. Secrets (HS256) and `none` are not: anybody could sign. */
function algorithmOf(name: string): Algorithm | undefined {
  if (name === "EdDSA")
    return { hash: null, fits: ({ asymmetricKeyType: type }) => type === "ed25519" || type === "ed448" };
  const [, family, bits] = /^(RS|PS|ES)(256|384|512)$/.exec(name) ?? [];
  if (family === undefined || bits === undefined) return undefined;
  const hash = `sha${bits}`;
  if (family === "ES") {
    const curve = CURVES[bits];
    const fits = (key: KeyObject) => key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === curve;
    return { hash, fits, isElliptic: true };
  }
  const fits = (key: KeyObject) => {
    return key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
  };
  return { hash, fits, padding: family === "PS" ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING };
}

/** Checks a signed JSON Web Token (RFC 7519): its signature by one of the keys, its times, and what it claims. */
export function checkToken(token: string, keys: readonly JsonWebKey[], rules: TokenRules, nowMs: number): TokenVerdict {
  const parts = token.split(".");
  const [head = "", body = "", signature = ""] = parts;
  const header = objectIn(head);
  const claims = objectIn(body);
  if (parts.length !== 3 || !header || !claims) return invalid("it is no signed JSON Web Token");
  const { alg, kid, crit } = header;
  const algorithm = typeof alg === "string" ? algorithmOf(alg) : undefined;
  if (!algorithm) {
    const named = typeof alg === "string" ? alg.slice(0, 20) : typeof alg;
    return invalid(`its algorithm is not served: ${named}`);
  }
  if (crit !== undefined) return invalid("its header has parameters that must be understood (crit)");
  const fitting = keys.filter((each) => {
    const isNamed = kid === undefined || each.id === kid;
    return isNamed && (each.algorithm === undefined || each.algorithm === alg) && algorithm.fits(each.key);
  });
  if (fitting.length === 0) return { kind: "unknown key" };
  const signed = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  if (!fitting.some(({ key }) => isSignedBy(key, algorithm, signed, bytes))) return invalid("its signature is wrong");
  return judgeClaims(claims, rules, nowMs);
}

function isSignedBy(
  key: KeyObject,
  { hash, padding, isElliptic }: Algorithm,
  signed: Buffer,
  signature: Buffer,
): boolean {
  const options = {
    key,
    ...(padding !== undefined && { padding }),
    ...(padding === constants.RSA_PKCS1_PSS_PADDING && { saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
    ...(isElliptic && { dsaEncoding: "ieee-p1363" as const }),
  };
  return verify(hash, signed, options, signature);
}

function judgeClaims(claims: Readonly<Record<string, unknown>>, rules: TokenRules, nowMs: number): TokenVerdict {
  const { exp, iat, nbf, iss, aud } = claims;
  if (typeof exp !== "number" || !Number.isFinite(exp)) return invalid("it has no expiration time (exp)");
  if (typeof iat !== "number") return invalid("it has no time of issue (iat)");
  // Without the clock skew, as in Kafka: the session would have ended.
  if (nowMs >= exp * 1000) return invalid("it has expired");
  if (nbf !== undefined && (typeof nbf !== "number" || nowMs + rules.clockSkewMs < nbf * 1000)) {
    return invalid("it is not valid yet (nbf)");
  }
  if (rules.issuer !== undefined && iss !== rules.issuer) return invalid("it is of another issuer (iss)");
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (rules.audiences.length > 0 && !rules.audiences.some((each) => audiences.includes(each))) {
    return invalid("it is for another audience (aud)");
  }
  const user = Object.hasOwn(claims, rules.subjectClaim) ? claims[rules.subjectClaim] : undefined;
  if (typeof user !== "string" || user.trim() === "") return invalid(`it names no user (${rules.subjectClaim})`);
  return { kind: "valid", user: user.trim(), expiresMs: exp * 1000 };
}

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function invalid(reason: string): TokenVerdict {
  return { kind: "invalid", reason };
}
