import type { ConfigValues } from "../../../src/api/index.js";
import type { CONNECTOR_KEYS } from "./connector-keys.js";

type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** libpq's meanings. Files are read for each connection, so a renewed certificate takes effect. */
export interface SslSettings {
  readonly mode: SslMode;
  readonly certPath: string | null;
  readonly keyPath: string | null;
  readonly keyPassword: string | null;
  readonly rootCertPath: string | null;
}

export function parseSslSettings(config: ConfigValues<typeof CONNECTOR_KEYS>): SslSettings {
  return {
    mode: config["database.sslmode"].trim().toLowerCase() as SslMode,
    certPath: config["database.sslcert"],
    keyPath: config["database.sslkey"],
    keyPassword: config["database.sslpassword"]?.value ?? null,
    rootCertPath: config["database.sslrootcert"],
  };
}
