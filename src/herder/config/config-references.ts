import { ConfigError } from "../../api/index.js";
import type { StoredProps } from "../../stores/config-records.js";
import type { ConfigProvider } from "./config-providers.js";

/** `${provider:key}` or `${provider:path:key}`. A value may contain several, not nested. */
const REFERENCE = /\$\{([^}]*?):(?:([^}]*?):)?([^}]*?)\}/g;

/**
 * Replaces references by the providers' values. A reference unknown to every provider stays.
 *
 * @param found called with each replaced reference and its value.
 * @param expires called with the time after which values that were used are no longer valid.
 * @throws ConfigError from a provider whose path cannot be read, or whose value is no text.
 */
export function resolveReferences<P extends StoredProps>(
  props: P,
  providers: ReadonlyMap<string, ConfigProvider>,
  found: (reference: string, value: string) => void = () => {},
  expires: (ttlMs: number) => void = () => {},
): P {
  if (providers.size === 0) return props;
  const read = new Map<string, ReadonlyMap<string, unknown>>();
  const lookUp = (providerName: string, path: string) => {
    const provider = providers.get(providerName);
    if (!provider) return undefined;
    const id = `${providerName}:${path}`;
    const known = read.get(id);
    if (known) return known;
    const given = provider.get(path);
    const { data, ttlMs } = "data" in given ? given : { data: given };
    if (ttlMs !== undefined) expires(ttlMs);
    read.set(id, data);
    return data;
  };
  const resolve = (value: string) =>
    value.replace(REFERENCE, (reference, provider: string, path: string | undefined, name: string) => {
      const secret = lookUp(provider, path ?? "")?.get(name);
      if (secret === undefined) return reference;
      if (typeof secret !== "string") {
        const kind = secret === null ? "null" : secret instanceof Promise ? "a promise" : `a ${typeof secret}`;
        const message = `The config provider ${provider} gave ${kind} for ${reference}: its values must be texts`;
        throw new ConfigError("config.providers", message);
      }
      found(reference, secret);
      return secret;
    });
  // Not by assignment, which loses a key `__proto__`.
  return Object.fromEntries(Object.entries(props).map(([key, value]) => [key, value && resolve(value)])) as P;
}

/** The non-null entries. Nulls occur in a Java worker's records, or are refused elsewhere; connectors get only text. */
export function withoutNulls(props: StoredProps): Record<string, string> {
  return Object.fromEntries(Object.entries(props).filter((entry): entry is [string, string] => entry[1] !== null));
}

/** Whether a value contains a possible reference. */
export function hasReference(value: string | null | undefined): boolean {
  return value != null && new RegExp(REFERENCE.source).test(value);
}

/**
 * A task's config for publication: each key whose value in the connector's config is a reference gets the reference
 * back, so that no secret is written to the config topic.
 */
export function restoreReferences(
  taskConfig: Readonly<Record<string, string>>,
  connectorConfig: StoredProps,
): Record<string, string> {
  const restored: Record<string, string> = { ...taskConfig };
  for (const [key, value] of Object.entries(connectorConfig)) {
    if (value !== null && key in restored && hasReference(value)) restored[key] = value;
  }
  return restored;
}
