import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type ConnectionOptions, createSecureContext } from "node:tls";
import { ConfigError } from "../../api/errors.js";
import { keyIn, trustIn } from "../key-store/java-stores.js";
import { KeyStoreError } from "../key-store/key-store.js";

/** Settings, by their keys. */
interface Reader {
  /** The text of `key`, trimmed; undefined when absent. */
  text(key: string): string | undefined;
}

/**
 * Reads the `ssl.*` settings of a client or a server. Certificates and keys are PEM (text or file), or in a store in JKS
 * or PKCS12. Called for Kafka's clients, REST, and the bundled broker's listeners.
 *
 * @throws ConfigError naming the key, without the secret.
 */
export function tlsOptions(properties: Readonly<Record<string, string | undefined>>): ConnectionOptions {
  const read: Reader = { text: (key) => properties[key]?.trim() };
  refuseJavaClasses(read, ["ssl.engine.factory.class", "security.providers"], "ssl.truststore.* and ssl.keystore.*");
  const ca = trustedCertificates(read);
  // As in Java, an empty algorithm accepts any host name.
  const anyHost = read.text("ssl.endpoint.identification.algorithm") === "";
  return {
    ...(ca !== undefined && { ca }),
    ...keyMaterial(read),
    ...enabledVersions(read),
    ...(anyHost && { checkServerIdentity: () => undefined }),
  };
}

/**
 * Refuses Java classes that authenticate or establish trust: ignoring them would change who is trusted.
 *
 * @throws ConfigError naming the key and what to set `instead`.
 */
export function refuseJavaClasses(read: Reader, keys: readonly string[], instead: string): void {
  for (const key of keys) {
    const name = read.text(key) ?? "";
    if (name === "") continue;
    throw unsupported(key, name, `Java classes cannot be loaded; remove the key and set ${instead}`);
  }
}

const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

/** The lowest and highest version in `ssl.enabled.protocols`. Versions before TLS 1.2 are refused, as in Java. */
function enabledVersions(read: Reader): Pick<ConnectionOptions, "minVersion" | "maxVersion"> {
  const key = "ssl.enabled.protocols";
  const named = splitList(read.text(key));
  if (named.length === 0) return {};
  const foreign = named.find((name) => !TLS_VERSIONS.some((version) => version === name));
  if (foreign !== undefined) {
    throw unsupported(key, foreign, `${TLS_VERSIONS.join(" and ")} are supported`);
  }
  const versions = TLS_VERSIONS.filter((version) => named.includes(version));
  return { minVersion: versions[0]!, maxVersion: versions.at(-1)! };
}

function trustedCertificates(read: Reader): string | Buffer | undefined {
  const inline = read.text("ssl.truststore.certificates");
  if (inline) return requireCertificate("ssl.truststore.certificates", "[hidden]", inline);
  const key = "ssl.truststore.location";
  const location = read.text(key);
  if (!location) return undefined;
  const content = file(key, location);
  if (storeType(read, "ssl.truststore.type", location) === "PEM") return requireCertificate(key, location, content);
  const ca = fromStore(key, location, () => trustIn(content, read.text("ssl.truststore.password")));
  return requireCertificate(key, location, ca);
}

/** Else every connection would fail, with a message about the other side's certificate, and be tried again for ever. */
function requireCertificate<T extends string | Buffer>(key: string, shown: string, content: T): T {
  const certificates = content.toString("latin1").match(/-----BEGIN [^-]*CERTIFICATE-----[^-]*(-----END [^-]*-----)?/g);
  if (!certificates)
    throw new ConfigError(key, `Invalid value ${shown} for configuration ${key}: it holds no certificate in PEM`);
  usable(key, shown, () => certificates.map((certificate) => new X509Certificate(certificate)));
  return content;
}

function usable(key: string, shown: string, use: () => unknown): void {
  try {
    use();
  } catch (cause) {
    const detail = `the key or certificate cannot be read (${(cause as Error).message}). Check the file, its type and its password`;
    throw new ConfigError(key, `Invalid value ${shown} for configuration ${key}: ${detail}`, { cause });
  }
}

function keyMaterial(read: Reader): ConnectionOptions {
  const chain = read.text("ssl.keystore.certificate.chain");
  const key = read.text("ssl.keystore.key");
  const [password, keyPassword] = [read.text("ssl.keystore.password"), read.text("ssl.key.password")];
  const passphrase = keyPassword ?? password;
  const locked = { ...(passphrase !== undefined && { passphrase }) };
  if (chain && key) {
    const inline = { cert: chain, key, ...locked };
    usable("ssl.keystore.key", "[hidden]", () => createSecureContext({ ca: [], ...inline }));
    return inline;
  }
  const place = "ssl.keystore.location";
  const location = read.text(place);
  if (!location) return {};
  const content = file(place, location);
  const isPem = storeType(read, "ssl.keystore.type", location) === "PEM";
  const material = isPem
    ? { cert: content, key: content, ...locked }
    : fromStore(place, location, () => keyIn(content, password, keyPassword));
  usable(place, location, () => createSecureContext({ ca: [], ...material }));
  return material;
}

const STORE_TYPES = ["PEM", "JKS", "PKCS12"];

function storeType(read: Reader, key: string, location: string): string {
  const named = read.text(key)?.toUpperCase() || (/\.(pem|crt|cer|key)$/i.test(location) ? "PEM" : "JKS");
  if (!STORE_TYPES.includes(named)) throw unsupported(key, named, `${STORE_TYPES.join(", ")} are supported`);
  return named;
}

function fromStore<T>(key: string, location: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof KeyStoreError)) throw cause;
    const remedy = `keytool -importkeystore -srckeystore ${location} -destkeystore NEW.p12 -deststoretype PKCS12`;
    throw new ConfigError(
      key,
      `Invalid value ${location} for configuration ${key}: the store cannot be read: ${cause.message}. If its passwords are right, write it in today's format: ${remedy}`,
      { cause },
    );
  }
}

/** For a value that Java would take. */
function unsupported(key: string, value: string, why: string): ConfigError {
  return new ConfigError(key, `Invalid value ${value} for configuration ${key}: ${why}`, {
    code: "CONFIG_UNSUPPORTED",
  });
}

function file(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigError(key, `Invalid value ${path} for configuration ${key}: the file cannot be read`, { cause });
  }
}

function splitList(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
