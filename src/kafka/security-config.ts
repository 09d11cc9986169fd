import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { ConfigError } from "../api/errors.js";
import type { ClientProperties } from "./client/client-options.js";
import { PropertyReader } from "./client-properties.js";

/** Credentials for SASL. */
export interface SaslConfig {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly username: string;
  readonly password: string;
}

/** The TLS and SASL settings of connections; both undefined for PLAINTEXT. */
export interface SecurityConfig {
  readonly tls: ConnectionOptions | undefined;
  readonly sasl: SaslConfig | undefined;
}

/**
 * Reads `security.protocol`, `ssl.*` and `sasl.*`. Certificates and keys are PEM (text or file); a keystore may be
 * PKCS12 as well.
 * @throws ConfigError naming the key, without the secret.
 */
export function securityConfig(properties: ClientProperties): SecurityConfig {
  const read = new PropertyReader(properties);
  const protocol = read.oneOf(
    "security.protocol",
    "PLAINTEXT",
    ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
    (text) => text.toUpperCase(),
  );
  return {
    tls: protocol.endsWith("SSL") ? tlsOptions(read) : undefined,
    sasl: protocol.startsWith("SASL") ? saslConfig(read) : undefined,
  };
}

/**
 * Reads the `ssl.*` keys alone: REST's listeners and its requests to other workers have their own.
 * @throws ConfigError naming the key, without the secret.
 */
export function tlsConfig(properties: ClientProperties): ConnectionOptions {
  return tlsOptions(new PropertyReader(properties));
}

/** Refuses Java classes that authenticate or establish trust: ignoring them would change who is trusted. */
function refuseClasses(read: PropertyReader, keys: readonly string[], instead: string): void {
  for (const key of keys) {
    const name = read.text(key) ?? "";
    if (name === "") continue;
    throw new ConfigError(
      key,
      `Invalid value ${name} for configuration ${key}: Java classes cannot be loaded; remove the key and set ${instead}`,
    );
  }
}

function tlsOptions(read: PropertyReader): ConnectionOptions {
  refuseClasses(read, ["ssl.engine.factory.class", "security.providers"], "ssl.truststore.* and ssl.keystore.*");
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

const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3"] as const;

/** The lowest and highest version in `ssl.enabled.protocols`. Versions before TLS 1.2 are refused, as in Java. */
function enabledVersions(read: PropertyReader): Pick<ConnectionOptions, "minVersion" | "maxVersion"> {
  const key = "ssl.enabled.protocols";
  const named = read.list(key);
  if (named.length === 0) return {};
  const foreign = named.find((name) => !TLS_VERSIONS.some((version) => version === name));
  if (foreign !== undefined) {
    throw new ConfigError(
      key,
      `Invalid value ${foreign} for configuration ${key}: ${TLS_VERSIONS.join(" and ")} are supported`,
    );
  }
  const versions = TLS_VERSIONS.filter((version) => named.includes(version));
  return { minVersion: versions[0]!, maxVersion: versions.at(-1)! };
}

function trustedCertificates(read: PropertyReader): string | Buffer | undefined {
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

function keyMaterial(read: PropertyReader): ConnectionOptions {
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

function storeType(read: PropertyReader, key: string, location: string): string {
  const named = read.text(key)?.toUpperCase();
  if (named) return named;
  if (/\.(pem|crt|cer|key)$/i.test(location)) return "PEM";
  return /\.(p12|pfx)$/i.test(location) ? "PKCS12" : "JKS";
}

function unsupportedStore(key: string, type: string, supported: string): ConfigError {
  return new ConfigError(
    key,
    `Invalid value ${type} for configuration ${key}: only ${supported} is supported; convert it with keytool and openssl`,
  );
}

function file(key: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new ConfigError(key, `Invalid value ${path} for configuration ${key}: the file cannot be read`, { cause });
  }
}

function saslConfig(read: PropertyReader): SaslConfig {
  const classes = ["sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class"];
  refuseClasses(read, classes, "sasl.jaas.config");
  const mechanism = read.oneOf("sasl.mechanism", "", ["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"], (text) =>
    text.toUpperCase(),
  );
  if (mechanism === "") {
    throw new ConfigError(
      "sasl.mechanism",
      'Missing required configuration "sasl.mechanism": PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are supported',
      { code: "CONFIG_MISSING" },
    );
  }
  const jaas = read.text("sasl.jaas.config") ?? "";
  const option = (name: string): string => {
    const found = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|'([^']*)'|([^\\s;]+))`).exec(jaas);
    const value = found?.[1]?.replace(/\\(.)/g, "$1") ?? found?.[2] ?? found?.[3];
    if (value !== undefined) return value;
    throw new ConfigError(
      "sasl.jaas.config",
      `Invalid value [hidden] for configuration sasl.jaas.config: it must hold ${name}="…", as in org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";`,
    );
  };
  return { mechanism, username: option("username"), password: option("password") };
}
