import type { Props } from "../../api/index.js";

/**
 * Kafka Connect's keys that are not supported yet, each with its message. Refusing to run beats running without what
 * they promise. Called at validation, and again when a task starts.
 */
export function unbuiltKeys(type: "source" | "sink", props: Props): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const offsetsTopic = "offsets.storage.topic";
  if (type === "source" && props[offsetsTopic]?.trim()) {
    const message = `Invalid value ${props[offsetsTopic]} for configuration ${offsetsTopic}: not built yet; leave the key out`;
    found.set(offsetsTopic, message);
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
