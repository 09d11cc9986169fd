import { createDecipheriv, createHash, createHmac, createPrivateKey, pbkdf2Sync, X509Certificate } from "node:crypto";
import { DerValue } from "./der-value.js";
import { KeyStoreError, type StoredKey } from "./key-store.js";

const DATA = "1.2.840.113549.1.7.1";
const ENCRYPTED_DATA = "1.2.840.113549.1.7.6";
const KEY_BAG = "1.2.840.113549.1.12.10.1.1";
const ENCRYPTED_KEY_BAG = "1.2.840.113549.1.12.10.1.2";
const CERTIFICATE_BAG = "1.2.840.113549.1.12.10.1.3";
/** Java's mark of a certificate that is an entry of its own, and not one of a key's. */
const TRUSTED_KEY_USAGE = "2.16.840.1.113894.746875.1.1";
const PBES2 = "1.2.840.113549.1.5.13";
const PBKDF2 = "1.2.840.113549.1.5.12";
const SHA1_3DES = "1.2.840.113549.1.12.1.3";
const PRFS: Readonly<Record<string, string>> = {
  "1.2.840.113549.2.7": "sha1",
  "1.2.840.113549.2.9": "sha256",
  "1.2.840.113549.2.10": "sha384",
  "1.2.840.113549.2.11": "sha512",
};
const CIPHERS: Readonly<Record<string, readonly [cipher: string, keyBytes: number]>> = {
  "2.16.840.1.101.3.4.1.2": ["aes-128-cbc", 16],
  "2.16.840.1.101.3.4.1.22": ["aes-192-cbc", 24],
  "2.16.840.1.101.3.4.1.42": ["aes-256-cbc", 32],
};
const DIGESTS: Readonly<Record<string, string>> = {
  "1.3.14.3.2.26": "sha1",
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

/**
 * The trusted certificates of a PKCS #12 store, in DER: those that Java marks as entries of their own.
 *
 * @throws KeyStoreError
 */
export function trustedInPkcs12(bytes: Buffer, password: string): readonly Buffer[] {
  return bagsOf(bytes, password).flatMap((bag) => (isTrusted(bag) ? certificateIn(bag) : []));
}

/**
 * The keys of a PKCS #12 store that have a certificate. Node's own reading of such a store is of no use here: it trusts
 * all certificates in it, also those that only complete the key's chain.
 *
 * @throws KeyStoreError
 */
export function keysInPkcs12(bytes: Buffer, password: string): readonly StoredKey[] {
  const bags = bagsOf(bytes, password);
  try {
    const certificates = bags.flatMap(certificateIn).map((certificate) => new X509Certificate(certificate));
    return bags
      .flatMap((bag) => keyIn(bag, password))
      .flatMap((key) => {
        const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
        const own = certificates.find((certificate) => certificate.checkPrivateKey(privateKey));
        return own ? [{ key, chain: chainOf(own, certificates) }] : [];
      });
  } catch (cause) {
    if (cause instanceof KeyStoreError) throw cause;
    throw new KeyStoreError("the file is damaged, or its key is of a kind that is not supported", { cause });
  }
}

function bagsOf(bytes: Buffer, password: string): readonly DerValue[] {
  const [, authenticated, mac] = DerValue.of(bytes).items();
  const content = contentOf(authenticated);
  if (mac) checkMac(mac, content, password);
  return DerValue.of(content)
    .items()
    .flatMap((part) => bagsIn(part, password));
}

/** A certificate and those above it. */
function chainOf(own: X509Certificate, certificates: readonly X509Certificate[]): Buffer[] {
  const chain = [own];
  for (let last: X509Certificate | undefined = own; last; ) {
    const below: X509Certificate = last;
    last = certificates.find((each) => !chain.includes(each) && below.checkIssued(each));
    if (last) chain.push(last);
  }
  return chain.map(({ raw }) => raw);
}

/** The key of a bag, as PKCS #8. */
function keyIn(bag: DerValue, password: string): readonly Buffer[] {
  const [type, value] = bag.items();
  if (type?.oid() === KEY_BAG && value) return [value.bytes];
  if (type?.oid() !== ENCRYPTED_KEY_BAG) return [];
  const [algorithm, octets] = value?.items()[0]?.items() ?? [];
  return algorithm && octets ? [decrypted(algorithm, octets.bytes, password)] : [];
}

/** The octets of a ContentInfo with plain data. */
function contentOf(info: DerValue | undefined): Buffer {
  const [type, content] = info?.items() ?? [];
  const octets = content?.items()[0];
  if (type?.oid() !== DATA || !octets) throw new KeyStoreError("it is no PKCS #12 store with a password");
  return octets.bytes;
}

function bagsIn(part: DerValue, password: string): readonly DerValue[] {
  const [type, content] = part.items();
  if (type?.oid() !== ENCRYPTED_DATA) return DerValue.of(contentOf(part)).items();
  const encrypted = content?.items()[0]?.items()[1]?.items();
  const [, algorithm, octets] = encrypted ?? [];
  if (!algorithm || !octets) throw new KeyStoreError("the file is damaged");
  return DerValue.of(decrypted(algorithm, octets.bytes, password)).items();
}

function isTrusted(bag: DerValue): boolean {
  const [, , attributes] = bag.items();
  return attributes?.items().some((attribute) => attribute.items()[0]?.oid() === TRUSTED_KEY_USAGE) ?? false;
}

function certificateIn(bag: DerValue): readonly Buffer[] {
  const [type, value] = bag.items();
  if (type?.oid() !== CERTIFICATE_BAG) return [];
  const certificate = value?.items()[0]?.items()[1]?.items()[0];
  return certificate ? [certificate.bytes] : [];
}

function checkMac(mac: DerValue, content: Buffer, password: string): void {
  const [info, salt, rounds] = mac.items();
  const [algorithm, expected] = info?.items() ?? [];
  const hash = DIGESTS[algorithm?.items()[0]?.oid() ?? ""];
  if (!hash || !expected || !salt) throw new KeyStoreError("its digest is not one that is supported");
  const keyBytes = createHash(hash).digest().length;
  const key = derived(hash, 3, password, salt.bytes, rounds ? roundsOf(rounds) : 1, keyBytes);
  if (!createHmac(hash, key).update(content).digest().equals(expected.bytes)) {
    throw new KeyStoreError("the password is wrong, or the file is damaged");
  }
}

function decrypted(algorithm: DerValue, bytes: Buffer, password: string): Buffer {
  const [name, parameters] = algorithm.items();
  const [cipher, key, iv] = cipherOf(name?.oid() ?? "", parameters?.items() ?? [], password);
  try {
    const decipher = createDecipheriv(cipher, key, iv);
    return Buffer.concat([decipher.update(bytes), decipher.final()]);
  } catch {
    throw new KeyStoreError("the password is wrong, or the file is damaged");
  }
}

function cipherOf(
  name: string,
  parameters: readonly DerValue[],
  password: string,
): readonly [cipher: string, key: Buffer, iv: Buffer] {
  if (name === SHA1_3DES) {
    const [salt, rounds] = parameters;
    const part = (id: number, length: number) => derived("sha1", id, password, salt!.bytes, roundsOf(rounds!), length);
    return ["des-ede3-cbc", part(1, 24), part(2, 8)];
  }
  if (name !== PBES2) throw oldCipher();
  const [derivation, scheme] = parameters.map((each) => each.items());
  const [cipher, keyBytes] = CIPHERS[scheme?.[0]?.oid() ?? ""] ?? [];
  if (derivation?.[0]?.oid() !== PBKDF2 || !cipher || !keyBytes) throw oldCipher();
  const [salt, rounds, ...options] = derivation[1]!.items();
  const prf = options
    .find(({ tag }) => tag === 0x30)
    ?.items()[0]
    ?.oid();
  const hash = PRFS[prf ?? "1.2.840.113549.2.7"];
  if (!hash) throw oldCipher();
  return [cipher, pbkdf2Sync(password, salt!.bytes, roundsOf(rounds!), keyBytes, hash), scheme![1]!.bytes];
}

/** keytool writes 10,000: a damaged number must not keep the thread busy. */
function roundsOf(value: DerValue): number {
  const rounds = value.integer();
  if (rounds < 1 || rounds > 1_000_000) throw new KeyStoreError("the file is damaged");
  return rounds;
}

function oldCipher(): KeyStoreError {
  return new KeyStoreError("it is encrypted by an algorithm that is not supported, such as RC2");
}

/** The derivation of PKCS #12 (RFC 7292, appendix B). @param id the use of the bytes: 1 a key, 2 an IV, 3 a MAC */
function derived(hash: string, id: number, password: string, salt: Buffer, rounds: number, length: number): Buffer {
  const block = hash === "sha384" || hash === "sha512" ? 128 : 64;
  const filled = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
  // As Java's characters, the high byte first, with a zero at the end.
  const secret = Buffer.from(`${password}\0`, "utf16le").swap16();
  const input = Buffer.concat([filled(salt), filled(secret)]);
  const output: Buffer[] = [];
  for (let made = 0; made < length; ) {
    let digest = createHash(hash).update(Buffer.alloc(block, id)).update(input).digest();
    for (let round = 1; round < rounds; round++) digest = createHash(hash).update(digest).digest();
    output.push(digest);
    made += digest.length;
    addToBlocks(input, Buffer.alloc(block, digest));
  }
  return Buffer.concat(output).subarray(0, length);
}

/** Adds `addend` + 1 to each block, as numbers, without the carry out of the block. */
function addToBlocks(blocks: Buffer, addend: Buffer): void {
  for (let start = 0; start < blocks.length; start += addend.length) {
    let carry = 1;
    for (let at = addend.length - 1; at >= 0; at--) {
      const sum = blocks[start + at]! + addend[at]! + carry;
      blocks[start + at] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
