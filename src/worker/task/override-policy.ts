import { type ConfigDef, ConfigError, invalidValue, type Props, parseConfig } from "../../api/index.js";

/** The worker's keys about client settings that connectors may override (KIP-458, KIP-1188). */
export const OVERRIDE_POLICY_KEYS = {
  "connector.client.config.override.policy": {
    type: "string",
    doc: "Which client settings connectors may override: All, None, Principal or Allowlist.",
    default: "All",
  },
  "connector.client.config.override.allowlist": {
    type: "list",
    doc: "Client settings that connectors may override under the Allowlist policy.",
    default: [],
  },
} as const satisfies ConfigDef;

/** Decides which client settings a connector may override. */
export interface OverridePolicy {
  readonly name: string;
  /** @param key without `producer.override.` and the like. */
  allows(key: string): boolean;
}

const PRINCIPAL_KEYS: ReadonlySet<string> = new Set(["sasl.jaas.config", "sasl.mechanism", "security.protocol"]);

/** The policy of a worker, by its short name or class. @throws ConfigError for one that does not exist */
export function overridePolicy(worker: Props): OverridePolicy {
  const key = "connector.client.config.override.policy";
  const { [key]: policy, "connector.client.config.override.allowlist": allowlist } = parseConfig(
    OVERRIDE_POLICY_KEYS,
    worker,
  );
  const name = policy.slice(policy.lastIndexOf(".") + 1).replace(/ConnectorClientConfigOverridePolicy$/, "");
  switch (name) {
    case "All":
      return { name, allows: () => true };
    case "None":
      return { name, allows: () => false };
    case "Principal":
      return { name, allows: (override) => PRINCIPAL_KEYS.has(override) };
    case "Allowlist":
      return { name, allows: (override) => allowlist.includes(override) };
    default:
      throw new ConfigError(key, invalidValue(key, policy, "Policy must be one of: All, None, Principal, Allowlist"));
  }
}

/** The message for an override that the policy does not allow. */
export function overrideRefusal({ name }: OverridePolicy, key: string): string {
  return `The '${name}' policy does not allow '${key}' to be overridden in the connector configuration.`;
}
