import { ConfigError, errorKind } from "../../api/index.js";

/**
 * A message about a nested plugin's or client's own key (`linger.ms`), with the key as the reader's configuration spells
 * it (`producer.override.linger.ms`).
 *
 * @param prefix what stands before the key there, with its dot.
 */
export function withFullKey(message: string, key: string, prefix: string): string {
  if (prefix === "" || message.includes(prefix + key)) return message;
  for (const before of ["configuration ", '"', "'"]) {
    const at = message.indexOf(before + key);
    if (at < 0 || /^[\w.-]*\w/.test(message.slice(at + before.length + key.length))) continue;
    return `${message.slice(0, at + before.length)}${prefix}${message.slice(at + before.length)}`;
  }
  return `${prefix}${key}: ${message}`;
}

/**
 * Calls `configure` of a plugin that stands under `prefix` in a connector's or worker's configuration.
 *
 * @param prefix with its dot; by key where keys of the plugin, or client, stand under several.
 * @throws the plugin's error; a ConfigError with its key, and its message, under `prefix`.
 */
export function configureUnder<T>(prefix: string | ((key: string) => string), configure: () => T): T {
  try {
    return configure();
  } catch (cause) {
    // By kind: a plugin may carry its own copy of the api.
    if (errorKind(cause) !== "config") throw cause;
    const { key, message, code } = cause as ConfigError;
    const full = typeof prefix === "string" ? prefix : prefix(key);
    throw new ConfigError(full + key, withFullKey(message, key, full), { cause, code });
  }
}
