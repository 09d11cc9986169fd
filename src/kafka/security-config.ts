import type { ConnectionOptions } from "node:tls";
import { ConfigError } from "../api/errors.js";
import { refuseJavaClasses, tlsOptions } from "../base/config/tls-options.js";
import type { ClientProperties } from "./client/client-options.js";
import { PropertyReader, unsupported } from "./client-properties.js";

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
 * Reads `security.protocol`, `ssl.*` and `sasl.*`.
 *
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
    tls: protocol.endsWith("SSL") ? tlsOptions(properties) : undefined,
    sasl: protocol.startsWith("SASL") ? saslConfig(read) : undefined,
  };
}

const FOREIGN_MECHANISMS = ["GSSAPI", "OAUTHBEARER"];

function saslConfig(read: PropertyReader): SaslConfig {
  const classes = ["sasl.client.callback.handler.class", "sasl.login.callback.handler.class", "sasl.login.class"];
  refuseJavaClasses(read, classes, "sasl.jaas.config");
  const named = read.text("sasl.mechanism")?.toUpperCase() ?? "";
  if (FOREIGN_MECHANISMS.includes(named)) {
    throw unsupported("sasl.mechanism", named, "PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are supported");
  }
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
