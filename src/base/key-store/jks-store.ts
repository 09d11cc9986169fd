import { createHash } from "node:crypto";
import { DerValue } from "./der-value.js";
import { type KeyStore, KeyStoreError, type StoredKey } from "./key-store.js";

export const JKS_MAGIC = 0xfeedfeed;
const DIGEST_BYTES = 20;
/** Sun's algorithm for keys in such stores. */
const KEY_PROTECTOR = "1.3.6.1.4.1.42.2.17.1.1";

interface ProtectedKey {
  readonly bytes: Buffer;
  readonly chain: readonly Buffer[];
}

/**
 * Reads a store in Java's own format, JKS.
 *
 * @param password of the store; undefined: its digest is not checked, as in Java.
 * @throws KeyStoreError
 */
export function readJks(bytes: Buffer, password: string | undefined): KeyStore {
  if (password !== undefined && !hasDigest(bytes, password)) {
    throw new KeyStoreError("the password is wrong, or the file is damaged");
  }
  let at = 4;
  const take = (length: number): Buffer => {
    at += length;
    if (at > bytes.length - DIGEST_BYTES) throw new KeyStoreError("the file is damaged: it ends too early");
    return bytes.subarray(at - length, at);
  };
  const count = () => take(4).readUInt32BE();
  const text = () => take(take(2).readUInt16BE()).toString("utf8");
  const version = count();
  const certificate = () => {
    if (version === 2) text();
    return take(count());
  };
  const trusted: Buffer[] = [];
  const keys: ProtectedKey[] = [];
  for (let entries = count(); entries > 0; entries--) {
    const tag = count();
    text();
    take(8);
    if (tag === 1) {
      const key = take(count());
      const chain: Buffer[] = [];
      for (let left = count(); left > 0; left--) chain.push(certificate());
      keys.push({ bytes: key, chain });
    } else if (tag === 2) trusted.push(certificate());
    else throw new KeyStoreError("it has entries that are neither keys nor certificates");
  }
  return {
    // Java trusts the certificates of keys, too.
    trusted: [...trusted, ...keys.flatMap(({ chain }) => chain.slice(0, 1))],
    keys: (keyPassword) =>
      keys.map(({ bytes: key, chain }): StoredKey => ({ key: recovered(key, keyPassword), chain })),
  };
}

function hasDigest(bytes: Buffer, password: string): boolean {
  const content = bytes.subarray(0, -DIGEST_BYTES);
  const digest = createHash("sha1").update(utf16(password)).update("Mighty Aphrodite").update(content).digest();
  return digest.equals(bytes.subarray(-DIGEST_BYTES));
}

/** The key is XORed with a chain of digests that a salt begins, and followed by its own digest. */
function recovered(bytes: Buffer, password: string): Buffer {
  const [algorithm, content] = DerValue.of(bytes).items();
  if (algorithm?.items()[0]?.oid() !== KEY_PROTECTOR) {
    throw new KeyStoreError("a key is protected by another algorithm than Java's");
  }
  const data = content!.bytes;
  const secret = utf16(password);
  const digestOf = (...parts: Buffer[]) =>
    createHash("sha1")
      .update(Buffer.concat([secret, ...parts]))
      .digest();
  const key = Buffer.from(data.subarray(DIGEST_BYTES, -DIGEST_BYTES));
  let mask = data.subarray(0, DIGEST_BYTES);
  for (let at = 0; at < key.length; at++) {
    if (at % DIGEST_BYTES === 0) mask = digestOf(mask);
    key[at]! ^= mask[at % DIGEST_BYTES]!;
  }
  if (!digestOf(key).equals(data.subarray(-DIGEST_BYTES))) throw new KeyStoreError("the key's password is wrong");
  return key;
}

/** Java's characters, the high byte first. */
function utf16(text: string): Buffer {
  return Buffer.from(text, "utf16le").swap16();
}
