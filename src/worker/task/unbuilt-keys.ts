import type { Props } from "../../api/index.js";
import { exactlyOnceMode } from "../worker-config.js";
import { withPrefix } from "./task-client-properties.js";

/**
 * Keys of a connector whose promises this worker cannot keep, because they are not built yet or because exactly-once
 * delivery is off, each with its message. Refusing to run beats running without what
 * they promise. Called at validation, and again when a task starts.
 */
export function unbuiltKeys(type: "source" | "sink", worker: Props, connector: Props): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (type === "sink") return found;
  const offsetsTopic = "offsets.storage.topic";
  if (connector[offsetsTopic]?.trim()) {
    const message = `Invalid value ${connector[offsetsTopic]} for configuration ${offsetsTopic}: not built yet; leave the key out`;
    found.set(offsetsTopic, message);
  }
  const exactlyOnce = "exactly.once.support";
  if (exactlyOnceMode(worker) !== "enabled" && connector[exactlyOnce]?.trim().toLowerCase() === "required") {
    const message = `This worker does not have exactly-once source support enabled: set the worker's exactly.once.source.support to 'enabled', or leave ${exactlyOnce} at 'requested'`;
    found.set(exactlyOnce, message);
  }
  // One transaction cannot span two clusters, and the connector's offsets are in the worker's.
  const servers = "bootstrap.servers";
  const { [servers]: target } = { ...withPrefix(worker, "producer."), ...withPrefix(connector, "producer.override.") };
  if (exactlyOnceMode(worker) === "enabled" && target !== undefined && target !== worker[servers]) {
    const message = `Invalid value ${target} for configuration producer.override.${servers}: a source that writes to another cluster than the worker's needs offsets there, too, for exactly-once delivery; not built yet. Run it on a worker with exactly.once.source.support=disabled`;
    found.set(`producer.override.${servers}`, message);
  }
  return found;
}
