import { statSync } from "node:fs";
import type { TlsOptions } from "node:tls";
import { tlsOptions } from "../../base/config/tls-options.js";
import { type BrokerProperties, BrokerPropertyError } from "../broker-properties.js";
import { subjectOf } from "./distinguished-name.js";
import { parsePrincipalMapping } from "./principal-mapping.js";

/** The keys that `tlsOptions` reads for a server. */
const KEYS = [
  "ssl.keystore.location",
  "ssl.keystore.type",
  "ssl.keystore.password",
  "ssl.keystore.key",
  "ssl.keystore.certificate.chain",
  "ssl.key.password",
  "ssl.truststore.location",
  "ssl.truststore.type",
  "ssl.truststore.password",
  "ssl.truststore.certificates",
  "ssl.enabled.protocols",
] as const;

/** The certificates of a listener, and those that it asks of its clients. */
export interface ListenerTls {
  readonly options: TlsOptions;
  /** As of `tlsStamp`, before anything was read. */
  readonly stamp: string;
  /** Whether clients are asked for a certificate, and must have one. */
  readonly clientAuth: "none" | "requested" | "required";
  /** The name of the user with this certificate (in DER), which has been checked; undefined: it has none. */
  userOf(certificate: Buffer): string | undefined;
}

/**
 * Reads the `ssl.*` properties of a listener, and the files that they name.
 * @throws BrokerPropertyError naming the property, without the secret.
 */
export function listenerTls(name: string, properties: BrokerProperties): ListenerTls {
  const of = properties.ofListener(name);
  const stamp = tlsStamp(name, properties);
  const fail = (key: string, detail: string) => new BrokerPropertyError(`${key} (listener ${name})`, detail);
  const rules = of("ssl.principal.mapping.rules") ?? "DEFAULT";
  const mapping = withoutConfigError(fail, () => parsePrincipalMapping(rules));
  if (!mapping)
    throw fail("ssl.principal.mapping.rules", `expected RULE:PATTERN/REPLACEMENT/[LU] or DEFAULT, got ${rules}`);
  const clientAuth = (of("ssl.client.auth") ?? "none").trim().toLowerCase();
  if (clientAuth !== "none" && clientAuth !== "requested" && clientAuth !== "required") {
    throw fail("ssl.client.auth", `expected none, requested or required, got ${clientAuth}`);
  }
  const { checkServerIdentity: _, ...material } = withoutConfigError(fail, () => tlsOptions(settingsOf(of)));
  if (!("cert" in material)) {
    throw fail(
      "ssl.keystore.location",
      "a listener with TLS needs a key and its certificate: a PEM, JKS or PKCS12 file",
    );
  }
  if (clientAuth !== "none" && material.ca === undefined) {
    throw fail("ssl.truststore.location", "without it, every certificate of a public authority would be let in");
  }
  const options: TlsOptions = {
    ...(material as TlsOptions),
    requestCert: clientAuth !== "none",
    rejectUnauthorized: clientAuth === "required",
  };
  const userOf = (certificate: Buffer) => {
    const subject = subjectOf(certificate);
    return subject === undefined ? undefined : mapping(subject);
  };
  return { options, stamp, clientAuth, userOf };
}

/**
 * A text that changes whenever a property of a listener's certificates does, or a file that one names. It holds
 * passwords.
 */
export function tlsStamp(name: string, properties: BrokerProperties): string {
  const settings = settingsOf(properties.ofListener(name));
  const paths = [settings["ssl.keystore.location"], settings["ssl.truststore.location"]];
  return JSON.stringify([settings, ...paths.map((path) => path && fileStamp(path.trim()))]);
}

function fileStamp(path: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(path);
    return [ino, size, mtimeMs, ctimeMs].join();
  } catch (cause) {
    return String((cause as NodeJS.ErrnoException).code);
  }
}

function settingsOf(of: (key: string) => string | undefined): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const key of KEYS) {
    const value = of(key);
    if (value !== undefined) settings[key] = value;
  }
  return settings;
}

/** Runs `read`. @throws the error of `fail` for a ConfigError, which names its key and no secret. */
function withoutConfigError<T>(fail: (key: string, detail: string) => Error, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { key, message } = error as Error & { readonly key?: string };
    throw key === undefined ? error : fail(key, message);
  }
}
