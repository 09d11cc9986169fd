import type { UserModule } from "./basic-auth.js";
import { type CorsPolicy, parseCorsPolicy } from "./cors.js";
import { type HeaderRule, parseHeaderRules } from "./header-rules.js";
import { restUsers } from "./rest-extensions.js";

/** Who may call REST, and the headers that every answer gets. */
export interface AccessRules {
  /** undefined: everybody may call it. */
  readonly users: readonly UserModule[] | undefined;
  readonly cors: CorsPolicy | undefined;
  readonly headers: readonly HeaderRule[];
}

/** The worker properties of these rules. */
export interface AccessConfig {
  readonly "rest.extension.classes": readonly string[];
  readonly "java.security.auth.login.config": string | null;
  readonly "access.control.allow.origin": string;
  readonly "access.control.allow.methods": string;
  readonly "response.http.headers.config": string;
}

/**
 * Reads the rules of a worker, with the files that they name.
 *
 * @param env the process's environment, for KAFKA_OPTS.
 * @throws ConfigError naming the key.
 */
export function accessRules(config: AccessConfig, env: Readonly<Record<string, string | undefined>>): AccessRules {
  return {
    users: restUsers(config["rest.extension.classes"], config["java.security.auth.login.config"], env),
    cors: parseCorsPolicy(config["access.control.allow.origin"], config["access.control.allow.methods"]),
    headers: parseHeaderRules(config["response.http.headers.config"]),
  };
}
