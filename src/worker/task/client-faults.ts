import { ConfigError, type Props } from "../../api/index.js";
import { propertyFaults } from "../../kafka/property-faults.js";
import { withFullKey } from "./full-key.js";
import { overridePolicy } from "./override-policy.js";
import {
  adminProperties,
  type ClientKind,
  type DerivedProperties,
  sinkConsumerProperties,
  sourceProducerProperties,
} from "./task-client-properties.js";

/** The properties of each kind of client, for any task. */
const DERIVATIONS: Readonly<Record<ClientKind, (worker: Props, connector: Props) => DerivedProperties>> = {
  producer: (worker, connector) => sourceProducerProperties(worker, connector, ANY_TASK),
  consumer: (worker, connector) => sinkConsumerProperties(worker, connector, ANY_TASK).properties,
  admin: (worker, connector) => adminProperties(worker, connector, ANY_TASK, "adminclient"),
};
const ANY_TASK = { connector: "", task: 0 };

/**
 * The overrides that Java's clients would take and ours do not support: a message by key, as the connector's
 * configuration spells it. For validation. On other faults the task fails when it starts, as in Kafka Connect.
 *
 * @param worker the worker's properties, which have passed `checkWorkerClients`.
 */
export function unsupportedOverrides(worker: Props, connector: Props): ReadonlyMap<string, string> {
  const policy = overridePolicy(worker);
  const faults = new Map<string, string>();
  for (const [kind, derive] of Object.entries(DERIVATIONS)) {
    const prefix = `${kind}.override.`;
    const allowed = Object.entries(connector).filter(
      ([key]) => key.startsWith(prefix) && policy.allows(key.slice(prefix.length)),
    );
    if (allowed.length === 0) continue;
    const properties = derive(worker, Object.fromEntries(allowed));
    for (const { key, message, code } of propertyFaults(properties).values()) {
      if (code === "CONFIG_UNSUPPORTED") faults.set(prefix + key, withFullKey(message, key, prefix));
    }
  }
  return faults;
}

/**
 * Called when a worker starts: finds the faults in its own properties on which every task's clients would fail.
 * @throws ConfigError for the first fault, with the key as the worker's properties spell it (`producer.linger.ms`).
 */
export function checkWorkerClients(worker: Props): void {
  for (const [kind, derive] of Object.entries(DERIVATIONS)) {
    for (const cause of propertyFaults(derive(worker, {})).values()) {
      // Some of the worker's own properties reach the clients without a prefix.
      const isOwn = cause.key in worker && !(`${kind}.${cause.key}` in worker);
      const prefix = isOwn ? "" : `${kind}.`;
      throw new ConfigError(prefix + cause.key, withFullKey(cause.message, cause.key, prefix), {
        cause,
        code: cause.code,
      });
    }
  }
}
