import { createPublicKey, type KeyObject } from "node:crypto";

/** A public key that tokens may be signed with. */
export interface JsonWebKey {
  /** undefined: it has no id. */
  readonly id: string | undefined;
  /** The one algorithm that it is for; undefined: any that fits the key. */
  readonly algorithm: string | undefined;
  readonly key: KeyObject;
}

/**
 * Reads the keys of a JSON Web Key Set (RFC 7517). Keys for other uses than signatures, of unknown types, and secret ones
 * are left out, as the RFC says.
 *
 * @throws Error saying what is wrong, when it is no such set, or has no key that can be used.
 */
export function parseJsonWebKeys(text: string): readonly JsonWebKey[] {
  const keys = keysOf(text);
  if (!keys) throw new Error('it is no JSON Web Key Set ({"keys":[…]})');
  const usable = keys.flatMap((each) => keyOf(each) ?? []);
  if (usable.length === 0) throw new Error("it holds no public key for signatures");
  return usable;
}

function keysOf(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown };
    return Array.isArray(keys) ? keys : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(value: unknown): JsonWebKey | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { kid, alg, use, kty } = value as Record<string, unknown>;
  if ((use !== undefined && use !== "sig") || kty === "oct") return undefined;
  try {
    const key = createPublicKey({ key: value as import("node:crypto").JsonWebKey, format: "jwk" });
    const text = (each: unknown) => (typeof each === "string" ? each : undefined);
    return { id: text(kid), algorithm: text(alg), key };
  } catch {
    // A type or curve that is not known here: others of the set may be.
    return undefined;
  }
}
