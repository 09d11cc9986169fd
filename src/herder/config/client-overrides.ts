import { type ConfigKey, javaHashOrder, validateConfig } from "../../api/index.js";
import type { ConfigInfos } from "../../contract/config-infos.js";
import type { SubmittedConfig } from "../../contract/connector-info.js";
import { clientKeys, type JavaClient } from "../../kafka/client-keys.js";
import { type OverridePolicy, overrideRefusal } from "../../worker/task/override-policy.js";
import { configKeyInfo, configValueInfo } from "./config-infos.js";

/** Names of secrets among the keys that Java's clients do not define. */
const SECRET_KEY = /password|jaas|secret/i;

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
  const clients: JavaClient[] = [
    ...(type === "source" || deadLetters ? (["producer"] as const) : []),
    ...(type === "sink" ? (["consumer"] as const) : []),
    ...(deadLetters || (type === "source" && keys.some((key) => key.startsWith("topic.creation.")))
      ? (["admin"] as const)
      : []),
  ];
  return clients.flatMap((client) => {
    const prefix = `${client}.override.`;
    const def = clientKeys(client);
    const names = [...new Set([...keys, ...faults.keys()])]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
    return javaHashOrder(names).map((at) => {
      const key = names[at]!;
      const errors = faults.get(prefix + key) ?? [];
      const refused = policy.allows(key) ? [] : [overrideRefusal(policy, key)];
      return overrideInfo(prefix, key, def[key], props[prefix + key] ?? null, [...errors, ...refused]);
    });
  });
}

function overrideInfo(
  prefix: string,
  key: string,
  known: ConfigKey | undefined,
  value: string | null,
  errors: readonly string[],
): ConfigInfos["configs"][number] {
  const name = prefix + key;
  if (known === undefined) {
    const shown = SECRET_KEY.test(key) ? "[hidden]" : value;
    return {
      definition: null,
      value: { name, value: shown, recommended_values: [], errors, visible: true },
    };
  }
  const [parsed] = validateConfig({ [name]: { ...known, default: null } }, { [name]: value });
  const info = configValueInfo(parsed!);
  return {
    definition: configKeyInfo(key, known, prefix),
    value: { ...info, errors: errors.length > 0 ? errors : info.errors },
  };
}
