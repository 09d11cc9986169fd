import type { Props } from "../../api/index.js";

/**
 * Kafka Connect's keys that are not supported yet, each with its message. Refusing to run beats running without what
 * they promise. Called at validation, and again when a task starts.
 */
export function unbuiltKeys(type: "source" | "sink", props: Props): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const names = ["transforms", "predicates", ...(type === "source" ? ["offsets.storage.topic"] : [])];
  for (const key of names) {
    if (props[key]?.trim()) {
      found.set(key, `Invalid value ${props[key]} for configuration ${key}: not built yet; leave the key out`);
    }
  }
  const exactlyOnce = "exactly.once.support";
  if (type === "source" && props[exactlyOnce]?.trim().toLowerCase() === "required") {
    found.set(
      exactlyOnce,
      `This worker does not have exactly-once source support enabled: leave ${exactlyOnce} at 'requested'`,
    );
  }
  return found;
}
