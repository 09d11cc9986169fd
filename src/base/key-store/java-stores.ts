import type { SecureContextOptions } from "node:tls";
import { JKS_MAGIC, readJks } from "./jks-store.js";
import { KeyStoreError } from "./key-store.js";
import { keysInPkcs12, trustedInPkcs12 } from "./pkcs12-store.js";

type Format = "JKS" | "PKCS12";

/**
 * The trusted certificates of a trust store, as PEM. As in Java, its content decides whether it is JKS or PKCS #12:
 * keytool writes the latter into files that are called the former.
 *
 * @throws KeyStoreError
 */
export function trustIn(bytes: Buffer, password: string | undefined): string {
  const trusted = whole(() =>
    formatOf(bytes) === "JKS" ? readJks(bytes, password).trusted : trustedInPkcs12(bytes, password ?? ""),
  );
  if (trusted.length === 0) throw new KeyStoreError("it holds no trusted certificate");
  return trusted.map((certificate) => pem("CERTIFICATE", certificate)).join("");
}

/**
 * The key of a key store and its certificates, in options of TLS. Of several keys the first.
 *
 * @throws KeyStoreError
 */
export function keyIn(
  bytes: Buffer,
  password: string | undefined,
  keyPassword: string | undefined,
): SecureContextOptions {
  const [first] = whole(() =>
    formatOf(bytes) === "PKCS12"
      ? keysInPkcs12(bytes, password ?? "")
      : readJks(bytes, password).keys(keyPassword ?? password ?? ""),
  );
  if (!first) throw new KeyStoreError("it holds no key");
  const cert = first.chain.map((certificate) => pem("CERTIFICATE", certificate)).join("");
  return { key: pem("PRIVATE KEY", first.key), cert };
}

/** Runs `read`. @throws KeyStoreError where a part of the file is missing, which the readers take to be there */
function whole<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new KeyStoreError("the file is damaged: a part of it is missing", { cause });
  }
}

function formatOf(bytes: Buffer): Format {
  if (bytes.length > 4 && bytes.readUInt32BE() === JKS_MAGIC) return "JKS";
  if (bytes[0] === 0x30) return "PKCS12";
  throw new KeyStoreError("it is neither JKS nor PKCS12; for PEM, set the store's type to PEM");
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
