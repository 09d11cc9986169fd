import type { ConfigInfos } from "../../contract/config-infos.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import { type OverridePolicy, overrideRefusal } from "../../worker/task/override-policy.js";

/** Kafka's client keys of type PASSWORD, besides those recognizable by their names. */
const SECRET_KEY = /password|jaas|secret|^ssl\.(keystore\.key|keystore\.certificate\.chain|truststore\.certificates)$/i;

/**
 * One entry for each overridden key of the clients that the connector will have, and for each key in `faults`, which
 * other rules found to be wrong or missing.
 */
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
    return [...new Set([...keys, ...faults.keys()])]
      .filter((key) => key.startsWith(prefix))
      .map((name) => {
        const key = name.slice(prefix.length);
        const errors = [...(faults.get(name) ?? [])];
        if (!policy.allows(key)) {
          errors.push(overrideRefusal(policy, key));
        }
        const value = SECRET_KEY.test(key) ? "[hidden]" : (props[name] ?? null);
        return { definition: null, value: { name, value, recommended_values: [], errors, visible: true } };
      });
  });
}
