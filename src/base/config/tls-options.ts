import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { ConfigError } from "../../api/errors.js";

/** Settings, by their keys. */
interface Reader {
  /** The text of `key`, trimmed; undefined when absent. */
  text(key: string): string | undefined;
}

/**
 * Reads the `ssl.*` settings of a client or a server. Certificates and keys are PEM (text or file); a keystore may be
 * PKCS12 as well. Called for Kafka's clients, REST, and the bundled broker's listeners.
 *
 * @throws ConfigError naming the key, without the secret.
 */
export function tlsOptions(properties: Readonly<Record<string, string | undefined>>): ConnectionOptions {
  const read: Reader = { text: (key) => properties[key]?.trim() };
  refuseJavaClasses(read, ["ssl.engine.factory.class", "security.providers"], "ssl.truststore.* and ssl.keystore.*");
  const password = read.text("ssl.key.password") ?? read.text("ssl.keystore.password");
  const ca = trustedCertificates(read);
  // As in Java, an empty algorithm accepts any host name.
  const anyHost = read.text("ssl.endpoint.identification.algorithm") === "";
  return {
    ...(ca !== undefined && { ca }),
    ...keyMaterial(read),
    ...enabledVersions(read),
    ...(password !== undefined && { passphrase: password }),
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
  const location = read.text("ssl.truststore.location");
  if (!location) return undefined;
  const type = storeType(read, "ssl.truststore.type", location);
  if (type !== "PEM") throw unsupportedStore("ssl.truststore.type", type, "PEM");
  return requireCertificate("ssl.truststore.location", location, file("ssl.truststore.location", location));
}

/** Without it every connection would fail, with a message about the other side's certificate. */
function requireCertificate<T extends string | Buffer>(key: string, shown: string, content: T): T {
  if (/-----BEGIN [^-]*CERTIFICATE/.test(content.toString("latin1"))) return content;
  throw new ConfigError(key, `Invalid value ${shown} for configuration ${key}: it holds no certificate in PEM`);
}

function keyMaterial(read: Reader): ConnectionOptions {
  const chain = read.text("ssl.keystore.certificate.chain");
  const key = read.text("ssl.keystore.key");
  if (chain && key) return { cert: chain, key };
  const location = read.text("ssl.keystore.location");
  if (!location) return {};
  const type = storeType(read, "ssl.keystore.type", location);
  const content = file("ssl.keystore.location", location);
  if (type === "PEM") return { cert: content, key: content };
  if (type === "PKCS12") return { pfx: content };
  throw unsupportedStore("ssl.keystore.type", type, "PEM or PKCS12");
}

function storeType(read: Reader, key: string, location: string): string {
  const named = read.text(key)?.toUpperCase();
  if (named) return named;
  if (/\.(pem|crt|cer|key)$/i.test(location)) return "PEM";
  return /\.(p12|pfx)$/i.test(location) ? "PKCS12" : "JKS";
}

function unsupportedStore(key: string, type: string, supported: string): ConfigError {
  return unsupported(key, type, `only ${supported} is supported; convert it with keytool and openssl`);
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
