import type { Props } from "../../api/index.js";

/**
 * Keys of Kafka Connect that are not served yet, with what is said about each: to run without what they promise would
 * be worse than not to run. Asked when a config is validated, and again when a task starts.
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
