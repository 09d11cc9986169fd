import { ConfigError } from "../../api/index.js";
import { JaasError, type LoginModule, parseJaasFile } from "../../base/config/jaas.js";

/**
 * Finds an entry in the text of a JAAS login configuration file (javax.security.auth.login.Configuration).
 *
 * @param key the setting that named the file, for errors.
 * @returns the entry's modules in order; undefined if the file has no such entry.
 * @throws ConfigError naming `key` for text of another form, without quoting it: it may hold passwords.
 */
export function jaasEntry(key: string, text: string, name: string): readonly LoginModule[] | undefined {
  try {
    return parseJaasFile(text).get(name);
  } catch (error) {
    if (!(error instanceof JaasError)) throw error;
    throw new ConfigError(
      key,
      `Invalid value [hidden] for configuration ${key}: the file is not a JAAS configuration; expected ${name} { CLASS required OPTION="VALUE"; };`,
    );
  }
}
