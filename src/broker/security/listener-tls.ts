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
  return { options, clientAuth, userOf };
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
