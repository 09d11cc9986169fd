import { createHash, createHmac, pbkdf2, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const HASHES = { "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512" } as const;

export type ScramMechanism = keyof typeof HASHES;

/** The keys derived from a password (RFC 5802). Each guess at the password costs `iterations` hashes. */
export interface ScramCredential {
  readonly iterations: number;
  /** This and the keys are base64. */
  readonly salt: string;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** Kafka's bounds of the iterations. */
export const MIN_ITERATIONS = 4096;
export const MAX_ITERATIONS = 16_384;

export function isScramMechanism(text: string): text is ScramMechanism {
  return Object.hasOwn(HASHES, text);
}

/** Derives the key that clients make of a password. Takes milliseconds, in a thread of Node's pool. */
export function saltedPassword(
  mechanism: ScramMechanism,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<Buffer> {
  const hash = HASHES[mechanism];
  return promisify(pbkdf2)(password.normalize("NFKC"), salt, iterations, keyBytes(mechanism), hash);
}

/** The credential to store for a salted password. */
export function scramCredential(
  mechanism: ScramMechanism,
  salted: Buffer,
  salt: Buffer,
  iterations: number,
): ScramCredential {
  const hash = HASHES[mechanism];
  const storedKey = createHash(hash)
    .update(hmac(mechanism, salted, "Client Key"))
    .digest();
  return {
    iterations,
    salt: salt.toString("base64"),
    storedKey: storedKey.toString("base64"),
    serverKey: hmac(mechanism, salted, "Server Key").toString("base64"),
  };
}

/** Whether a client's proof shows that it knows the password. Takes the same time for every proof of the right length. */
export function isProof(
  mechanism: ScramMechanism,
  proof: Buffer,
  credential: ScramCredential,
  authMessage: string,
): boolean {
  if (proof.length !== keyBytes(mechanism)) return false;
  const storedKey = Buffer.from(credential.storedKey, "base64");
  const signature = hmac(mechanism, storedKey, authMessage);
  const clientKey = Buffer.from(proof.map((byte, at) => byte ^ signature[at]!));
  return timingSafeEqual(createHash(HASHES[mechanism]).update(clientKey).digest(), storedKey);
}

/** The proof to the client that the broker has the credential. */
export function serverSignature(
  mechanism: ScramMechanism,
  { serverKey }: ScramCredential,
  authMessage: string,
): Buffer {
  return hmac(mechanism, Buffer.from(serverKey, "base64"), authMessage);
}

/** The credential of an unknown user: always the same one for a name, and no password fits it, so that the answers do not show who exists. */
export function decoyCredential(mechanism: ScramMechanism, secret: Buffer, user: string): ScramCredential {
  const key = (what: string) => hmac(mechanism, secret, `${what} ${user}`).toString("base64");
  return {
    iterations: MIN_ITERATIONS,
    salt: key("salt").slice(0, 32),
    storedKey: key("stored"),
    serverKey: key("server"),
  };
}

export function keyBytes(mechanism: ScramMechanism): number {
  return mechanism === "SCRAM-SHA-256" ? 32 : 64;
}

function hmac(mechanism: ScramMechanism, key: Buffer, text: string): Buffer {
  return createHmac(HASHES[mechanism], key).update(text).digest();
}
