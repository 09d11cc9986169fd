import type { ConfigInfos } from "../../contract/config-infos.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";

/** Decides which client settings a connector may override (KIP-458). */
export interface OverridePolicy {
  readonly name: string;
  allows(key: string): boolean;
}

const PRINCIPAL_KEYS: ReadonlySet<string> = new Set(["sasl.jaas.config", "sasl.mechanism", "security.protocol"]);

/** What Kafka's clients take as PASSWORD, beyond keys that say so in their names. */
const SECRET_KEY = /password|jaas|secret|^ssl\.(keystore\.key|keystore\.certificate\.chain|truststore\.certificates)$/i;

/** The policy that `connector.client.config.override.policy` names; undefined for an unknown one. */
export function overridePolicy(name: string, allowlist: readonly string[]): OverridePolicy | undefined {
  const simple = name.slice(name.lastIndexOf(".") + 1).replace(/ConnectorClientConfigOverridePolicy$/, "");
  switch (simple) {
    case "All":
      return { name: simple, allows: () => true };
    case "None":
      return { name: simple, allows: () => false };
    case "Principal":
      return { name: simple, allows: (key) => PRINCIPAL_KEYS.has(key) };
    case "Allowlist":
      return { name: simple, allows: (key) => allowlist.includes(key) };
    default:
      return undefined;
  }
}

/** An entry per overridden key of a client that the connector will have, with what other rules say of it (`faults`). */
export function clientOverrideInfos(
  type: "source" | "sink",
  props: SubmittedConfig,
  policy: OverridePolicy,
  faults: ReadonlyMap<string, readonly string[]>,
): ConfigInfos["configs"] {
  const keys = Object.keys(props);
  const deadLetters = type === "sink" && !!props["errors.deadletterqueue.topic.name"]?.trim();
  const clients = [
    ...(type === "source" || deadLetters ? ["producer"] : []),
    ...(type === "sink" ? ["consumer"] : []),
    ...(deadLetters || (type === "source" && keys.some((key) => key.startsWith("topic.creation."))) ? ["admin"] : []),
  ];
  return clients.flatMap((client) => {
    const prefix = `${client}.override.`;
    return keys
      .filter((key) => key.startsWith(prefix))
      .map((name) => {
        const key = name.slice(prefix.length);
        const errors = [...(faults.get(name) ?? [])];
        if (!policy.allows(key)) {
          errors.push(
            `The '${policy.name}' policy does not allow '${key}' to be overridden in the connector configuration.`,
          );
        }
        const value = SECRET_KEY.test(key) ? "[hidden]" : (props[name] ?? null);
        return { definition: null, value: { name, value, recommended_values: [], errors, visible: true } };
      });
  });
}
