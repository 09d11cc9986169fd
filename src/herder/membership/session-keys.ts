import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock, Random } from "../../api/index.js";
import type { SessionKey } from "../../stores/config-records.js";
import { MACS } from "../config/mac-algorithms.js";

/** Proof that a request comes from a worker of the group (KIP-507): a MAC over the body's raw bytes. */
export interface RequestSignature {
  readonly algorithm: string;
  readonly signature: Buffer;
}

/** The kind of keys that a worker creates (`inter.worker.key.generation.algorithm`, `inter.worker.key.size`). */
export interface SessionKeyKind {
  readonly algorithm: string;
  /** Undefined: Java's default length for that algorithm. */
  readonly bytes?: number | undefined;
}

/** Signs a request's body for other workers (KIP-507). @throws RangeError for an algorithm that Node lacks */
export function signBody(key: SessionKey, algorithm: string, body: Buffer): RequestSignature {
  return { algorithm, signature: mac(key, algorithm, body) };
}

/** Whether the body was signed with the key, compared in constant time. */
export function isSignedWith(key: SessionKey, { algorithm, signature }: RequestSignature, body: Buffer): boolean {
  const expected = mac(key, algorithm, body);
  return expected.length === signature.length && timingSafeEqual(expected, signature);
}

/** Creates a new key. Called by the leader. */
export function newSessionKey(kind: SessionKeyKind, clock: Clock, random: Random): SessionKey {
  return { key: random.bytes(lengthOf(kind)), algorithm: kind.algorithm, createdMs: clock.nowMs() };
}

/** Whether the leader must replace the key: it has none, or one that is too old or of another kind than its own. */
export function isDue(key: SessionKey | undefined, kind: SessionKeyKind, ttlMs: number, nowMs: number): boolean {
  if (!key) return true;
  if (key.algorithm !== kind.algorithm || key.key.length !== lengthOf(kind)) return true;
  return ttlMs > 0 && nowMs >= key.createdMs + ttlMs;
}

function lengthOf({ algorithm, bytes }: SessionKeyKind): number {
  return bytes ?? MACS[algorithm]?.keyBytes ?? 32;
}

function mac(key: SessionKey, algorithm: string, body: Buffer): Buffer {
  const known = MACS[algorithm];
  if (!known) throw new RangeError(`No MAC of the name ${algorithm}`);
  return createHmac(known.digest, key.key).update(body).digest();
}
