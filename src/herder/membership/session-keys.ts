import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../api/index.js";
import type { SessionKey } from "../../stores/config-records.js";

/** Java's names of MACs, and ours. Each key is as long as its digest, which is what Java generates by default. */
const MACS: Readonly<Record<string, { readonly digest: string; readonly keyBytes: number }>> = {
  HmacSHA1: { digest: "sha1", keyBytes: 64 },
  HmacSHA256: { digest: "sha256", keyBytes: 32 },
  HmacSHA384: { digest: "sha384", keyBytes: 48 },
  HmacSHA512: { digest: "sha512", keyBytes: 64 },
};

/** How a request between workers proves that it comes from the group (KIP-507): a MAC over the body's raw bytes. */
export interface RequestSignature {
  readonly algorithm: string;
  readonly signature: Buffer;
}

/** Signs a request's body for other workers of the group (KIP-507). @throws RangeError for an algorithm that Node lacks */
export function signBody(key: SessionKey, body: Buffer): RequestSignature {
  return { algorithm: key.algorithm, signature: mac(key, key.algorithm, body) };
}

/** Whether the body was signed with the key; compared in constant time. */
export function isSignedWith(key: SessionKey, { algorithm, signature }: RequestSignature, body: Buffer): boolean {
  const expected = mac(key, algorithm, body);
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}

/** Whether there is a MAC of that name. */
export function isKnownMac(algorithm: string): boolean {
  return algorithm in MACS;
}

/** A new key, made by the leader. */
export function newSessionKey(algorithm: string, clock: Clock): SessionKey {
  return { key: randomBytes(MACS[algorithm]?.keyBytes ?? 32), algorithm, createdMs: clock.nowMs() };
}

/** Whether the leader has to replace the key: none yet, too old, or made by other rules than its own. */
export function isDue(key: SessionKey | undefined, algorithm: string, ttlMs: number, nowMs: number): boolean {
  if (!key) return true;
  if (key.algorithm !== algorithm || key.key.length !== (MACS[algorithm]?.keyBytes ?? 32)) return true;
  return ttlMs > 0 && nowMs >= key.createdMs + ttlMs;
}

function mac(key: SessionKey, algorithm: string, body: Buffer): Buffer {
  const known = MACS[algorithm];
  if (!known) throw new RangeError(`No MAC of the name ${algorithm}`);
  return createHmac(known.digest, key.key).update(body).digest();
}
